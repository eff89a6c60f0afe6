// What can be asked for under a condition by now: the systems that were restored, the metrics that are scored.

import { get } from "/page/api.js";
import { byId } from "/page/dom.js";

const NAMED = ["id", "speaker", "words"]; // by which rows are sorted in any view

function offer(name, options, value) {
  byId(name).replaceChildren(...options);
  byId(name).value = value;
}

/** Offers what is there in the page's fields; returns what to show: as the state has it, something else in place of what is gone. */
export async function offered(state, condition, models) {
  const { systems, metrics } = await get(`/api/condition?${new URLSearchParams({ condition })}`);
  const beside = [...models, ...systems].filter((name) => systems.includes(name));
  const system = systems.includes(state.system) ? state.system : models.findLast((name) => systems.includes(name)) ?? systems.at(-1) ?? "";
  const other = systems.includes(state.other) ? state.other : beside.find((name) => name !== system) ?? system;
  const keys = metrics.map(({ key }) => key);
  const metric = keys.includes(state.metric) ? state.metric : keys[0] ?? "";
  for (const [name, value] of [["system", system], ["other", other]]) offer(name, systems.map((each) => new Option(each)), value);
  offer("metric", metrics.map(({ key, label }) => new Option(label, key)), metric);
  const sorted = [...NAMED, ...(state.view === "metric" ? systems : keys)].includes(state.sort);
  return { condition, system, other, metric, ...(sorted ? {} : { sort: "id", descending: "" }) };
}
