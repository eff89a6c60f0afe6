// Which sound of a trial is heard, and of which of them the gaps were heard.

import { make } from "/page/dom.js";

const LAST_KEY = 9;

/** Hears a sound of the mixer, and plays if nothing is played. */
export function hear(mixer, index) {
  mixer.hear(index);
  if (!mixer.playing) mixer.play();
}

export function hearButton(mixer, index, text) {
  const key = make("kbd", { "aria-hidden": "true" });
  const button = make("button", { type: "button", className: "hear", onclick: () => hear(mixer, index) }, key, ` ${text}`);
  button.dataset.index = index;
  return button;
}

/** `tell` gets of how many no gap has been heard. The buttons are those of all sounds of the mixer, in their order. */
export function markHeard(mixer, gaps, buttons, tell) {
  const unheard = new Set(buttons.keys());
  const ending = new AbortController(); // of the trial: the next one has sounds of its own
  let before_s = mixer.time_s;
  const mark = () => {
    if (!buttons[0].isConnected) return ending.abort();
    const now_s = mixer.time_s;
    const inside = gaps.some(([start_s, end_s]) => before_s < end_s && now_s > start_s);
    if (mixer.playing && now_s > before_s && inside) unheard.delete(mixer.heard);
    before_s = now_s;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === mixer.heard)));
    return tell(unheard.size);
  };
  mixer.addEventListener("moved", mark, { signal: ending.signal });
  mixer.addEventListener("heard", mark, { signal: ending.signal });
  const first = buttons.length > 2 ? 0 : 1; // the original of a scale has the key 0
  buttons.forEach((button, index) => {
    const key = button.querySelector("kbd");
    if (index + first <= LAST_KEY) key.textContent = String(index + first);
    else key.remove(); // there are no more
  });
  mark();
}
