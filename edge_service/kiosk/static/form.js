// The booking's number, charge and disposition.
import { send } from "./api.js";
import { say } from "./text.js";

const $ = (id) => document.getElementById(id);
const NUMBER = /^[A-Za-z0-9]+([-./][A-Za-z0-9]+)*$/;
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`)?.value ?? "";

export function clearForm() {
  $("booking-form").reset();
  clearProblems();
}

function clearProblems() {
  for (const id of ["number-problem", "charge-problem", "disposition-problem"]) $(id).textContent = "";
  $("number").removeAttribute("aria-invalid");
}

// What was typed stays while the step does; what the service knows is filled in when the step begins.
export function drawForm(state, isNew) {
  if (!isNew || !state.form) return;
  $("number").value = state.form.number;
  for (const name of ["charge_class", "disposition"]) {
    const radio = document.querySelector(`input[name=${name}][value=${state.form[name]}]`);
    if (radio) radio.checked = true;
  }
}

function problems() {
  const number = $("number").value.trim();
  const found = {};
  if (!number) found.number = "form.number_missing";
  else if (!NUMBER.test(number)) found.number = "form.number_wrong";
  if (!chosen("charge_class")) found.charge = "form.charge_missing";
  if (!chosen("disposition")) found.disposition = "form.disposition_missing";
  return found;
}

async function submit(event) {
  event.preventDefault();
  clearProblems();
  const found = problems();
  // A scanner ends a number with Enter: then the next thing to choose has the focus, and nobody is scolded.
  if (document.activeElement === $("number") && !found.number && (found.charge || found.disposition)) {
    document.querySelector(`input[name=${found.charge ? "charge_class" : "disposition"}]`).focus();
    return;
  }
  for (const [field, word] of Object.entries(found)) $(`${field}-problem`).textContent = say(word);
  if (found.number) {
    $("number").setAttribute("aria-invalid", "true");
    $("number").focus();
  }
  if (Object.keys(found).length) return;
  const body = {
    number: $("number").value.trim().toUpperCase(),
    charge_class: chosen("charge_class"),
    disposition: chosen("disposition"),
  };
  const result = await send("form", body);
  if (!result.ok) $("number-problem").textContent = say(result.word);
}

export function startForm() {
  $("booking-form").addEventListener("submit", submit);
  $("booking-form").addEventListener("input", clearProblems);
}
