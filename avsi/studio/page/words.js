// The transcript, and its words in place under the spectrogram.

import { byId, make, say } from "./dom.js";
import { run } from "./jobs.js";

export class Words {
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
  }

  #fill() {
    if (this.field.value !== this.project.state.transcript) this.field.value = this.project.state.transcript;
    this.#ready();
  }

  #ready() {
    byId("align").disabled = !this.field.value.trim() || !byId("align-job").hidden;
  }

  draw() {
    const { words } = this.project;
    this.lane.hidden = !words?.length;
    if (this.lane.hidden) return;
    const { px_s, span: [first, last] } = this.timeline;
    const seen = words.filter((word) => word.end_s >= first && word.start_s <= last);
    this.lane.replaceChildren(...seen.map((word) => {
      const item = make("span", { role: "listitem", title: `${word.word}: click to go there, twice to mark it as a gap` }, word.word);
      item.style.left = `${word.start_s * px_s}px`;
      item.style.width = `${(word.end_s - word.start_s) * px_s}px`;
      item.onclick = ({ detail }) => {
        if (detail === 2) this.regions.add(word.start_s, word.end_s);
        else this.player.seek(word.start_s);
      };
      return item;
    }));
  }

  async #align() {
    if (!(await this.project.flush())) return;
    const { id } = this.project.clip;
    const answer = await run(`/api/clips/${id}/align`, { transcript: this.field.value }, byId("align-job"), byId("align"));
    if (!answer) return;
    await this.project.refresh();
    say(["The words are shown under the spectrogram.", ...(answer.notes ?? [])].join(" "));
  }
}
