// The table of all utterances: the server sorts and filters, the page shows some rows at a time.

import { get } from "/page/api.js";
import { byId, guarded, make, say } from "/page/dom.js";

const COUNT = 50;
const TYPING_MS = 250;
const NAMED = [["id", "Utterance"], ["speaker", "Speaker"]];

export class Utterances {
  rows = [];
  #total = 0;

  constructor(state, evaluation) {
    this.state = state;
    const field = (name, change) => {
      byId(name).value = state[name];
      byId(name).addEventListener(name === "text" ? "input" : "change", ({ target }) => change(target.value));
    };
    byId("speaker").replaceChildren(new Option("all", ""), ...evaluation.speakers.map((name) => new Option(name)));
    for (const name of ["system", "other"]) {
      byId(name).replaceChildren(...evaluation.systems.map((each) => new Option(each)));
    }
    state.view ||= "system";
    state.sort ||= "id";
    for (const name of ["view", "system", "other", "metric"]) {
      field(name, (value) => state.set({ ...this.#order(name), [name]: value, first: "" }));
    }
    field("speaker", (value) => state.set({ speaker: value, first: "" }));
    field("text", (value) => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => state.set({ text: value, first: "" }), TYPING_MS);
    });
    byId("lacking").checked = Boolean(state.lacking);
    byId("lacking").onchange = ({ target }) => state.set({ lacking: target.checked ? "1" : "", first: "" });
    byId("previous").onclick = () => state.set({ first: String(Math.max(0, Number(state.first) - COUNT)) });
    byId("next").onclick = () => state.set({ first: String(Number(state.first) + COUNT) });
    state.addEventListener("change", ({ detail }) => (detail.join() === "id" ? this.#mark() : this.draw()));
    this.draw();
  }

  /** In a view of other columns, the order by one of them is gone. */
  #order(changed) {
    const { sort, descending } = this.state;
    const stays = changed !== "view" || NAMED.some(([key]) => key === sort);
    return stays ? { sort, descending } : { sort: "id", descending: "" };
  }

  async draw() {
    const { view, system, other, metric, sort } = this.state;
    byId("of-system").hidden = view === "metric";
    byId("of-other").hidden = byId("difference-hint").hidden = view !== "difference";
    byId("of-metric").hidden = view !== "metric";
    byId("difference-hint").textContent = `Each figure is that of ${other} minus that of ${system}.`;
    const { condition, descending, text, speaker, lacking } = this.state;
    const first = String(Number(this.state.first) || 0);
    const asked = new URLSearchParams({
      condition, view, system, other, metric, sort, descending, text, speaker, lacking, first, count: COUNT,
    });
    this.asked = asked;
    if (view === "metric" && !metric) return this.#chooseMetric();
    const found = await guarded(() => get(`/api/rows?${asked}`));
    if (!found || this.asked !== asked) return undefined;
    this.rows = found.rows;
    this.#total = found.total;
    if (view !== "metric") this.#offerMetrics(found.columns);
    this.#drawHeads(found.columns);
    byId("rows").replaceChildren(...found.rows.map((row) => this.#row(row)));
    const last = Math.min(Number(first) + found.rows.length, found.total);
    const part = found.total ? `${Number(first) + 1} to ${last} of ${found.total}` : "None";
    byId("which").textContent = found.total === found.all ? part : `${part} (${found.all} in all)`;
    byId("previous").disabled = !Number(first);
    byId("next").disabled = last >= found.total;
    this.#mark();
    return undefined;
  }

  #offerMetrics(columns) {
    byId("metric").replaceChildren(...columns.map(({ key, heading }) => new Option(heading, key, false, key === this.state.metric)));
  }

  /** An address that leads to this view at once: the metrics are those of any system. */
  async #chooseMetric() {
    const { condition, system } = this.state;
    const asked = new URLSearchParams({ condition, view: "system", system, sort: "id", first: 0, count: 1 });
    const found = await guarded(() => get(`/api/rows?${asked}`));
    if (!found?.columns.length) return;
    this.#offerMetrics(found.columns);
    this.state.set({ metric: found.columns[0].key });
  }

  #drawHeads(columns) {
    const heads = [...NAMED, ...columns.map(({ key, heading }) => [key, heading])].map(([key, heading], place) => {
      const sorted = this.state.sort === key;
      const arrow = sorted ? (this.state.descending ? " ▼" : " ▲") : "";
      const button = make("button", { type: "button", className: "sort", onclick: () => this.#sort(key) }, heading,
        make("span", { "aria-hidden": "true" }, arrow));
      button.dataset.key = key;
      const head = make("th", { scope: "col", className: place < NAMED.length ? "" : "figure" }, button);
      if (sorted) head.setAttribute("aria-sort", this.state.descending ? "descending" : "ascending");
      return head;
    });
    const focused = document.activeElement.dataset?.key;
    byId("heads").replaceChildren(...heads);
    if (focused) byId("heads").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #sort(key) {
    const again = this.state.sort === key;
    this.state.set({ sort: key, descending: again && !this.state.descending ? "1" : "", first: "" });
  }

  #row({ id, speaker, words, cells }) {
    const choose = make("button", { type: "button", className: "choose", title: words, onclick: () => this.state.set({ id }) }, id);
    const figures = cells.map(({ text, why }) => make("td", { className: "figure", title: why ?? "" }, text,
      ...(why ? [make("span", { className: "why" }, why)] : [])));
    const row = make("tr", {}, make("th", { scope: "row" }, choose), make("td", {}, speaker), ...figures);
    row.dataset.id = id;
    row.onclick = ({ target }) => target === choose || this.state.set({ id });
    return row;
  }

  #mark() {
    for (const row of byId("rows").children) {
      const chosen = row.dataset.id === this.state.id;
      row.classList.toggle("chosen", chosen);
      row.querySelector(".choose").setAttribute("aria-pressed", String(chosen));
    }
  }

  /** The next row of those that are shown, or the one before. */
  step(by) {
    const place = this.rows.findIndex(({ id }) => id === this.state.id);
    const row = this.rows[place < 0 ? 0 : place + by];
    if (row) this.state.set({ id: row.id });
    else say(by > 0 && this.#total > COUNT ? "That is the last row of this part of the table." : "There is no other row.");
  }
}
