// Joins the parts of an evaluation's page, and asks whether there are new scores.

import { get, pause } from "/page/api.js";
import { byId, counted, guarded, unwarn, warn } from "/page/dom.js";
import { offerKeys } from "/page/keys.js";
import { Means } from "./means.js";
import { offered } from "./offered.js";
import { State } from "./state.js";
import { offerTests } from "./tests.js";
import { Utterances } from "./utterances.js";
import { Versions } from "./versions.js";

const ASK_AGAIN_MS = 5000;
const KEYS = [
  ["Space", "play, pause"],
  ["1 to 9", "original, unprocessed, and the systems in their order, at the same position"],
  ["b", "the one that was heard before, at the same position"],
  ["g", "play around the gap"],
  ["j, k", "play the next utterance of the table, the one before"],
  ["?", "this list"],
];

function introduce(evaluation, state) {
  const { heading, caution, utterances, speakers, conditions, models } = evaluation;
  document.title = `${heading}: avsi studio`;
  byId("about").textContent = `${heading} · ${counted(utterances, "utterance")} of ${counted(speakers.length, "speaker")}`;
  byId("caution").textContent = caution;
  byId("caution").hidden = !caution;
  byId("condition").replaceChildren(...conditions.map(({ name, title }) => new Option(title, name)));
  if (!conditions.some(({ name }) => name === state.condition)) state.condition = conditions.at(-1)?.name ?? "";
  const show = () => (byId("condition").value = state.condition);
  show();
  state.addEventListener("restored", show);
  byId("condition").onchange = async ({ target }) => {
    const { value } = target;
    const there = await guarded(() => offered(state, value, models));
    if (target.value !== value) return; // another one was chosen meanwhile
    if (there) state.set({ ...there, first: "" });
    else show();
  };
}

/** Under the condition that is shown, nothing is asked for that is gone; whether something was. */
async function refit(state, models) {
  const there = await offered(state, state.condition, models);
  if (there.condition !== state.condition || Object.entries(there).every(([key, value]) => state[key] === value)) return false;
  Object.assign(state, there);
  state.keep();
  return true;
}

/** Shows new scores as programs write them; another tab in front waits. */
async function follow(state, models, redraw) {
  const gone = "New scores cannot be asked for. ";
  let told = "";
  for (let known = null; ; await pause(ASK_AGAIN_MS)) {
    if (document.hidden) continue;
    const { condition } = state;
    try {
      const { revision } = await get(`/api/revision?condition=${encodeURIComponent(condition)}`);
      unwarn(told);
      const now = `${condition} ${revision}`;
      if (known?.startsWith(`${condition} `) && now !== known && condition === state.condition) {
        await refit(state, models);
        await redraw();
      }
      known = now;
    } catch (error) {
      if (told !== gone + error.message) warn((told = gone + error.message));
    }
  }
}

async function begin() {
  const evaluation = await get("/api/evaluation");
  const state = new State();
  introduce(evaluation, state);
  const { models } = evaluation;
  await refit(state, models);
  const means = new Means(state);
  const versions = new Versions(state, evaluation);
  const utterances = new Utterances(state, evaluation, (id) => versions.choose(id));
  offerTests(evaluation);
  const keys = { Space: () => versions.mixer.toggle(), b: () => versions.back(), g: () => byId("play-gap").click() };
  for (let number = 1; number <= 9; number += 1) keys[number] = () => versions.hear(number - 1);
  offerKeys({ ...keys, j: () => utterances.step(1), k: () => utterances.step(-1) }, KEYS);
  const parts = [means, utterances, versions];
  const redraw = () => Promise.all(parts.map((part) => part.draw()));
  state.addEventListener("restored", () => guarded(async () => (await refit(state, models)) && redraw()));
  follow(state, models, redraw);
}

guarded(begin);
