// The one image of a finger that the page holds. Its address is revoked as soon as another one comes, or none.
let key = "";
let address = "";
let held = 0;

const image = () => document.getElementById("print-image");

export const heldPictures = () => held;

export function dropPicture() {
  key = "";
  image().hidden = true;
  image().removeAttribute("src");
  image().alt = "";
  if (address) {
    URL.revokeObjectURL(address);
    address = "";
    held -= 1;
  }
}

export async function showPicture(wanted, words) {
  if (!wanted) {
    dropPicture();
    return;
  }
  image().alt = words;
  if (wanted === key) return;
  dropPicture();
  key = wanted;
  image().alt = words;
  let blob;
  try {
    const answer = await fetch(`/picture/${wanted}`, { cache: "no-store" });
    if (!answer.ok) return;
    blob = await answer.blob();
  } catch {
    return; // the service has gone; the stream says so
  }
  if (wanted !== key) return; // something else is shown by now
  address = URL.createObjectURL(blob);
  held += 1;
  image().src = address;
  image().hidden = false;
}
