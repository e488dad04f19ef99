// The line that always shows: broker, sensor, queue, clock; and the warning before the kiosk locks.
import { currentLanguage, say } from "./text.js";

const $ = (id) => document.getElementById(id);
const WARN_S = 20;

function put(id, state, words) {
  const item = $(id);
  item.dataset.state = state;
  if (item.lastElementChild.textContent !== words) item.lastElementChild.textContent = words;
}

export function drawStatus(status, { step }) {
  put("status-broker", status.broker ? "ok" : "bad", say(status.broker ? "status.broker.ok" : "status.broker.bad"));
  put("status-sensor", status.sensor ? "bad" : "ok", say(status.sensor ? "status.sensor.bad" : "status.sensor.ok"));
  const queue = status.queue < 0 ? "unknown" : status.held ? "held" : status.nearly_full ? "full" : "";
  const facts = { count: status.queue, held: status.held };
  put("status-queue", queue ? "bad" : "ok", say(queue ? `status.queue.${queue}` : "status.queue", facts));
  const clock = $("clock").firstElementChild;
  if (status.clock) {
    clock.dateTime = status.clock;
    clock.textContent = new Date(status.clock).toLocaleTimeString(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
  }
  $("clock-note").hidden = status.synchronised;
  const soon = step !== "locked" && step !== "starting" && status.locks_in_s > 0 && status.locks_in_s < WARN_S;
  if (soon) $("stay").firstElementChild.textContent = say("lock.soon", { seconds: Math.ceil(status.locks_in_s) });
  $("stay").hidden = !soon;
}
