// Which fingers: two hands to tap, and what a tap says.
import { act } from "./api.js";
import { say } from "./text.js";

const $ = (id) => document.getElementById(id);
const fingers = () => document.querySelectorAll(".hands-pick .finger");
let plan = {};
let drawn = "";

function show() {
  for (const finger of fingers()) {
    const state = plan[finger.dataset.position] ?? "leave";
    finger.dataset.state = state;
    const facts = { finger: say(`finger.${finger.dataset.position}`), state: say(`plan.${state}`) };
    finger.setAttribute("aria-label", say("finger.with_state", facts));
    finger.setAttribute("aria-pressed", String(state === "print"));
  }
  const count = Object.values(plan).filter((state) => state === "print").length;
  const word = count === 0 ? "plan.start_none" : count === 1 ? "plan.start_one" : "plan.start";
  $("plan-start").textContent = say(word, { count });
  $("plan-start").disabled = count === 0;
}

export function drawPlan(state, isNew) {
  const given = JSON.stringify(state.plan);
  if (isNew || given !== drawn) plan = { ...state.plan };
  drawn = given;
  if (isNew) document.querySelector("input[name=brush]").checked = true;
  show();
}

function tap(finger) {
  const brush = document.querySelector("input[name=brush]:checked").value;
  const position = finger.dataset.position;
  const now = plan[position] ?? "leave";
  if (brush === "print") plan[position] = now === "print" ? "leave" : "print";
  else plan[position] = now === brush ? "print" : brush;
  show();
}

export function startPlan() {
  for (const finger of fingers()) {
    finger.addEventListener("click", () => tap(finger));
    finger.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tap(finger);
    });
  }
  $("plan-back").addEventListener("click", () => act("back"));
  $("plan-start").addEventListener("click", () => act("take", { fingers: plan }));
}
