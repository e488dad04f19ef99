// What the officer does, said to the service. What came of it arrives through the stream.
import { say } from "./text.js";

let showNotice = () => {};
export const onNotice = (show) => { showNotice = show; };

export async function send(path, body = undefined) {
  let answer;
  try {
    answer = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "X-Whorl-Kiosk": "1", "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    showNotice(say("notice.unreachable"));
    return { ok: false, word: "notice.unreachable" };
  }
  if (answer.ok) return { ok: true };
  const problem = await answer.json().catch(() => ({ word: "notice.unreachable" }));
  return { ok: false, ...problem };
}

// The same, with what is wrong shown at the top of the page.
export async function act(path, body = undefined) {
  const result = await send(path, body);
  if (!result.ok) showNotice(say(result.word));
  return result.ok;
}
