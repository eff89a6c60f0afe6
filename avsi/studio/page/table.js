// The gaps as a table: typed as numbers, named, chosen for repair; and what was said of each when it was restored.

import { byId, make, warner } from "./dom.js";

const overlaps = (one, other) => one.start_s < other.end_s && other.start_s < one.end_s;
const typed = (seconds) => seconds.toFixed(3).replace(/0$/, ""); // milliseconds where there are any

const ROUNDED_S = 0.011;

/** What found a gap, in words; labels of other programs may name anything. */
function foundBy(seenBy, kinds) {
  const known = {
    picture: "pictures are missing here, and the sound goes on", tagger: "found by a model, by its sound",
    "tagger+face": "found by a model, by its sound and the lips",
  };
  const rule = kinds.some(({ name }) => name === seenBy);
  return known[seenBy] ?? (rule ? `found by an exact rule for ${seenBy}` : `found by ${seenBy}`);
}

const rated = (mos) => mos?.toFixed(1) ?? "–"; // silence has no rating

export class Table {
  result = null; // whose reasons are shown
  #complain = warner();
  #rows = new Map(); // by key: the row and what in it changes

  constructor(project, regions) {
    Object.assign(this, { project, regions });
    this.body = byId("gap-rows");
    project.addEventListener("change", () => this.draw());
    regions.addEventListener("chosen", () => this.draw());
    this.draw();
  }

  draw() {
    const { gaps } = this.project.state;
    byId("no-gaps").hidden = gaps.length > 0;
    byId("gap-table").hidden = !gaps.length;
    for (const key of this.#rows.keys()) if (!gaps.some((gap) => gap.key === key)) this.#rows.delete(key);
    const rows = gaps.map((gap, index) => {
      if (!this.#rows.has(gap.key)) this.#rows.set(gap.key, this.#row(gap.key));
      const parts = this.#rows.get(gap.key);
      this.#fill(parts, gap, index);
      return parts.row;
    });
    if (rows.length === this.body.children.length && rows.every((row, index) => row === this.body.children[index])) return;
    const focused = document.activeElement;
    this.body.replaceChildren(...rows);
    if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
  }

  #row(key) {
    const change = (edit) => this.project.change(() => edit(this.regions.gap(key)));
    const repair = make("input", { type: "checkbox", onchange: () => change((gap) => (gap.repair = repair.checked)) });
    const [start, end] = ["start_s", "end_s"].map((end_name) => {
      const field = make("input", { type: "number", min: 0, step: 0.01, max: this.project.clip.duration_s });
      field.onchange = () => {
        const times = { ...this.regions.gap(key), [end_name]: field.valueAsNumber };
        if (times.start_s >= 0 && times.end_s > times.start_s && times.end_s <= this.project.clip.duration_s + ROUNDED_S) {
          this.#complain("");
          this.regions.move(key, { [end_name]: field.valueAsNumber });
        } else {
          const asked = Number.isFinite(field.valueAsNumber) ? `${field.valueAsNumber} s` : "No number";
          this.#complain(`${asked} as the ${end_name === "start_s" ? "start" : "end"} of this gap: expected seconds, the start before the end, `
            + `and both within the clip (0 to ${this.project.clip.duration_s.toFixed(2)} s). The gap stays as it was.`);
        }
        this.draw();
      };
      return field;
    });
    const kind = make("select", { onchange: () => change((gap) => (gap.kind = kind.value || null)) }, new Option("marked by hand", ""));
    for (const each of this.project.clip.kinds) kind.append(make("option", { value: each.name, title: each.about }, each.name));
    const told = make("td", { className: "told" });
    const play = make("button", { type: "button", onclick: () => this.#play(key) }, "▶");
    const remove = make("button", { type: "button", onclick: () => this.#remove(key) }, "✕");
    const cells = [["Repair", repair], ["From", start], ["To", end], ["Kind", kind], ["", play, " ", remove]];
    const row = make("tr", {}, ...cells.map(([label, ...inside]) => make("td", { "data-label": label }, ...inside)));
    row.lastElementChild.before(told);
    row.addEventListener("focusin", () => key !== this.regions.chosen && this.regions.choose(key, { show: true }));
    return { row, repair, start, end, kind, told, play, remove };
  }

  #fill({ row, repair, start, end, kind, told, play, remove }, gap, index) {
    const which = `gap ${index + 1}`;
    const labels = [[repair, `Repair ${which}`], [start, `Start of ${which} in seconds`], [end, `End of ${which} in seconds`],
      [kind, `Kind of ${which}`], [play, `Play ${which}`], [remove, `Remove ${which}`]];
    for (const [element, label] of labels) element.setAttribute("aria-label", label);
    row.classList.toggle("chosen", gap.key === this.regions.chosen);
    repair.checked = gap.repair;
    start.value = typed(gap.start_s);
    end.value = typed(gap.end_s);
    kind.value = gap.kind ?? "";
    told.textContent = this.#told(gap).join(" · ");
  }

  #told(gap) {
    const told = [];
    if (gap.channel !== null && gap.channel !== undefined) told.push(`channel ${gap.channel + 1} alone`);
    if (gap.sure !== null && gap.sure < 1) told.push(`sure ${gap.sure.toFixed(2)}`);
    if (gap.seen_by) told.push(foundBy(gap.seen_by, this.project.clip.kinds));
    const of = (list) => (list ?? []).filter((each) => overlaps(each, gap));
    for (const { reason } of of(this.result?.reasons)) told.push(reason);
    for (const { before, after } of of(this.result?.mos)) {
      told.push(`estimated quality (PLCMOS) ${rated(before)} before, ${rated(after)} restored`);
    }
    return told;
  }

  #play(key) {
    const gap = this.regions.gap(key);
    this.regions.player.playAround(gap.start_s, gap.end_s);
  }

  #remove(key) {
    const row = this.#rows.get(key).row;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    this.regions.remove(key);
    next?.querySelector("td:last-child button:last-child").focus();
  }
}
