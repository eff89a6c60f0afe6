// The keys that work anywhere on the page, and the list of all keys.

import { byId, make } from "./dom.js";

const TYPED = "input:not([type=checkbox], [type=radio], [type=file], [type=range]), textarea, select";
const PRESSED = "button, summary, a, input:not([type=range]), video, audio"; // the space bar is theirs
const LIST = [
  ["Space", "play, pause"],
  ["b", "original or restored, at the same position"],
  ["g", "a new gap at the position"],
  ["r", "restore"],
  ["+ and -, 0", "zoom; the whole clip"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["On a gap: ← →", "move it, or its end that has the focus, by 10 ms; with Shift by 100 ms"],
  ["On a gap: ↑ ↓", "the gap before, the gap after"],
  ["On a gap: Enter, Delete", "play around it; remove it"],
  ["On a word: ← →", "the word before, the word after"],
  ["On a word: Enter, g", "go there; make it a gap"],
  ["On the position: ← →", "back and forth by 0.1 s; with Shift by 1 s; Home and End"],
  ["?", "this list"],
];
export const WITHOUT_CLIP = LIST.slice(-1);

/** `act`: what each key does, by its name; `list`: how they are explained. */
export function offerKeys(act, list = LIST) {
  const letters = byId("letters");
  letters.checked = localStorage.getItem("letters") !== "off";
  letters.onchange = () => localStorage.setItem("letters", letters.checked ? "on" : "off");
  byId("keys").replaceChildren(...list.flatMap(([key, does]) => [make("dt", {}, key), make("dd", {}, does)]));
  byId("show-help").onclick = () => byId("help").showModal();
  act["?"] = () => byId("help").showModal();
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.altKey || byId("help").open) return;
    if (target.matches(TYPED)) return; // a field undoes its own typing
    const name = key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key;
    const command = event.ctrlKey || event.metaKey;
    const done = command ? act[`Ctrl+${event.shiftKey ? "Shift+" : ""}${name}`] : act[name];
    if (!done || (!command && /^[a-z?]$/.test(name) && !letters.checked)) return;
    if (name === "Space" && target.matches(PRESSED)) return;
    event.preventDefault();
    done();
  });
}
