// The table of all utterances: the server sorts and filters, the page shows some rows at a time.

import { byId, make, say } from "/page/dom.js";
import { asker } from "./asker.js";

const COUNT = 50;
const TYPING_MS = 250;
const NAMED = [["id", "Utterance"], ["speaker", "Speaker"]];

export class Utterances {
  rows = [];
  #total = 0;
  #ask = asker();

  /** `choose` gets the id of an utterance. */
  constructor(state, evaluation, choose) {
    Object.assign(this, { state, choose });
    const field = (name, change) => {
      byId(name).addEventListener(name === "text" ? "input" : "change", ({ target }) => change(target.value));
    };
    byId("speaker").replaceChildren(new Option("all", ""), ...evaluation.speakers.map((name) => new Option(name)));
    for (const name of ["view", "system", "other", "metric"]) {
      field(name, (value) => state.set({ ...(name === "view" ? this.#order(value) : {}), [name]: value, first: "" }));
    }
    field("speaker", (value) => state.set({ speaker: value, first: "" }));
    field("text", (value) => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => state.set({ text: value, first: "" }), TYPING_MS);
    });
    byId("lacking").onchange = ({ target }) => state.set({ lacking: target.checked ? "1" : "", first: "" });
    byId("previous").onclick = () => state.set({ first: String(Math.max(0, Number(state.first) - COUNT)) });
    byId("next").onclick = () => state.set({ first: String(Number(state.first) + COUNT) });
    state.addEventListener("change", ({ detail }) => (detail.join() === "id" ? this.#mark() : this.draw()));
    state.addEventListener("restored", () => this.#showFields());
    this.#showFields();
    this.draw();
  }

  #showFields() {
    for (const name of ["view", "system", "other", "metric", "speaker", "text"]) byId(name).value = this.state[name];
    byId("lacking").checked = Boolean(this.state.lacking);
  }

  /** The same order in another view: a metric of a system is the column of the metric there, and here of the system. */
  #order(view) {
    const { view: before, system, metric, sort } = this.state;
    if (NAMED.some(([key]) => key === sort) || (view === "metric") === (before === "metric")) return {};
    return view === "metric" ? { metric: sort, sort: system } : { sort: metric };
  }

  async draw() {
    const { view, system, other, metric, sort } = this.state;
    byId("of-system").hidden = view === "metric";
    byId("of-other").hidden = byId("difference-hint").hidden = view !== "difference";
    byId("of-metric").hidden = view !== "metric";
    byId("difference-hint").textContent = `Each figure is that of ${system} minus that of ${other}.`;
    const { condition, descending, text, speaker, lacking } = this.state;
    const first = String(Number(this.state.first) || 0);
    const asked = new URLSearchParams({
      condition, view, system, other, metric, sort, descending, text, speaker, lacking, first, count: COUNT,
    });
    this.asked = asked;
    byId("metric").value = metric;
    if (!system) return this.#show([], [], "Nothing is restored under these gaps yet.");
    if (view === "metric" && !metric) return this.#show([], [], "Nothing is scored under these gaps yet.");
    const found = await this.#ask(`/api/rows?${asked}`);
    if (this.asked !== asked) return undefined;
    if (!found) return this.#show([], [], "");
    const last = Math.min(Number(first) + found.rows.length, found.total);
    const part = found.total ? `${Number(first) + 1} to ${last} of ${found.total}` : "None";
    this.#show(found.columns, found.rows, found.total === found.all ? part : `${part} (${found.all} in all)`);
    this.#total = found.total;
    byId("previous").disabled = !Number(first);
    byId("next").disabled = last >= found.total;
    return undefined;
  }

  #show(columns, rows, which) {
    this.rows = rows;
    this.#drawHeads(columns);
    byId("rows").replaceChildren(...rows.map((row) => this.#row(row)));
    byId("which").textContent = which;
    byId("previous").disabled = byId("next").disabled = true;
    this.#mark();
  }

  #drawHeads(columns) {
    const named = NAMED.map(([key, label]) => ({ key, label }));
    const heads = [...named, ...columns].map(({ key, label, unit, lower_is_better: lower }, place) => {
      const sorted = this.state.sort === key;
      const arrow = sorted ? (this.state.descending ? " ▼" : " ▲") : "";
      const better = lower === undefined ? "" : `: ${lower ? "lower" : "higher"} is better`;
      const button = make("button", { type: "button", className: "sort", title: `Sort${better}`, onclick: () => this.#sort(key) }, label,
        make("span", { "aria-hidden": "true" }, arrow), ...(unit ? [make("span", { className: "unit" }, unit)] : []));
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
    const choose = make("button", { type: "button", className: "choose", title: words, onclick: () => this.choose(id) }, id);
    const figures = cells.map(({ text, why }) => make("td", { className: "figure", title: why ?? "" }, text,
      ...(why ? [make("span", { className: "why" }, why)] : [])));
    const row = make("tr", {}, make("th", { scope: "row" }, choose), make("td", {}, speaker), ...figures);
    row.dataset.id = id;
    row.onclick = ({ target }) => target === choose || this.choose(id);
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
    if (row) {
      this.choose(row.id);
      const button = byId("rows").querySelector(".chosen .choose");
      if (byId("rows").contains(document.activeElement)) button.focus();
      else button.scrollIntoView({ block: "nearest" });
    } else say(by > 0 && this.#total > COUNT ? "That is the last row of this part of the table." : "There is no other row.");
  }
}
