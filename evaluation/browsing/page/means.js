// The report's means, intervals and differences, of the condition that is chosen.

import { byId, make } from "/page/dom.js";
import { asker } from "./asker.js";
import { drawTable } from "./tables.js";

export class Means {
  #ask = asker();

  constructor(state) {
    this.state = state;
    state.addEventListener("change", ({ detail }) => {
      const seen = this.#pair.join() !== this.shown;
      if (detail.includes("condition") || seen) this.draw();
    });
    this.draw();
  }

  /** The two systems whose difference is shown, beside those of the report. */
  get #pair() {
    const { view, system, other } = this.state;
    return view === "difference" ? [other, system] : ["", ""]; // the second minus the first
  }

  async draw() {
    const [first, second] = this.#pair;
    this.shown = this.#pair.join();
    const asked = `/api/means?${new URLSearchParams({ condition: this.state.condition, first, second })}`;
    this.asked = asked;
    if (!byId("means").childElementCount) byId("means").replaceChildren(make("p", { className: "soft" }, "The means are being computed ..."));
    const found = await this.#ask(asked);
    if (!found || this.asked !== asked) return;
    const [means, ...others] = found.tables.map(drawTable);
    const more = make("details", { open: byId("means").querySelector("details")?.open ?? Boolean(first) },
      make("summary", {}, "Paired differences, and where systems are worse than silence"), ...others);
    byId("means").replaceChildren(...(means ? [means] : []), ...(others.length ? [more] : []));
    byId("notes").replaceChildren(...found.notes.map((note) => make("li", {}, note)));
  }
}
