// Gaps that are found by the server or read from labels, and added to those that are there.

import { request } from "./api.js";
import { byId, counted, guarded, make, say } from "./dom.js";
import { follow, isBusy, run } from "./jobs.js";
import { newKey } from "./project.js";

export class Marking {
  constructor(project, regions) {
    Object.assign(this, { project, regions });
    const { id } = project.clip;
    this.repaired = new Map(project.clip.kinds.map((kind) => [kind.name, kind.repaired ?? true]));
    const sought = project.clip.kinds.filter(({ name }) => name !== "unknown"); // which nothing finds
    this.usual = sought.filter((kind) => kind.usual).map((kind) => kind.name);
    byId("kinds").replaceChildren(...sought.map(({ name, about, usual }) => make(
      "label", { className: "inline", title: about }, make("input", { type: "checkbox", name: "kind", value: name, checked: usual }), name,
    )));
    byId("find").onclick = () => this.#find();
    byId("labels").onchange = ({ target }) => this.read(target.files[0]).then(() => (target.value = ""));
    for (const format of ["txt", "json"]) byId(`labels-${format}`).href = `/api/clips/${id}/labels?format=${format}`;
    byId("undo").onclick = () => project.undo();
    byId("redo").onclick = () => project.redo();
    this.ready = () => {
      byId("find").disabled = isBusy(byId("find-job"));
      byId("undo").disabled = !project.history.canUndo;
      byId("redo").disabled = !project.history.canRedo;
    };
    project.addEventListener("change", this.ready);
    const { jobs } = project.clip;
    if (jobs?.find) this.#take(follow(async () => jobs.find, byId("find-job"), byId("find"), this.ready));
  }

  #find() {
    const kinds = [...document.getElementsByName("kind")];
    const asked = kinds.filter((kind) => kind.checked).map((kind) => kind.value);
    const sure = byId("sure").valueAsNumber;
    const body = { ...(asked.join() !== this.usual.join() && { kinds: asked }), ...(Number.isFinite(sure) && { sure }) };
    this.#take(run(this.project, "find", body, byId("find-job"), byId("find"), this.ready));
  }

  async #take(running) {
    const found = await running;
    if (!found) return;
    const added = this.#add(found.damage);
    const told = found.damage.length ? `${found.damage.length} found, ${added} of them new.` : "No damage was found.";
    const isLeft = found.damage.some((one) => !(one.repair ?? this.repaired.get(one.kind) ?? true));
    say([told, ...(isLeft ? ["Clipping may be meant: it is left as it is, unless you tick Repair."] : []), ...(found.notes ?? [])].join(" "));
  }

  /** Labels from a file, such as Audacity's. */
  async read(file) {
    if (!file) return;
    const name = encodeURIComponent(file.name);
    const answer = await guarded(() => request("POST", `/api/clips/${this.project.clip.id}/labels?name=${name}`, file));
    if (answer) say(`${counted(this.#add(answer.gaps), "gap")} added from ${file.name}.`);
  }

  #add(found) {
    const { gaps } = this.project.state;
    const same = (gap, one) => Math.abs(gap.start_s - one.start_s) < 0.001 && Math.abs(gap.end_s - one.end_s) < 0.001;
    const there = (one) => gaps.some((gap) => same(gap, one) && (gap.channel ?? null) === (one.channel ?? null));
    const fresh = found.filter((one) => !there(one)).map((one) => ({
      start_s: one.start_s, end_s: one.end_s, kind: one.kind ?? null, sure: one.sure ?? null, seen_by: one.seen_by ?? null,
      channel: one.channel ?? null, repair: one.repair ?? this.repaired.get(one.kind) ?? true, key: newKey(),
    }));
    this.project.change((state) => {
      state.gaps.push(...fresh);
      state.gaps.sort((one, other) => one.start_s - other.start_s);
    });
    if (fresh.length) this.regions.choose(fresh[0].key, { show: true });
    return fresh.length;
  }
}
