// What restores, and restoring itself.

import { byId, counted, make, say } from "./dom.js";
import { run } from "./jobs.js";

const HERE = /^(.*?)(?:@([\d.]+):([\d.]+))?$/s; // FILE or FILE@START:END

export class Restoring extends EventTarget {
  constructor(project, clips) {
    super();
    this.project = project;
    const { clip } = project;
    byId("model").replaceChildren(...clip.models.map((model) => new Option(model.name, model.name)));
    byId("model").onchange = ({ target }) => project.change((state) => (state.model = target.value));
    byId("use-face").onchange = ({ target }) => project.change((state) => (state.use_face = target.checked));
    const around = new Option("that around the gap", "");
    byId("reference").replaceChildren(around, ...clips.map(({ name }) => new Option(name === clip.name ? `${name} (this clip)` : name, name)));
    for (const id of ["reference", "reference-start", "reference-end"]) byId(id).onchange = () => this.#refer();
    byId("restore").onclick = () => this.restore(0);
    byId("draw").onclick = () => this.restore(1 + Math.max(...project.results.map((result) => result.draw ?? 0)));
    project.addEventListener("change", () => this.#fill());
    this.#fill();
  }

  #fill() {
    const { clip, state } = this.project;
    const model = clip.models.find((each) => each.name === state.model);
    byId("model").value = state.model;
    byId("about-model").textContent = model?.about ?? "";
    byId("hint-words").hidden = !model?.takes_words || Boolean(state.transcript.trim());
        const face = Boolean(clip.picture && model?.takes_face);
    byId("use-face").disabled = !face;
    byId("use-face").checked = face && state.use_face;
    const [, file, start, end] = HERE.exec(state.reference ?? "");
    const field = byId("reference");
    if (file && ![...field.options].some((each) => each.value === file)) field.append(make("option", { value: file }, file));
    field.value = file;
    field.disabled = !model?.takes_voice && !file; // what is named can always be cleared
    byId("reference-times").hidden = !file;
    if (start !== undefined) [byId("reference-start").value, byId("reference-end").value] = [start, end];
    const gaps = state.gaps.filter((gap) => gap.repair);
    const seconds = gaps.reduce((sum, gap) => sum + gap.end_s - gap.start_s, 0);
    byId("restore").disabled = !gaps.length || !byId("restore-job").hidden;
    byId("restore-hint").textContent = gaps.length
      ? `${counted(gaps.length, "gap")}, ${seconds.toFixed(2)} s in all; the rest stays as it is.`
      : "Mark a gap first.";
  }

  #refer() {
    const file = byId("reference").value;
    const [start, end] = ["reference-start", "reference-end"].map((id) => byId(id).valueAsNumber);
    const part = end > start ? `@${start}:${end}` : "";
    this.project.change((state) => (state.reference = file ? file + part : null));
  }

  async restore(draw) {
    if (byId("restore").disabled) return;
    if (!(await this.project.flush())) return; // what is shown is not what would be restored
    byId("draw").disabled = true;
    const { id } = this.project.clip;
    const answer = await run(`/api/clips/${id}/restore`, { draw }, byId("restore-job"), byId("restore"));
    byId("draw").disabled = false;
    if (answer) {
      await this.project.refresh();
      this.dispatchEvent(new CustomEvent("restored", { detail: answer.result }));
      say(["Restored. Play it, and press b to compare it with the original.", ...(answer.notes ?? [])].join(" "));
    }
    this.#fill();
  }
}
