// Zoom and pan of prints, how long a claim still lasts, and what was typed. All else works without it.
"use strict";

const STEP = 1.25;
const MOST = 12;
const PART = 0.12; // of the view, for an arrow key

function whole(svg) {
  const box = svg.viewBox.baseVal;
  return { x: box.x, y: box.y, width: box.width, height: box.height };
}

// Zoom and pan of one drawing: its viewBox is moved.
function movable(sheet) {
  const frame = sheet.querySelector(".sheet-view");
  const svg = frame.querySelector("svg");
  const all = whole(svg);
  let view = { ...all };

  function put(x, y, width) {
    const height = (width / all.width) * all.height;
    // The middle of the view stays on the drawing.
    view = {
      width,
      height,
      x: Math.min(Math.max(x, all.x - width / 2), all.x + all.width - width / 2),
      y: Math.min(Math.max(y, all.y - height / 2), all.y + all.height - height / 2),
    };
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  function zoom(factor, px = 0.5, py = 0.5) {
    const width = Math.min(Math.max(view.width / factor, all.width / MOST), all.width);
    const gained = view.width - width;
    put(view.x + gained * px, view.y + gained * (view.height / view.width) * py, width);
    if (width === all.width) {
      put(all.x, all.y, all.width);
    }
  }

  // How many units of the drawing a pixel of the screen is.
  const unit = () => 1 / svg.getScreenCTM().a;
  const KEYS = {
    ArrowLeft: () => put(view.x - view.width * PART, view.y, view.width),
    ArrowRight: () => put(view.x + view.width * PART, view.y, view.width),
    ArrowUp: () => put(view.x, view.y - view.height * PART, view.width),
    ArrowDown: () => put(view.x, view.y + view.height * PART, view.width),
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: () => put(all.x, all.y, all.width),
  };
  const BUTTONS = { in: KEYS["+"], out: KEYS["-"], whole: KEYS[0] };

  frame.tabIndex = 0;
  frame.classList.add("moves");
  frame.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  frame.addEventListener("wheel", (event) => {
    if (event.deltaY === 0) return;
    event.preventDefault();
    const at = frame.getBoundingClientRect();
    const factor = event.deltaY < 0 ? STEP : 1 / STEP;
    zoom(factor, (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
  let held = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = { x: event.clientX, y: event.clientY };
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!held) return;
    const by = unit();
    put(view.x - (event.clientX - held.x) * by, view.y - (event.clientY - held.y) * by, view.width);
    held = { x: event.clientX, y: event.clientY };
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frame.addEventListener(end, () => { held = null; });
  }
  const tools = sheet.querySelector(".sheet-tools");
  tools.hidden = false;
  for (const button of tools.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", BUTTONS[button.dataset.zoom]);
  }
}

function countdown(shown) {
  const until = Number(shown.dataset.until) * 1000;
  let said = "";
  function tell() {
    const left = Math.floor((until - Date.now()) / 60000);
    const words = left >= 1 ? `(${left} min left)`
      : left === 0 ? "(less than a minute left)"
      : "(over: somebody else may take it now; press \"Keep it longer\")";
    if (words !== said) {
      said = words;
      shown.textContent = words;
    }
  }
  tell();
  setInterval(tell, 5000);
}

// A session that ran out must not cost what was typed: the reason stays in this tab until its task is decided.
const KEPT = "whorl-review-";

function keep(form) {
  const reason = form.elements.reason;
  const key = KEPT + form.dataset.keep;
  if (!reason.value) reason.value = sessionStorage.getItem(key) || "";
  else sessionStorage.setItem(key, reason.value);
  reason.addEventListener("input", () => sessionStorage.setItem(key, reason.value));
}

function forgetAllBut(tasks) {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(KEPT) && !tasks.includes(key.slice(KEPT.length))) sessionStorage.removeItem(key);
  }
}

for (const sheet of document.querySelectorAll(".sheet")) {
  if (sheet.querySelector(".sheet-view svg")) movable(sheet);
}
for (const hint of document.querySelectorAll(".keys")) hint.hidden = false;
const left = document.getElementById("left");
if (left) countdown(left);
const decision = document.getElementById("decision");
if (decision) keep(decision);
const queue = document.querySelector("[data-waits]");
if (queue) forgetAllBut(queue.dataset.waits.split(" "));
