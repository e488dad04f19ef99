// The one image of a finger that the page holds, as pixels of one canvas: these are overwritten when it goes. An <img>
// would leave it in the browser's cache of decoded images, some hundred fingers deep.
let key = "";

const canvas = () => document.getElementById("print-image");

export function dropPicture() {
  key = "";
  const shown = canvas();
  shown.hidden = true;
  shown.removeAttribute("aria-label");
  shown.getContext("2d").clearRect(0, 0, shown.width, shown.height);
  shown.width = 0;
  shown.height = 0;
}

export async function showPicture(wanted, words) {
  if (!wanted) {
    dropPicture();
    return;
  }
  canvas().setAttribute("aria-label", words);
  if (wanted === key) return;
  dropPicture();
  key = wanted;
  let bitmap;
  try {
    const answer = await fetch(`/picture/${wanted}`, { cache: "no-store" });
    if (!answer.ok) return;
    bitmap = await createImageBitmap(await answer.blob());
  } catch {
    return; // the service has gone; the stream says so
  }
  if (wanted === key) {
    const shown = canvas();
    shown.width = bitmap.width;
    shown.height = bitmap.height;
    shown.getContext("2d").drawImage(bitmap, 0, 0);
    shown.setAttribute("aria-label", words);
    shown.hidden = false;
  }
  bitmap.close(); // shown, or something else is by now
}
