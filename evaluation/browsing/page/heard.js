// Which sound of a trial is heard, and which of them were heard at all.

import { make } from "/page/dom.js";

export function hearButton(mixer, index, text) {
  const key = make("kbd", { "aria-hidden": "true" });
  const press = () => {
    mixer.hear(index);
    if (!mixer.playing) mixer.play();
  };
  const button = make("button", { type: "button", className: "hear", onclick: press }, key, ` ${text}`);
  button.dataset.index = index;
  return button;
}

/** `tell` gets how many have not been heard. The buttons are those of all sounds of the mixer, in their order. */
export function markHeard(mixer, buttons, tell) {
  const unheard = new Set(buttons.keys());
  const ending = new AbortController(); // of the trial: the next one has sounds of its own
  const mark = () => {
    if (!buttons[0].isConnected) return ending.abort();
    if (mixer.playing) unheard.delete(mixer.heard);
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === mixer.heard)));
    return tell(unheard.size);
  };
  for (const event of ["heard", "moved"]) mixer.addEventListener(event, mark, { signal: ending.signal });
  const first = buttons.length > 2 ? 0 : 1; // the original of a scale has the key 0
  buttons.forEach((button, index) => (button.querySelector("kbd").textContent = String(index + first)));
  mark();
}
