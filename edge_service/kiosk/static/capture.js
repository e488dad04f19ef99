// One finger after the other: what to do, the image as it arrives, how good it is, and what to decide.
import { act } from "./api.js";
import { showPicture } from "./picture.js";
import { fingerMark } from "./shapes.js";
import { has, say } from "./text.js";

const $ = (id) => document.getElementById(id);
const CAN_LEAVE_OUT = ["press", "lift", "review", "trouble"];
const STORE_TROUBLES = ["store_full", "store_failed"];
const MANY = 5;
const HAND_BOX = { left: "0 0 350 228", right: "350 0 350 228" };
let press = null;
let said = "";
let accepting = "";

const text = (id, words) => { if ($(id).textContent !== words) $(id).textContent = words; };

function announce(words) {
  if (words === said) return;
  said = words;
  $("announce").textContent = words;
}

function drawStrip(fingers) {
  const strip = $("strip");
  const wanted = JSON.stringify(fingers) + document.documentElement.lang;
  if (strip.dataset.drawn === wanted) return;
  strip.dataset.drawn = wanted;
  strip.classList.toggle("many", fingers.length > MANY);
  strip.replaceChildren(...fingers.map((finger) => {
    const item = document.createElement("li");
    item.dataset.state = finger.state;
    const facts = { finger: say(`finger.${finger.position}`), state: say(`capture.state.${finger.state}`, finger) };
    item.setAttribute("aria-label", say("finger.with_state", facts));
    const name = document.createElement("span");
    name.textContent = say(`${fingers.length > MANY ? "short" : "finger"}.${finger.position}`);
    item.append(fingerMark(finger.state), name);
    return item;
  }));
}

function instruction() {
  if (press.phase === "trouble") return say(`trouble.${press.trouble}`);
  return press.phase === "review" ? "" : say(`capture.${press.phase}`);
}

function drawVerdict() {
  const review = press.phase === "review";
  const verdict = $("verdict");
  verdict.hidden = !review;
  if (!review) {
    accepting = "";
    return;
  }
  verdict.dataset.verdict = press.verdict;
  text("verdict-word", say(`capture.${press.verdict}`));
  text("quality", press.verdict === "none" ? "" : say("capture.quality", press));
  $("meter").style.setProperty("--share", press.quality / 100);
  $("meter").hidden = press.verdict === "none";
  const why = press.reason && press.verdict !== "good" && has(`reason.${press.reason}`) ? say(`reason.${press.reason}`) : "";
  text("reason", why);
  const last = press.attempt === press.attempts && press.verdict !== "good";
  const best = !last && press.best_attempt && press.best_attempt !== press.attempt;
  const facts = { attempt: press.best_attempt, quality: press.best_quality };
  const kept = last ? say(press.best_attempt ? "capture.last_poor" : "capture.last_none") : "";
  text("best", [kept, best || (last && press.best_attempt) ? say("capture.best", facts) : ""].filter(Boolean).join(" "));
  $("accepts").hidden = !press.accepts_in_s;
  const now = `${press.position}.${press.attempt}`;
  if (accepting === now) return;
  accepting = now;
  $("accept").querySelector("i")?.remove();
  if (press.accepts_in_s) { // a line on the button runs out
    $("accept").style.setProperty("--accepts-in", `${press.accepts_in_s}s`);
    $("accept").append(document.createElement("i"));
  }
}

function drawButtons() {
  const review = press.phase === "review";
  const store = STORE_TROUBLES.includes(press.trouble);
  const canAgain = (review && press.attempt < press.attempts) || press.phase === "trouble";
  const canAccept = review && press.best_attempt > 0;
  $("again").hidden = !canAgain;
  const better = canAgain && press.verdict !== "good"; // what is advised stands out
  $("again").classList.toggle("advised", better);
  $("accept").classList.toggle("primary", !better);
  $("accept").classList.toggle("secondary", better);
  text("again", say(press.phase === "trouble" ? "capture.retry" : "capture.again"));
  $("accept").hidden = !canAccept;
  text("accept-words", say(canAccept && press.verdict !== "good" ? "capture.accept_best" : "capture.accept"));
  $("leave-out").hidden = store || !CAN_LEAVE_OUT.includes(press.phase);
}

export function drawCapture(state) {
  drawStrip(state.fingers);
  if (!state.press) { // between two fingers
    $("print").dataset.phase = "";
    return;
  }
  if (press && press.position !== state.press.position && $("ask-reason").open) $("ask-reason").close();
  press = state.press;
  const finger = say(`finger.${press.position}`);
  const store = press.phase === "saving" || STORE_TROUBLES.includes(press.trouble);
  text("finger-name", store ? say("capture.saving") : finger);
  text("attempt", store ? "" : say("capture.attempt", press));
  text("instruction", instruction());
  $("instruction").hidden = !instruction();
  $("instruction").dataset.trouble = String(press.phase === "trouble");
  const print = $("print");
  print.dataset.phase = press.phase;
  print.dataset.verdict = press.phase === "review" ? press.verdict : "";
  const hasImage = press.phase === "review" && press.image;
  print.querySelector(".print-empty").hidden = Boolean(hasImage);
  const half = HAND_BOX[press.position > 5 ? "left" : "right"];
  print.querySelector(".hands").setAttribute("viewBox", half);
  for (const drawn of print.querySelectorAll(".finger")) {
    drawn.classList.toggle("now", Number(drawn.dataset.position) === press.position);
  }
  const progress = $("progress");
  progress.hidden = !["transfer", "reading"].includes(press.phase);
  progress.value = press.total ? Math.round((100 * press.done) / press.total) : 0;
  showPicture(hasImage ? press.image : "", say("capture.image", { finger: finger.toLowerCase() }));
  drawVerdict();
  drawButtons();
  if (press.phase === "review") {
    const facts = { verdict: $("verdict-word").textContent, quality: press.quality, reason: $("reason").textContent };
    announce(say("say.verdict", facts));
  } else announce(say("say.finger", { finger, instruction: instruction() }));
}

const which = () => ({ position: press.position, attempt: press.attempt });

export function startCapture() {
  $("accept").addEventListener("click", () => act("accept", which()));
  $("again").addEventListener("click", () => act("again", which()));
  $("leave-out").addEventListener("click", () => {
    $("ask-reason-title").textContent = say("reason.title", { finger: say(`finger.${press.position}`) });
    $("ask-reason").showModal();
  });
  for (const button of document.querySelectorAll("[data-reason]")) {
    button.addEventListener("click", () => {
      $("ask-reason").close();
      act("leave-out", { ...which(), reason: button.dataset.reason });
    });
  }
}
