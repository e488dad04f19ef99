// The page's words: one catalogue at a time; elements with data-t say theirs again when it changes.
let words = {};
let language = document.documentElement.lang;

export const currentLanguage = () => language;

export function say(id, facts = {}) {
  const text = words[id] ?? id;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

export const has = (id) => id in words;

export async function speak(wanted) {
  const answer = await fetch(`/messages/${wanted}.json`);
  if (!answer.ok) throw new Error("no such language");
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
  document.title = say("page.title");
  document.cookie = `whorl_language=${wanted}; path=/; max-age=31536000; samesite=strict`;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = say(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", say(element.dataset.tLabel));
  }
}
