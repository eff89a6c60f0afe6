// What all modules need of the document. Texts from files and the server only ever become textContent.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`aria-` and `data-` names as attributes) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Seconds as a player shows them: 1:02.35. */
export function clock(seconds, digits = 2) {
  const unit = 10 ** digits;
  const rounded = Math.round(Math.max(0, seconds) * unit) / unit;
  const minutes = Math.floor(rounded / 60) % 60;
  const hours = Math.floor(rounded / 3600);
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Tells what happened, also to a screen reader. */
export function say(text) {
  byId("status").replaceChildren(make("span", {}, text)); // a new one, for styles that let it fade
}

function show(notice, text) {
  notice.querySelector("span").textContent = text;
  notice.querySelector("button").onclick = () => (notice.hidden = true);
  notice.hidden = !text;
}

/** What must not be missed: stays until the next one, or until it is taken back by an empty text. */
export const warn = (text) => show(byId("notice"), text);

/** What is good to know of the clip, and is no alarm. */
export const inform = (text) => show(byId("note"), text);

/** Takes back a warning, unless another one stands there by now. */
export function unwarn(text) {
  if (byId("notice").querySelector("span").textContent === text) warn("");
}

/** For what can be mended: a function that warns, and called with an empty text takes back its last warning alone. */
export function warner() {
  let last = "";
  return (text) => {
    if (text) warn(text);
    else unwarn(last);
    last = text;
  };
}

/** Runs what the server may refuse, and shows its one clear line. */
export async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") warn(error.message);
    return undefined;
  }
}

/** "1 gap", "2 gaps". */
export const counted = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const rounded = (seconds) => Math.round(seconds * 1000) / 1000;
