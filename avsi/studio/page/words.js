// The transcript, and its words in place under the spectrogram.

import { byId, clamp, clock, make, say } from "./dom.js";
import { follow, isBusy, run } from "./jobs.js";

const DOUBTED = 0.2; // of 1, the confidence of `avsi align`: words with less are marked

export class Words {
  #chosen = 0; // the word that the tabulator reaches

  constructor(project, timeline, player, regions) {
    Object.assign(this, { project, timeline, player, regions });
    this.lane = byId("words");
    this.field = byId("transcript");
    this.field.oninput = () => {
      project.change((state) => (state.transcript = this.field.value), "transcript");
      this.#ready();
    };
    byId("align").onclick = () => this.#align();
    project.addEventListener("change", () => this.#fill());
    project.addEventListener("results", () => this.draw());
    timeline.addEventListener("seen", () => this.draw());
    this.#fill();
    if (project.state.transcript) this.field.closest("details").open = true;
    this.draw();
    const { jobs } = project.clip;
    if (jobs?.align) this.#take(follow(async () => jobs.align, byId("align-job"), byId("align"), () => this.#ready()));
  }

  #fill() {
    if (this.field.value !== this.project.state.transcript) this.field.value = this.project.state.transcript;
    this.#ready();
  }

  #ready() {
    byId("align").disabled = !this.field.value.trim() || isBusy(byId("align-job"));
  }

  draw() {
    const { words } = this.project;
    this.lane.hidden = byId("about-words").hidden = !words?.length;
    if (this.lane.hidden) return;
    const { px_s, span: [first, last] } = this.timeline;
    this.#chosen = clamp(this.#chosen, 0, words.length - 1);
    const focused = this.lane.contains(document.activeElement);
    const seen = words.map((word, index) => ({ word, index })).filter(({ word, index }) => (
      (word.end_s >= first && word.start_s <= last) || index === this.#chosen
    ));
    this.lane.replaceChildren(...seen.map(({ word, index }) => {
      const sure = `confidence ${word.confidence.toFixed(2)}`;
      const item = make("button", {
        type: "button", tabIndex: index === this.#chosen ? 0 : -1, title: `${word.word}, ${sure}: click to go there, twice to mark it as a gap`,
        "aria-label": `${word.word}, from ${clock(word.start_s)}, ${sure}`, "data-index": index, "aria-describedby": "word-hint",
      }, word.word);
      item.classList.toggle("doubted", word.confidence < DOUBTED);
      item.style.left = `${word.start_s * px_s}px`;
      item.style.width = `${(word.end_s - word.start_s) * px_s}px`;
      item.onclick = ({ detail }) => {
        this.#chosen = index;
        if (detail === 2) this.regions.add(word.start_s, word.end_s);
        else this.player.seek(word.start_s);
      };
      item.onkeydown = (event) => this.#key(event, index);
      return item;
    }));
    if (focused) this.#focus();
  }

  #focus() {
    this.lane.querySelector(`[data-index="${this.#chosen}"]`)?.focus({ preventScroll: true });
  }

  /** Left and right: the word before and after. g: a gap of the word. */
  #key(event, index) {
    const { words } = this.project;
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: words.length - 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (to !== undefined) {
      this.#chosen = clamp(to, 0, words.length - 1);
      this.timeline.show(words[this.#chosen].start_s, words[this.#chosen].end_s);
      this.draw();
      this.#focus();
    } else if (event.key.toLowerCase() === "g") this.regions.add(words[index].start_s, words[index].end_s);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #align() {
    const [part, starter] = [byId("align-job"), byId("align")];
    this.#take(run(this.project, "align", { transcript: this.field.value }, part, starter, () => this.#ready()));
  }

  async #take(running) {
    const answer = await running;
    if (!answer) return;
    await this.project.refresh();
    say(["The words are shown under the spectrogram.", ...(answer.notes ?? [])].join(" "));
  }
}
