// What is edited of a clip, kept in step with the server: changes are put soon after they are made.

import { get, request } from "./api.js";
import { byId, say, warn } from "./dom.js";
import { History } from "./history.js";

const PUT_AFTER_MS = 400;
const AGAIN_AFTER_MS = 3000;
let lastKey = 0;

/** The part that is the page's own, in one order of names, so that two states can be compared as text. */
function edited(project) {
  const gaps = project.gaps.map((gap) => ({
    start_s: gap.start_s, end_s: gap.end_s, kind: gap.kind ?? null, sure: gap.sure ?? null,
    seen_by: gap.seen_by ?? null, channel: gap.channel ?? null, repair: gap.repair ?? true,
  }));
  return {
    gaps, transcript: project.transcript ?? "", model: project.model, use_face: project.use_face,
    reference: project.reference ?? null, adapt: project.adapt ?? false, face: project.face ?? null,
  };
}

export class Project extends EventTarget {
  history = new History();
  #timer = null;
  #putting = null;
  #known = ""; // what the server has, as text
  #warned = false; // that something is not kept

  constructor(clip) {
    super();
    this.clip = clip;
    this.#take(clip.project, clip.revision);
  }

  /** Changes the page's part by `edit(state)`; what is called the same soon after is undone with it. */
  change(edit, what = null) {
    const before = this.#text();
    edit(this.state);
    const after = this.#text();
    if (after === before) return;
    this.history.keep(before, what);
    this.#changed();
  }

  /** A drag in progress: shown, but neither kept for undo nor sent until `change` follows. */
  preview() {
    this.dispatchEvent(new Event("change"));
  }

  undo() {
    this.#restore(this.history.undo(this.#text()), "Undone.");
  }

  redo() {
    this.#restore(this.history.redo(this.#text()), "Done again.");
  }

  /** Results and words from the server; and what another tab has changed meanwhile. */
  async refresh() {
    await this.flush();
    let clip;
    do { // an answer that is older than what was put meanwhile is asked for again
      clip = await get(`/api/clips/${this.clip.id}`);
      await this.#putting;
    } while (clip.revision < this.revision);
    this.results = clip.project.results ?? [];
    this.words = clip.project.words;
    if (JSON.stringify(edited(clip.project)) === this.#known) this.revision = clip.revision;
    else if (clip.revision > this.revision) this.#adopt(clip.project, clip.revision);
    this.dispatchEvent(new Event("results"));
    return clip;
  }

  /** Puts what is not yet with the server, now; whether the server then has what is shown, and nobody else's. */
  async flush(options = {}) {
    clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#putting) if (!(await this.#putting)) return false;
    const text = this.#text();
    if (text === this.#known) return true;
    this.#putting = this.#put(text, options);
    const kept = await this.#putting;
    this.#putting = null;
    return kept;
  }

  async #put(text, options) {
    try {
      const body = { revision: this.revision, ...JSON.parse(text) };
      const { revision } = await request("PUT", `/api/clips/${this.clip.id}/project`, body, options);
      this.revision = revision;
      this.#known = text;
      byId("kept").textContent = "All changes are kept.";
      if (this.#warned) warn("");
      this.#warned = false;
      return true;
    } catch (error) {
      if (error.status === 409) {
        return this.#adopt(error.answer.project, error.answer.revision);
      }
      this.#warned = true;
      warn(`Your last changes are not kept yet. ${error.message}`);
      if (!error.status) this.#later(AGAIN_AFTER_MS);
      return false;
    }
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), ms);
  }

  #text() {
    return JSON.stringify(edited(this.state));
  }

  #changed() {
    byId("kept").textContent = "";
    this.dispatchEvent(new Event("change"));
    this.#later(PUT_AFTER_MS);
  }

  #restore(text, said) {
    if (text === undefined) return;
    this.state = this.#keyed(JSON.parse(text));
    say(said);
    this.#changed();
  }

  /** Another tab was faster: its state is shown, and undo brings back one's own. Whether both are the same. */
  #adopt(project, revision) {
    const own = this.#text();
    this.#take(project, revision);
    if (this.#text() === own) return true; // the same was done in both
    this.history.keep(own);
    warn("This clip was changed in another tab or window, and its newer state is shown here. Undo brings back yours.");
    this.dispatchEvent(new Event("change"));
    this.dispatchEvent(new Event("results"));
    return false;
  }

  #take(project, revision) {
    this.state = this.#keyed(edited(project));
    this.results = project.results ?? [];
    this.words = project.words;
    this.revision = revision;
    this.#known = this.#text();
  }

  /** Gaps get keys, by which a region keeps its focus while it changes; those at the same place keep theirs. */
  #keyed(state) {
    const old = new Map(this.state?.gaps.map((gap) => [`${gap.start_s} ${gap.end_s}`, gap.key]));
    const used = new Set();
    state.gaps.forEach((gap, index) => {
      const place = this.state?.gaps.length === state.gaps.length ? this.state.gaps[index].key : undefined;
      const key = old.get(`${gap.start_s} ${gap.end_s}`) ?? place;
      gap.key = key === undefined || used.has(key) ? newKey() : key;
      used.add(gap.key);
    });
    return state;
  }
}

export const newKey = () => (lastKey += 1);
