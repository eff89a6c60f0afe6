// What restores, and restoring itself.

import { byId, counted, make, say, warner } from "./dom.js";
import { follow, isBusy, run } from "./jobs.js";
import { covered, length, toRestore } from "./stretches.js";

const HERE = /^(.*?)(?:@([\d.]+):([\d.]+))?$/s; // FILE or FILE@START:END

export class Restoring extends EventTarget {
  constructor(project, clips) {
    super();
    this.project = project;
    const { clip } = project;
    byId("model").replaceChildren(...clip.models.map((model) => new Option(model.name, model.name)));
    byId("model").onchange = ({ target }) => project.change((state) => (state.model = target.value));
    byId("use-face").onchange = ({ target }) => project.change((state) => (state.use_face = target.checked));
    byId("adapt").onchange = ({ target }) => project.change((state) => (state.adapt = target.checked));
    const complain = warner();
    byId("face").onchange = ({ target }) => {
      const number = target.valueAsNumber;
      const isFace = target.checkValidity();
      complain("");
      if (isFace) project.change((state) => (state.face = Number.isFinite(number) ? number : null));
      else complain(`Faces are counted from the left, from 1 to ${target.max}; leave the field empty for the largest one.`);
      this.#fill();
    };
    const around = new Option("that around the gap", "");
    byId("reference").replaceChildren(around, ...clips.map(({ name }) => new Option(name === clip.name ? `${name} (this clip)` : name, name)));
    for (const id of ["reference", "reference-start", "reference-end"]) byId(id).onchange = () => this.#refer();
    byId("restore").onclick = () => this.restore(0);
    byId("draw").onclick = () => this.restore(1 + Math.max(...project.results.map((result) => result.draw ?? 0)));
    project.addEventListener("change", () => this.#fill());
    this.#fill();
    if (clip.jobs?.restore) this.#take(follow(async () => clip.jobs.restore, byId("restore-job"), byId("restore"), () => this.#fill()));
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
    byId("adapt").checked = state.adapt;
    byId("face-part").hidden = !clip.picture;
    byId("face").disabled = !byId("use-face").checked && state.face === null; // what is chosen can always be cleared
    byId("face").value = state.face ?? "";
    const [, file, start, end] = HERE.exec(state.reference ?? "");
    const field = byId("reference");
    if (file && ![...field.options].some((each) => each.value === file)) field.append(make("option", { value: file }, file));
    field.value = file;
    field.disabled = !model?.takes_voice && !file; // what is named can always be cleared
    const takers = clip.models.filter((each) => each.takes_voice).map((each) => each.name);
    byId("hint-voice").hidden = model?.takes_voice ?? false;
    byId("hint-voice").textContent = `The model ${state.model} takes the voice around the gap alone; ${takers.join(", ")} can follow another.`;
    byId("reference-times").hidden = !file;
    if (start !== undefined) [byId("reference-start").value, byId("reference-end").value] = [start, end];
    const gaps = toRestore(state.gaps);
    const busy = isBusy(byId("restore-job"));
    byId("restore").disabled = !gaps.length || busy;
    byId("draw").disabled = busy;
    byId("restore-hint").textContent = gaps.length
      ? `${counted(gaps.length, "gap")}, ${length(covered(gaps)).toFixed(2)} s in all; the rest stays as it is.`
      : "Mark a gap first.";
  }

  #refer() {
    const file = byId("reference").value;
    const [start, end] = ["reference-start", "reference-end"].map((id) => byId(id).valueAsNumber);
    const part = end > start ? `@${start}:${end}` : "";
    this.project.change((state) => (state.reference = file ? file + part : null));
  }

  restore(draw) {
    if (byId("restore").disabled) return;
    this.#take(run(this.project, "restore", { draw }, byId("restore-job"), byId("restore"), () => this.#fill()));
  }

  async #take(running) {
    const answer = await running;
    if (!answer) return;
    await this.project.refresh();
    this.dispatchEvent(new CustomEvent("restored", { detail: answer.result }));
    say(["Restored. Play it, and compare it with the original.", ...(answer.notes ?? [])].join(" "));
  }
}
