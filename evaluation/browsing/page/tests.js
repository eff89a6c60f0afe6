// Listening tests: those that are there, with what listeners said so far, and a form for a new one.

import { get, post } from "/page/api.js";
import { byId, clamp, counted, guarded, make, say } from "/page/dom.js";
import { drawTable } from "./tables.js";

const KINDS = { pairs: "Blind pairs", mushra: "MUSHRA-like" };
const MOST_TRIALS = 500;
const titles = new Map(); // of gaps, by their names

function choices(part, type, name, options) {
  byId(part).replaceChildren(...options.map(({ value, text, checked }) => make("label", { className: "inline" },
    make("input", { type, name, value, checked }), ` ${text}`)));
}

const chosen = (name) => [...document.getElementsByName(name)].filter(({ checked }) => checked).map(({ value }) => value);

function describe(test) {
  if (test.broken) return make("div", { className: "test" }, make("h3", {}, test.name), make("p", { className: "refused" }, `Cannot be opened. ${test.broken}`));
  const { name, kind, seed, systems, conditions, trials, listeners } = test;
  const facts = [`seed ${seed}`, counted(trials, "trial"), systems.join(", "), conditions.map((name) => titles.get(name) ?? name).join(", ")];
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

/** How many different trials there are, if all utterances can be played. */
function possible(utterances) {
  const [systems, gaps] = [chosen("judged").length, chosen("gaps").length];
  return utterances * gaps * (chosen("kind")[0] === "pairs" ? (systems * (systems - 1)) / 2 : Number(systems > 0));
}

export async function offerTests({ kinds, utterances, systems, models, conditions, unprocessed, tests_folder: folder }) {
  byId("tests-folder").textContent = folder;
  conditions.forEach(({ name, title }) => titles.set(name, title));
  choices("kinds", "radio", "kind", kinds.map(({ name, about }, place) => ({ value: name, text: about, checked: !place })));
  const judged = systems.filter((name) => name !== unprocessed);
  choices("systems", "checkbox", "judged", judged.map((name) => ({ value: name, text: name, checked: models.includes(name) })));
  choices("conditions", "checkbox", "gaps", conditions.map(({ name, title }) => ({ value: name, text: title, checked: true })));
  let wanted = byId("trials").valueAsNumber;
  const bound = ({ target } = {}) => {
    if (target === byId("trials")) wanted = target.valueAsNumber;
    const most = Math.min(MOST_TRIALS, possible(utterances));
    byId("possible").textContent = most ? `of ${most} possible` : "none possible yet: choose two systems or more for pairs, and gaps";
    byId("trials").max = most || MOST_TRIALS;
    if (most && target !== byId("trials") && wanted) byId("trials").valueAsNumber = clamp(wanted, 1, most);
  };
  byId("draw").oninput = bound;
  bound();
  byId("draw").onsubmit = async (event) => {
    event.preventDefault();
    byId("refused").textContent = "";
    const settings = { kind: chosen("kind")[0], systems: chosen("judged"), conditions: chosen("gaps") };
    settings.trials = byId("trials").valueAsNumber;
    settings.seed = byId("seed").valueAsNumber;
    const drawn = await post("/api/tests", settings).catch((error) => (byId("refused").textContent = error.message) && null);
    if (!drawn) return;
    byId("new-test").open = false;
    await list();
    say(`The test ${drawn.name} is drawn.`);
  };
  window.addEventListener("focus", () => list()); // a listener may have come back from the other tab
  const tests = await list();
  byId("new-test").open = !tests?.length;
}
