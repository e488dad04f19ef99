// Each kind of answer has a shape of its own, so that nobody has to see its colour.
const SVG = "http://www.w3.org/2000/svg";
const DRAWN = {
  strong: { path: "M24 3L45 24L24 45L3 24z M24 14v13 M24 33v1", fill: "M24 3L45 24L24 45L3 24z" },
  possible: { path: "M24 5L45 42H3z M24 19v11 M24 35v1", fill: "" },
  none: { path: "M24 4a20 20 0 1 0 0 40a20 20 0 1 0 0-40 M15 24h18", fill: "" },
  unsearched: { path: "M7 7h34v34H7z M18 19a6 6 0 1 1 8 6c-2 1-2 2-2 4 M24 34v1", fill: "" },
  // After review: two strokes, two dots, or an arrow where the first answer has one.
  to_follow: { path: "M24 4a20 20 0 1 0 0 40a20 20 0 1 0 0-40 M14 24h.1 M24 24h.1 M34 24h.1", fill: "" },
  match: { path: "M24 3L45 24L24 45L3 24z M15 24l7 7l12-13", fill: "" },
  no_match: { path: "M24 4a20 20 0 1 0 0 40a20 20 0 1 0 0-40 M15 20h18 M15 29h18", fill: "" },
  found: { path: "M24 5L45 42H3z M24 18v12 M24 35h.1", fill: "" },
  undecided: { path: "M24 5L45 42H3z M19 32h.1 M29 32h.1", fill: "" },
  no_more: { path: "M7 7h34v34H7z M16 24h16", fill: "" },
  taken_back: { path: "M10 17h20a10 10 0 0 1 0 20H15 M19 8l-9 9l9 9", fill: "" },
  waiting: { path: "M24 4a20 20 0 1 0 0 40a20 20 0 1 0 0-40 M24 13v11l8 5", fill: "" },
  held: { path: "M9 21h30v22H9z M15 21v-6a9 9 0 0 1 18 0v6 M24 29v6", fill: "" },
  expired: { path: "M11 4h26 M11 44h26 M14 4c0 12 20 28 20 40 M34 4c0 12-20 28-20 40", fill: "" },
  damaged: { path: "M9 4h20l10 10v30H9z M9 28l9-6l7 9l14-10", fill: "" },
  refused: { path: "M15 4h18l11 11v18L33 44H15L4 33V15z M16 16l16 16 M32 16L16 32", fill: "" },
};

export const MARKS = {
  taken: "M-11 0 l7 8 l15 -16",
  now: "M-8 -10 L8 0 L-8 10 z",
  print: "M-9 0 a9 9 0 1 0 18 0 a9 9 0 1 0 -18 0",
  missing: "M-10 -10 L10 10 M10 -10 L-10 10",
  bandaged: "M-14 -8 h28 v16 h-28 z M-5 -8 v16 M5 -8 v16",
  unprintable: "M-12 0 a12 12 0 1 0 24 0 a12 12 0 1 0 -24 0 M-8 8 L8 -8",
};

function drawing(viewBox, d) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
}

export function answerShape(kind) {
  const svg = drawing("0 0 48 48", DRAWN[kind].path);
  const path = svg.firstChild;
  for (const [name, value] of Object.entries({
    fill: "none", stroke: "currentColor", "stroke-width": "4.5", "stroke-linecap": "round", "stroke-linejoin": "round",
  })) path.setAttribute(name, value);
  svg.dataset.shape = kind;
  return svg;
}

export const fingerMark = (state) => drawing("-18 -18 36 36", MARKS[state]);
