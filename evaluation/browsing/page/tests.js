// Listening tests: those that are there, with what listeners said so far, and a form for a new one.

import { get, post } from "/page/api.js";
import { byId, counted, guarded, make, say } from "/page/dom.js";
import { drawTable } from "./tables.js";

const KINDS = { pairs: "Blind pairs", mushra: "MUSHRA-like" };

function choices(part, type, name, options) {
  byId(part).replaceChildren(...options.map(({ value, text, checked }) => make("label", { className: "inline" },
    make("input", { type, name, value, checked }), ` ${text}`)));
}

const chosen = (name) => [...document.getElementsByName(name)].filter(({ checked }) => checked).map(({ value }) => value);

function describe(test) {
  const { name, kind, seed, systems, conditions, trials, listeners } = test;
  const facts = [`seed ${seed}`, counted(trials, "trial"), systems.join(", "), conditions.join(", ")];
  facts.push(listeners.length ? `rated by ${listeners.join(", ")}` : "not rated yet");
  const outcome = make("div");
  const show = make("button", { type: "button", disabled: !listeners.length }, "What listeners said");
  show.onclick = async () => {
    const found = await guarded(() => get(`/api/tests/${encodeURIComponent(name)}/outcome`));
    if (found) outcome.replaceChildren(...found.tables.map(drawTable));
  };
  const open = make("a", { href: `/listen#${encodeURIComponent(name)}`, target: "_blank" }, "Open for a listener");
  const left = Object.entries(test.left_out).map(([what, why]) => `${what}: ${why}`);
  const parts = [make("h3", {}, KINDS[kind] ?? kind), make("p", { className: "soft" }, facts.join(" · "))];
  if (left.length) parts.push(make("p", { className: "soft" }, `Left out: ${left.join("; ")}`));
  return make("div", { className: "test" }, ...parts, make("div", { className: "row" }, open, show), outcome);
}

let listed = "";

/** Those that are there now; drawn anew only where something has changed, so that what is open stays. */
async function list() {
  const tests = await guarded(() => get("/api/tests"));
  const now = JSON.stringify(tests ?? []);
  if (tests && now !== listed) byId("there").replaceChildren(...tests.map(describe));
  listed = now;
  return tests;
}

export async function offerTests({ kinds, systems, models, conditions, unprocessed, tests_folder: folder }) {
  byId("tests-folder").textContent = folder;
  choices("kinds", "radio", "kind", kinds.map(({ name, about }, place) => ({ value: name, text: about, checked: !place })));
  const judged = systems.filter((name) => name !== unprocessed);
  choices("systems", "checkbox", "judged", judged.map((name) => ({ value: name, text: name, checked: models.includes(name) })));
  choices("conditions", "checkbox", "gaps", conditions.map(({ name, title }) => ({ value: name, text: title, checked: true })));
  byId("draw").onsubmit = async (event) => {
    event.preventDefault();
    const settings = { kind: chosen("kind")[0], systems: chosen("judged"), conditions: chosen("gaps") };
    settings.trials = byId("trials").valueAsNumber;
    settings.seed = byId("seed").valueAsNumber;
    const drawn = await guarded(() => post("/api/tests", settings));
    if (!drawn) return;
    byId("new-test").open = false;
    await list();
    say(`The test ${drawn.name} is drawn.`);
  };
  window.addEventListener("focus", () => list()); // a listener may have come back from the other tab
  const tests = await list();
  byId("new-test").open = !tests?.length;
}
