// The versions of the chosen utterance: pictures with the gaps, scores, and their sounds at the same position.

import { byId, guarded, make, say } from "/page/dom.js";
import { asker } from "./asker.js";
import { Mixer } from "./mixer.js";
import { offerTransport } from "./transport.js";

const WIDTH_PX = 640;
const HEIGHT_PX = 160;

export class Versions {
  mixer = new Mixer();
  #figures = [];
  #before = 0; // the version that was heard before
  #loaded = "";
  #ask = asker();
  #plays = false; // as soon as it is loaded

  constructor(state) {
    this.state = state;
    this.setGaps = offerTransport(this.mixer);
    this.mixer.addEventListener("moved", () => this.#follow());
    this.mixer.addEventListener("heard", () => this.#mark());
    state.addEventListener("change", ({ detail }) => {
      if (!detail.includes("id") && !detail.includes("condition")) return;
      this.#plays ||= this.mixer.playing;
      this.draw();
    });
    this.draw();
  }

  /** Plays an utterance; the one that plays already is paused. */
  choose(id) {
    if (id === this.state.id && this.#loaded.startsWith(`${this.state.condition} ${id} `)) return this.mixer.toggle();
    this.mixer.pause();
    this.#plays = true;
    return this.state.set({ id });
  }

  async draw() {
    const { condition, id } = this.state;
    if (!id) return;
    const asked = `${condition} ${id}`;
    this.asked = asked;
    const found = await this.#ask(`/api/utterance?${new URLSearchParams({ condition, id })}`);
    if (!found || this.asked !== asked) return;
    byId("nothing-chosen").hidden = true;
    byId("chosen").hidden = false;
    byId("said").textContent = [found.id, `speaker ${found.speaker}`, found.words].filter(Boolean).join(" · ");
    const heard = this.#figures[this.mixer.heard]?.name;
    this.#figures = found.versions.map((version, index) => this.#figure(found, version, index));
    byId("pictures").replaceChildren(...this.#figures.map(({ figure }) => figure));
    this.setGaps(found.gaps);
    const there = `${asked} ${found.revision}`;
    if (there !== this.#loaded) {
      const same = found.versions.findIndex(({ name }) => name === heard);
      if (same >= 0) this.mixer.heard = same;
      const sounds = found.versions.map(({ name, missing }) => (missing ? null : this.#address("sound", found, name)));
      const loaded = await guarded(() => this.mixer.load(sounds));
      if (loaded) this.#loaded = there;
      if (this.asked !== asked) return; // another one was chosen meanwhile, and is played
      if (loaded === undefined) this.#plays = false; // they cannot be loaded
    }
    this.#mark();
    this.#follow();
    if (this.#plays && there === this.#loaded) {
      this.#plays = false;
      this.mixer.play();
    }
  }

  #address(what, { id, revision }, version, more = {}) {
    return `/api/${what}?${new URLSearchParams({ condition: this.state.condition, id, version, revision, ...more })}`;
  }

  #figure(found, { name, missing, scores }, index) {
    const hear = make("button", { type: "button", className: "hear", disabled: Boolean(missing), onclick: () => this.hear(index) },
      make("kbd", { "aria-hidden": "true" }, String(index + 1)), ` ${name}`);
    const line = make("i", { className: "line" });
    const figure = make("figure", { className: "version" }, make("figcaption", {}, hear));
    if (missing) figure.append(make("p", { className: "soft" }, `Not restored: ${missing}`));
    else figure.append(this.#picture(found, name, line));
    figure.append(make("dl", { className: "scores" }, ...scores.flatMap(({ label, heading, arrow, text, why, best }) => [
      make("dt", { title: heading }, `${label} ${arrow}`),
      make("dd", { title: why }, best ? make("strong", {}, text) : text, ...(why ? [make("span", { className: "why" }, why)] : [])),
    ])));
    return { figure, hear, line, name };
  }

  #picture(found, name, line) {
    const { duration_s, gaps } = found;
    const size = { start: 0, end: duration_s, width: WIDTH_PX, height: HEIGHT_PX };
    const image = make("img", { alt: `Spectrogram of ${name}`, width: WIDTH_PX, height: HEIGHT_PX, loading: "lazy" });
    image.src = this.#address("spectrogram", found, name, size);
    const marks = gaps.map(([start, end]) => {
      const mark = make("i", { className: "gap" });
      mark.style.left = `${(100 * start) / duration_s}%`;
      mark.style.width = `${(100 * (end - start)) / duration_s}%`;
      return mark;
    });
    const picture = make("div", { className: "picture" }, image, ...marks, line);
    picture.onpointerdown = ({ clientX, button }) => {
      if (button) return;
      const { left, width } = picture.getBoundingClientRect();
      this.mixer.seek(((clientX - left) / width) * duration_s);
    };
    return picture;
  }

  hear(index) {
    if (!this.mixer.has(index)) return;
    if (index !== this.mixer.heard) this.#before = this.mixer.heard;
    this.mixer.hear(index);
    say(`You hear ${this.#figures[index].name}.`);
  }

  back() {
    this.hear(this.#before === this.mixer.heard ? 0 : this.#before);
  }

  #mark() {
    this.#figures.forEach(({ figure, hear }, index) => {
      hear.setAttribute("aria-pressed", String(index === this.mixer.heard));
      figure.classList.toggle("heard", index === this.mixer.heard);
    });
  }

  #follow() {
    const share = this.mixer.duration_s ? this.mixer.time_s / this.mixer.duration_s : 0;
    for (const { line } of this.#figures) line.style.left = `${100 * share}%`;
  }
}
