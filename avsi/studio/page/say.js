// Other words: those of the transcript that differ are said anew, or words are inserted; each time into a new recording.

import { byId, counted, make, say } from "./dom.js";
import { follow, run } from "./jobs.js";
import { visit } from "./opening.js";

export class Saying {
  constructor(project, player) {
    Object.assign(this, { project, player });
    this.wanted = byId("wanted");
    byId("keep-length").checked = Boolean(project.clip.picture);
    byId("keep-what").textContent = project.clip.picture ? "Keep the length, and the picture" : "Keep the length";
    this.wanted.oninput = () => this.#ready();
    byId("inserted").oninput = () => this.#ready();
    byId("say").onclick = () => this.#say({ wanted: this.wanted.value, keep_length: byId("keep-length").checked }, byId("say"));
    byId("insert").onclick = () => this.#say({ insertions: [[player.time_s, byId("inserted").value]], keep_length: false }, byId("insert"));
    byId("say-part").ontoggle = () => this.#begin();
    project.addEventListener("change", () => this.#ready());
    this.#ready();
    const { jobs } = project.clip;
    if (jobs?.say) this.#take(follow(async () => jobs.say, byId("say-job"), byId("say")));
  }

  /** What is said is where the new words begin. */
  #begin() {
    if (!this.wanted.value.trim()) this.wanted.value = this.project.state.transcript;
    this.#ready();
  }

  #ready() {
    const said = this.project.state.transcript.trim();
    const busy = !byId("say-job").hidden;
    byId("say").disabled = busy || !said || !this.wanted.value.trim() || this.wanted.value.trim() === said;
    byId("insert").disabled = busy || !byId("inserted").value.trim();
    byId("hint-say").hidden = Boolean(said);
  }

  async #say(body, starter) {
    if (!(await this.project.flush())) return;
    await this.#take(run(`/api/clips/${this.project.clip.id}/say`, body, byId("say-job"), starter));
  }

  async #take(running) {
    const answer = await running;
    this.#ready();
    if (!answer) return;
    const open = make("button", { type: "button", onclick: async () => (await this.project.flush()) && visit(answer.clip) }, "Open it here");
    const sound = make("audio", { controls: true, src: `/api/clips/${answer.clip}/sound`, "aria-label": "The new recording" });
    const words = answer.edits.map(({ before, words: now }) => `“${before || "nothing"}” became “${now || "silence"}”`).join(", ");
    const files = answer.saved.map((path) => make("div", {}, path));
    byId("said").prepend(make("li", {}, `${words}. `, sound, open, ...files));
    say([`${counted(answer.edits.length, "place")} said anew, in a new recording.`, ...(answer.notes ?? [])].join(" "));
  }
}
