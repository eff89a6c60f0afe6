// Restored versions: which one is compared with the original, which is heard, and the same without being told which.

import { byId, counted, make, say } from "./dom.js";
import { coverTheSame, toRestore } from "./stretches.js";

const NAMES = ["Original", "Restored"];
/** What plays one of the two: beside the pictures, and in the step of listening. */
const buttons = (index) => document.querySelectorAll(`[data-hear="${index}"]`);
const MOS_AFTER_MS = [3000, 8000, 20000]; // the estimate of quality comes a little after the sound

export class Listening {
  result = null; // the one that is compared
  #order = null; // in a blind comparison: which sound each of the two buttons plays

  constructor(project, player, tiles, table) {
    Object.assign(this, { project, player, tiles, table });
    [0, 1].forEach((index) => {
      for (const button of buttons(index)) button.onclick = () => this.#hear(index);
      byId(`better-${index}`).onclick = () => this.#answer(index);
    });
    byId("blind").onchange = ({ target }) => this.#blind(target.checked);
    player.addEventListener("heard", () => this.#draw());
    project.addEventListener("results", () => this.#list());
    project.addEventListener("change", () => this.#compare());
    this.#list();
  }

  /** Compares with a result, heard from a little before its first gap. */
  take(id) {
    this.#choose(id);
    const first = this.result?.gaps[0];
    if (first && !this.player.playing) this.player.seek(Math.max(0, first[0] - 0.7));
    if (!this.#order) this.player.hear(1);
  }

  /** The key b: the other of the two, at the same position. */
  toggle() {
    if (this.result) this.#hear(1 - this.#pressed);
  }

  get #pressed() {
    return this.#order ? this.#order.indexOf(this.player.heard) : this.player.heard;
  }

  #hear(index) {
    this.player.hear(this.#order ? this.#order[index] : index);
    say(this.#name(index));
  }

  #name(index) {
    return this.#order ? `Sound ${index + 1}` : NAMES[index];
  }

  #choose(id) {
    const result = this.project.results.find((each) => each.id === id) ?? null;
    const changed = result?.id !== this.result?.id;
    this.result = result;
    this.table.result = result;
    this.table.draw();
    if (changed) this.player.setRestored(result && `/api/clips/${this.project.clip.id}/results/${result.id}/sound`);
    this.#draw();
  }

  #list() {
    const { results } = this.project;
    byId("no-results").hidden = results.length > 0;
    byId("results-part").hidden = byId("hearing").hidden = !results.length;
    byId("save").disabled = !results.length;
    byId("results").replaceChildren(...results.map((result, index) => {
      const choice = make("input", { type: "radio", name: "result", value: result.id, onchange: () => this.take(result.id) });
      const gaps = counted(result.gaps.length, "gap");
      const time = result.made && new Date(result.made).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      const isSeen = result.use_face && (result.reasons ?? []).length < result.gaps.length;
      const how = [result.model, result.adapted && "adapted", isSeen ? "with the face" : "sound alone", gaps, time];
      const told = make("span", { className: "soft" }, how.filter(Boolean).join(" · "));
      const other = make("span", { className: "soft other", hidden: true }, "made with other gaps than are marked now");
      return make("label", { className: "inline" }, choice, ` Version ${index + 1} `, told, other);
    }));
    this.#compare();
    const kept = results.some((each) => each.id === this.result?.id);
    this.#choose(kept ? this.result.id : results.at(-1)?.id);
  }

  #compare() {
    const { results, state } = this.project;
    byId("results").querySelectorAll(".other").forEach((told, index) => {
      if (results[index]) told.hidden = coverTheSame(results[index].asked, toRestore(state.gaps)); // else the list is about to be drawn anew
    });
  }

  /** A new result's estimate of quality, when it is there. */
  async awaitQuality() {
    for (const ms of MOS_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (this.result?.mos) return;
      await this.project.refresh().catch(() => {}); // the next change that is put tells if the server is gone
    }
  }

  #blind(on) {
    this.#order = on ? (Math.random() < 0.5 ? [0, 1] : [1, 0]) : null;
    byId("blind-answer").hidden = !on;
    byId("blind-told").textContent = "";
    this.#hear(0);
  }

  #answer(index) {
    const order = this.#order;
    byId("blind").checked = false;
    this.#blind(false);
    this.player.hear(order[index]);
    byId("blind-told").textContent = `You chose the ${NAMES[order[index]].toLowerCase()} sound: sound 1 was the `
      + `${NAMES[order[0]].toLowerCase()}, sound 2 the ${NAMES[order[1]].toLowerCase()} one.`;
    byId("blind").focus();
  }

  #draw() {
    [0, 1].forEach((index) => {
      for (const button of buttons(index)) {
        button.textContent = this.#name(index);
        button.setAttribute("aria-pressed", String(index === this.#pressed));
      }
    });
    for (const choice of document.getElementsByName("result")) choice.checked = choice.value === this.result?.id;
    // Of a blind comparison the pictures tell nothing.
    this.tiles.setResult(this.result && this.player.heard && !this.#order ? this.result.id : null);
  }
}
