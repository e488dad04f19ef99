// Starts the page: words, stream, keys; and shows the step that the service says.
import { act, onNotice, send } from "./api.js";
import { startCapture, drawCapture } from "./capture.js";
import { catchTyping, startKeys } from "./keys.js";
import { dropPicture } from "./picture.js";
import { drawPlan, startPlan } from "./plan.js";
import { drawHome, drawResult, startResult } from "./result.js";
import { clearForm, drawForm, startForm } from "./form.js";
import { Stream } from "./stream.js";
import { drawStatus } from "./status.js";
import { currentLanguage, say, speak } from "./text.js";

const $ = (id) => document.getElementById(id);
const FIELDS = { locked: "code", form: "number" };
const HEADINGS = {
  locked: "unlock-title", home: "home-title", form: "form-title", plan: "plan-title",
  capture: "finger-name", result: "result-title",
};
const TOUCH_EVERY_MS = 10_000;
const NOTICE_MS = 8_000;

let shown = null;
let step = "starting";
let lastTouch = 0;
let noticeTimer = 0;
let waitUntil = 0;

function notice(words) {
  clearTimeout(noticeTimer);
  $("notice").firstElementChild.textContent = words;
  $("notice").hidden = !words;
}

function passingNotice(words) {
  notice(words);
  noticeTimer = setTimeout(() => notice(shown?.notice ? say(shown.notice) : ""), NOTICE_MS);
}

function go(next) {
  const before = step;
  step = next;
  for (const section of document.querySelectorAll(".step")) section.hidden = section.id !== `step-${next}`;
  document.body.dataset.step = next;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  if (next !== "capture") dropPicture();
  if (next === "locked") $("code").value = "";
  if (["home", "locked"].includes(next)) clearForm();
  $("lock").hidden = next === "locked";
  if (before !== next) $(HEADINGS[next])?.focus({ preventScroll: true });
}

function draw(state) {
  const isNew = state.step !== step;
  if (isNew) go(state.step);
  if (isNew || state.notice !== shown?.notice) notice(state.notice ? say(state.notice) : "");
  shown = state;
  if (state.step === "locked") drawLocked(state);
  if (state.step === "home") drawHome(state);
  if (state.step === "form") drawForm(state, isNew);
  if (state.step === "plan") drawPlan(state, isNew);
  if (state.step === "capture") drawCapture(state);
  if (state.step === "result") drawResult(state);
}

function drawLocked(state) {
  if (!state.users) $("unlock-problem").textContent = say("unlock.no_users");
}

function showWait() {
  const left = Math.ceil((waitUntil - performance.now()) / 1000);
  const words = $("unlock-problem");
  if (left > 0) words.textContent = say("unlock.wait", { seconds: left });
  else if (waitUntil) {
    waitUntil = 0;
    words.textContent = "";
  }
}

async function unlock(event) {
  event.preventDefault();
  const code = $("code").value;
  $("code").value = "";
  if (!code) return;
  const result = await send("unlock", { code });
  if (result.ok) {
    $("unlock-problem").textContent = "";
    stream.open(); // with the session's cookie
    return;
  }
  $("unlock-problem").textContent = say(result.word, { seconds: Math.ceil(result.wait_s ?? 0) });
  if (result.wait_s > 0) waitUntil = performance.now() + result.wait_s * 1000 + (result.word === "unlock.wrong" ? 2000 : 0);
}

const stream = new Stream({
  onState: draw,
  onStatus: (status) => drawStatus(status, { step }),
  onGone: () => {
    $("gone").hidden = false;
    $("main").inert = true;
    $("gone").focus();
  },
  onBack: () => {
    $("gone").hidden = true;
    $("main").inert = false;
    $(HEADINGS[step])?.focus({ preventScroll: true });
  },
});

function touched() {
  if (step === "locked" || performance.now() - lastTouch < TOUCH_EVERY_MS) return;
  lastTouch = performance.now();
  send("touch");
}

function startFrame() {
  onNotice(passingNotice);
  $("unlock-form").addEventListener("submit", unlock);
  $("lock").addEventListener("click", () => act("lock"));
  $("stay-button").addEventListener("click", () => { lastTouch = 0; touched(); });
  $("language").addEventListener("click", async () => {
    await speak(currentLanguage() === "en" ? "es" : "en");
    if (shown) {
      notice(shown.notice ? say(shown.notice) : "");
      draw(shown);
    }
  });
  for (const button of document.querySelectorAll("[data-cancel]")) {
    button.addEventListener("click", () => $("ask-cancel").showModal());
  }
  $("cancel-yes").addEventListener("click", () => { $("ask-cancel").close(); act("cancel"); });
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  document.addEventListener("keydown", (event) => {
    touched();
    if (FIELDS[step] && !event.target.closest(".bar")) catchTyping(event, $(FIELDS[step]));
  });
  document.addEventListener("pointerdown", touched);
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  setInterval(showWait, 250);
}

startFrame();
startKeys();
startForm();
startPlan();
startCapture();
startResult();
await speak(currentLanguage()).catch(() => {});
stream.open();
