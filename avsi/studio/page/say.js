// Other words: those of the transcript that differ are said anew, or words are inserted; each time into a new recording.

import { byId, clock, counted, make, say } from "./dom.js";
import { follow, isBusy, run } from "./jobs.js";
import { visit } from "./opening.js";

/** What became of words, in words. */
function told({ before, words, start_s: start }) {
  if (!before) return `“${words}” was inserted at ${clock(start)}`;
  return words ? `“${before}” became “${words}”` : `“${before}” was taken out`;
}

export class Saying {
  constructor(project, player, listening) {
    Object.assign(this, { project, player, listening });
    [this.wanted, this.inserted] = [byId("wanted"), byId("inserted")];
    byId("keep-length").checked = Boolean(project.clip.picture);
    byId("keep-what").textContent = project.clip.picture ? "Keep the length, and the picture" : "Keep the length";
    this.#remember();
    this.wanted.oninput = () => {
      this.typed = Boolean(this.wanted.value.trim()); // an empty field follows the transcript again
      this.#ready();
    };
    this.inserted.oninput = () => this.#ready();
    byId("say").onclick = () => this.#say({ wanted: this.wanted.value, keep_length: byId("keep-length").checked }, byId("say"));
    byId("insert").onclick = () => this.#say({ insertions: [[player.time_s, this.inserted.value]], keep_length: false }, byId("insert"));
    project.addEventListener("change", () => this.#ready());
    for (const event of ["change", "results"]) project.addEventListener(event, () => this.#tellWhere());
    byId("results").addEventListener("change", () => this.#tellWhere());
    player.addEventListener("moved", () => this.#tellPosition());
    this.#ready();
    this.#tellWhere();
    this.#tellPosition();
    const { jobs } = project.clip;
    if (jobs?.say) this.#take(follow(async () => jobs.say, byId("say-job"), byId("say"), () => this.#ready()));
  }

  /** What was typed outlives a reload, as what is marked does. */
  #remember() {
    const key = `say ${this.project.clip.id}`;
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    this.typed = Boolean(kept.wanted);
    this.wanted.value = kept.wanted ?? "";
    this.inserted.value = kept.inserted ?? "";
    addEventListener("pagehide", () => {
      const wanted = this.typed ? this.wanted.value : "";
      sessionStorage.setItem(key, JSON.stringify({ wanted, inserted: this.inserted.value }));
    });
  }

  #ready() {
    const { transcript } = this.project.state;
    const said = transcript.trim();
    if (!this.typed && this.wanted !== document.activeElement) this.wanted.value = transcript;
    const busy = isBusy(byId("say-job"));
    byId("say").disabled = busy || !said || !this.wanted.value.trim() || this.wanted.value.trim() === said;
    byId("insert").disabled = busy || !this.inserted.value.trim();
    byId("hint-say").hidden = Boolean(said);
  }

  #tellWhere() {
    const { result, project } = this.listening;
    const number = project.results.findIndex((each) => each.id === result?.id) + 1;
    const else_ = number ? `version ${number}, which is chosen in step 3.` : "the original: restore first what is damaged.";
    byId("say-where").textContent = `A new file is made beside the clip, under a name of its own. All else in it is as in ${else_}`;
  }

  #tellPosition() {
    byId("insert-where").textContent = `Words to insert at ${clock(this.player.time_s)}`;
  }

  #say(body, starter) {
    const asked = { ...body, result: this.listening.result?.id ?? null };
    this.#take(run(this.project, "say", asked, byId("say-job"), starter, () => this.#ready()));
  }

  async #take(running) {
    const answer = await running;
    if (!answer) return;
    const open = make("button", { type: "button", onclick: async () => (await this.project.flush()) && visit(answer.clip) }, "Open it here");
    const sound = make("audio", { controls: true, src: `/api/clips/${answer.clip}/sound`, "aria-label": "The new recording" });
    const files = answer.saved.map((path) => make("div", {}, path));
    byId("said").prepend(make("li", {}, `${answer.edits.map(told).join(", ")}. `, sound, open, ...files));
    say([`${counted(answer.edits.length, "change")} of what is said, in a new recording.`, ...(answer.notes ?? [])].join(" "));
  }
}
