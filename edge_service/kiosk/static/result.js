// What became of a booking, and the list of the last ones.
import { act } from "./api.js";
import { answerShape } from "./shapes.js";
import { currentLanguage, say } from "./text.js";

const $ = (id) => document.getElementById(id);
const WAY = ["saved", "sent", "delivered", "answered"];
// Where a booking has stopped, and how far it had come.
const STOPPED = { refused: "sent", held: "sent", expired: "saved", damaged: "saved" };

const whom = () => document.body.dataset.call || say("call.somebody");

function element(name, className, words) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = words;
  return made;
}

function shortAnswer(answer) {
  if (answer.delivery in STOPPED) return [answer.delivery, say(`answer.${answer.delivery}`)];
  const second = answer.second ? say(`second.${answer.second}`) : "";
  // What was taken back, or confirmed, comes before what was said at first.
  if (answer.second && (!answer.gravest || ["taken_back", "match"].includes(answer.second))) return [answer.second, second];
  if (answer.gravest) return [answer.gravest, [say(`answer.${answer.gravest}`), second].filter(Boolean).join(". ")];
  return ["waiting", say(answer.delivery === "answered" ? "journey.answered" : "answer.waiting")];
}

export function drawHome(state) {
  const list = $("recent");
  const wanted = JSON.stringify(state.recent) + currentLanguage();
  $("recent-none").hidden = state.recent.length > 0;
  if (list.dataset.drawn === wanted) return;
  list.dataset.drawn = wanted;
  list.replaceChildren(...state.recent.map((answer) => {
    const [shape, words] = shortAnswer(answer);
    const button = element("button", "", "");
    button.type = "button";
    button.setAttribute("aria-label", say("home.open", { number: answer.number, answer: words }));
    const made = new Date(answer.made_ms);
    const time = element("time", "", made.toLocaleTimeString(currentLanguage(), { hour: "2-digit", minute: "2-digit" }));
    const name = element("span", "", answer.number);
    name.append(time);
    button.append(answerShape(shape), name, element("span", "answer-words", words));
    button.addEventListener("click", () => act("look-at", { tcn: answer.tcn }));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

function answerRow(row) {
  const item = element("li", "answer", "");
  item.dataset.kind = row.kind;
  const words = document.createElement("div");
  words.append(element("span", "repository", say("repository.label", { name: row.repository })));
  let what = say(`answer.${row.kind}`);
  if (row.candidates > 1) what += ` (${say("answer.count", { count: row.candidates })})`;
  words.append(element("strong", "", what), element("span", "words", say(`answer.${row.kind}.words`)));
  item.append(answerShape(row.kind), words);
  return item;
}

function secondRow(row) {
  const item = element("li", "answer second", "");
  item.dataset.second = row.kind;
  const words = document.createElement("div");
  words.append(
    element("span", "repository", say("repository.label", { name: row.repository })),
    element("strong", "", say(`second.${row.kind}`)),
    element("span", "words", say(`second.${row.kind}.words`)),
  );
  item.append(answerShape(row.kind), words);
  return item;
}

function slipRow(slip) {
  const fingers = slip.positions.map((position) => say(`finger.${position}`).toLowerCase()).join(", ");
  return element("li", "", say(`slip.${slip.fault}`, { fingers }));
}

export function drawResult(state) {
  const result = state.result;
  const wanted = JSON.stringify(result) + currentLanguage();
  if ($("answers").dataset.drawn === wanted) return;
  $("answers").dataset.drawn = wanted;
  $("result-title").textContent = result.number ? say("result.title", result) : say("result.title_none");
  const reached = WAY.indexOf(STOPPED[result.delivery] ?? result.delivery);
  for (const [n, at] of WAY.entries()) {
    document.querySelector(`#journey [data-at=${at}]`).dataset.reached = String(n <= reached);
  }
  let words = "";
  if (result.delivery !== "answered") words = say(`result.${result.delivery}`, { reason: result.refused, who: whom() });
  else if (!result.repositories.length && !result.seconds.length) words = say("result.answered_nothing");
  const said = result.held ? [element("small", "", say("result.held_reason", { reason: result.held }))] : [];
  const shape = result.delivery in STOPPED ? [answerShape(result.delivery)] : [];
  $("waiting").replaceChildren(...(words ? [...shape, element("span", "", words), ...said] : []));
  if (result.delivery in STOPPED) $("waiting").dataset.stopped = result.delivery;
  else delete $("waiting").dataset.stopped;
  $("answers").replaceChildren(...result.repositories.map(answerRow), ...result.seconds.map(secondRow));
  $("slips").replaceChildren(...result.slips.map(slipRow));
  const over = ["answered", "refused", "expired", "damaged"].includes(result.delivery) && result.second !== "to_follow";
  $("result-note").textContent = over ? "" : say("result.note_later");
  const kinds = result.repositories.map((r) => `${say("repository.label", { name: r.repository })}: ${say(`answer.${r.kind}`)}`);
  kinds.push(...result.seconds.map((r) => `${say("repository.label", { name: r.repository })}: ${say(`second.${r.kind}`)}`));
  $("announce").textContent = [say("say.saved"), words, ...kinds].filter(Boolean).join(" ");
}

export function startResult() {
  $("new").addEventListener("click", () => act("new"));
  $("done").addEventListener("click", () => act("done"));
}
