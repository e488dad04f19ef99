// The keys on the screen, and a real keyboard or scanner wherever the focus is.
const BUTTONS = "button, input, select, [role=button], dialog";

function put(field, text) {
  if (field.value.length + text.length > field.maxLength) return;
  field.value += text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function erase(field) {
  field.value = field.value.slice(0, -1);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function startKeys() {
  for (const pad of document.querySelectorAll("[data-keys-for]")) {
    const field = document.getElementById(pad.dataset.keysFor);
    pad.addEventListener("click", (event) => {
      const key = event.target.closest("[data-key]")?.dataset.key;
      if (key === undefined) return;
      if (key === "erase") erase(field);
      else if (key === "layout") pad.dataset.layout = pad.dataset.layout === "digits" ? "letters" : "digits";
      else put(field, key);
    });
  }
}

// Typing goes into `field` although something else, or nothing, has the focus: a scanner does not look first.
export function catchTyping(event, field) {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (document.activeElement === field) return;
  if (event.key.length === 1 && event.key !== " ") {
    put(field, event.key);
    field.focus();
    event.preventDefault();
  } else if (event.key === "Enter" && !document.activeElement?.closest(BUTTONS) && field.value) {
    field.form.requestSubmit();
    event.preventDefault();
  }
}
