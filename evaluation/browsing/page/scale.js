// A MUSHRA-like trial: the original, and below it what is rated from 0 to 100; the original is hidden among that.

import { byId, counted, make } from "/page/dom.js";
import { hearButton, markHeard } from "./heard.js";

const WORDS = ["bad", "poor", "fair", "good", "excellent"]; // of ITU-R BS.1534-3, 20 points each

export class Scale {
  #touched = new Set();
  #unheard = Infinity;

  constructor(mixer, count, answer) {
    this.mixer = mixer;
    byId("question").textContent = "How good is each sound, beside the original?";
    byId("hint").textContent = "One of the sounds is the original itself: give it 100. A sound is heard as soon as its slider is chosen.";
    const original = hearButton(mixer, 0, "Original");
    this.rows = Array.from({ length: count }, (_, index) => this.#row(index + 1));
    byId("sounds").replaceChildren(make("div", { className: "row" }, original), make("div", { className: "scales" }, ...this.rows.map(({ row }) => row)));
    this.keep = make("button", { type: "button", className: "main", onclick: () => answer(this.rows.map(({ slider }) => slider.valueAsNumber)) }, "Keep and go on");
    byId("answers").replaceChildren(this.keep);
    markHeard(mixer, [original, ...this.rows.map(({ hear }) => hear)], (unheard) => {
      this.#unheard = unheard;
      this.#tell();
    });
  }

  #row(number) {
    const hear = hearButton(this.mixer, number, `Sound ${number}`);
    const slider = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": `Rating of sound ${number}` });
    const told = make("output", {}, "–");
    const touch = () => {
      this.#touched.add(number);
      told.textContent = `${slider.value} · ${WORDS[Math.min(4, Math.floor(slider.valueAsNumber / 20))]}`;
      slider.setAttribute("aria-valuetext", told.textContent);
      this.#tell();
    };
    slider.setAttribute("aria-valuetext", "not rated yet");
    slider.onfocus = () => this.mixer.hear(number);
    for (const event of ["input", "pointerup"]) slider.addEventListener(event, touch);
    return { row: make("div", { className: "scale" }, hear, slider, told), hear, slider };
  }

  #tell() {
    const unrated = this.rows.length - this.#touched.size;
    this.keep.disabled = unrated > 0 || this.#unheard > 0;
    const missing = [];
    if (this.#unheard) missing.push(`${counted(this.#unheard, "sound")} not heard yet`);
    if (unrated) missing.push(`${counted(unrated, "sound")} not rated yet`);
    byId("missing").textContent = missing.join(", ");
  }

  /** A key: the sound of that number; 0 is the original. */
  pressed(number) {
    this.mixer.hear(number);
  }
}
