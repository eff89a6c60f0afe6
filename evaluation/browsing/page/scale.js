// A MUSHRA-like trial: the original, and below it what is rated from 0 to 100; the original is hidden among that.

import { byId, counted, make } from "/page/dom.js";
import { hear, hearButton, markHeard } from "./heard.js";

const WORDS = ["bad", "poor", "fair", "good", "excellent"]; // of ITU-R BS.1534-3, 20 points each

export class Scale {
  #touched = new Set();
  #unheard = Infinity;

  /** `draft`: ratings that are chosen already, null for none; `keep` gets them with each change. */
  constructor({ mixer, gaps, count, draft, keep, answer }) {
    Object.assign(this, { mixer, draft });
    this.keepDraft = () => keep(this.rows.map(({ slider }, index) => (this.#touched.has(index + 1) ? slider.valueAsNumber : null)));
    byId("question").textContent = "How good is each sound, beside the original?";
    byId("hint").textContent = "One of the sounds is the original itself: give it 100. A sound is played as soon as its slider is chosen.";
    const original = hearButton(mixer, 0, "Original");
    this.rows = Array.from({ length: count }, (_, index) => this.#row(index + 1));
    const words = make("div", { className: "scale words", "aria-hidden": "true" }, make("div", {}, ...WORDS.map((word) => make("span", {}, word))));
    byId("sounds").replaceChildren(make("div", { className: "row" }, original), make("div", { className: "scales" }, words, ...this.rows.map(({ row }) => row)));
    this.keep = make("button", { type: "button", className: "main", onclick: () => answer(this.rows.map(({ slider }) => slider.valueAsNumber)) }, "Keep and go on");
    byId("answers").replaceChildren(this.keep);
    markHeard(mixer, gaps, [original, ...this.rows.map(({ button }) => button)], (unheard) => {
      this.#unheard = unheard;
      this.#tell();
    });
  }

  #row(number) {
    const button = hearButton(this.mixer, number, `Sound ${number}`);
    const slider = make("input", { type: "range", className: "unrated", min: 0, max: 100, step: 1, value: 50, "aria-label": `Rating of sound ${number}` });
    const told = make("output", {}, "not rated");
    const rate = () => {
      this.#touched.add(number);
      slider.classList.remove("unrated");
      told.textContent = `${slider.value} · ${WORDS[Math.min(4, Math.floor(slider.valueAsNumber / 20))]}`;
      slider.setAttribute("aria-valuetext", told.textContent);
    };
    const touch = () => {
      rate();
      this.keepDraft();
      this.#tell();
    };
    slider.setAttribute("aria-valuetext", "not rated yet");
    slider.onfocus = () => hear(this.mixer, number);
    for (const event of ["input", "pointerup"]) slider.addEventListener(event, touch);
    const rated = this.draft[number - 1];
    if (typeof rated === "number") {
      slider.valueAsNumber = rated;
      rate();
    }
    return { row: make("div", { className: "scale" }, button, slider, told), button, slider };
  }

  #tell() {
    const unrated = this.rows.length - this.#touched.size;
    this.keep.disabled = unrated > 0 || this.#unheard > 0;
    const missing = [];
    if (this.#unheard) missing.push(`${counted(this.#unheard, "sound")} not heard in the gap yet`);
    if (unrated) missing.push(`${counted(unrated, "sound")} not rated yet`);
    byId("missing").textContent = missing.join(", ");
  }

  /** A key: the sound of that number; 0 is the original. */
  pressed(number) {
    if (number < this.rows.length + 1) hear(this.mixer, number);
  }
}
