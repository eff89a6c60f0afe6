// A listening test as its listener meets it: a name, one trial after the other, and the end.

import { get, post } from "/page/api.js";
import { byId, guarded, say, warn } from "/page/dom.js";
import { offerKeys } from "/page/keys.js";
import { Mixer } from "./mixer.js";
import { Pair } from "./pair.js";
import { Scale } from "./scale.js";
import { offerTransport } from "./transport.js";

const KINDS = { pairs: Pair, mushra: Scale };
const CALLED = { pairs: "which of two sounds better", mushra: "ratings from 0 to 100" };
const LISTENER = "listener"; // of the last test, so that a reload goes on
const DRAFT = "draft"; // what is chosen in a trial, until it is answered
const mixer = new Mixer();
const setGaps = offerTransport(mixer);
let shown = null;

const show = (part) => ["welcome", "trial", "end"].forEach((each) => (byId(each).hidden = each !== part));

/** Where a listener begins, or begins again. */
function welcome(listener) {
  byId("progress").textContent = "";
  show("welcome");
  byId("listener").value = listener;
  byId("listener").focus();
}

async function next(test, listener) {
  const asked = await guarded(() => post(`/api/listening/${encodeURIComponent(test)}/trial`, { listener }));
  if (!asked) return welcome(listener);
  sessionStorage.setItem(LISTENER, JSON.stringify([test, listener]));
  const { kind, trial, trials, rated } = asked;
  byId("progress").textContent = trial === null ? `${trials} of ${trials}` : `Trial ${rated + 1} of ${trials}`;
  if (trial === null) {
    mixer.pause();
    sessionStorage.removeItem(LISTENER); // the next listener may have this page
    show("end");
    byId("end-title").focus();
    return undefined;
  }
  setGaps(asked.gaps);
  const addresses = [...(asked.reference ? [asked.reference] : []), ...asked.sounds].map((id) => `/api/listening/sounds/${id}`);
  mixer.heard = 0;
  const loaded = await guarded(() => mixer.load(addresses));
  if (loaded === undefined) return welcome(listener); // not with the answers to another trial
  if (!loaded) return undefined;
  show("trial");
  const [drafted, values] = JSON.parse(sessionStorage.getItem(DRAFT) ?? "[]");
  const here = `${test} ${asked.listener} ${trial}`;
  const draft = drafted === here ? values : [];
  const keep = (now) => sessionStorage.setItem(DRAFT, JSON.stringify([here, now]));
  const answer = async (ratings) => {
    byId("answers").inert = true;
    const kept = await guarded(() => post(`/api/listening/${encodeURIComponent(test)}/ratings`, { listener, trial, ratings }));
    if (kept) {
      sessionStorage.removeItem(DRAFT);
      warn("");
      say("Your answer is kept.");
      await next(test, listener);
    }
    byId("answers").inert = false;
  };
  shown = new KINDS[kind]({ mixer, gaps: asked.gaps, count: asked.sounds.length, draft, keep, answer });
  byId("question").focus();
  return undefined;
}

async function begin() {
  const tests = await get("/api/listening");
  const wanted = decodeURIComponent(location.hash.slice(1));
  const label = ({ name, kind }) => (tests.filter((each) => each.kind === kind).length > 1 ? `${CALLED[kind]} (${name})` : CALLED[kind]);
  byId("test").replaceChildren(...tests.map((test) => new Option(label(test), test.name, false, test.name === wanted)));
  byId("test").parentElement.hidden = tests.length < 2;
  byId("begin").onsubmit = (event) => {
    event.preventDefault();
    warn("");
    next(byId("test").value, byId("listener").value.trim());
  };
  byId("another").onclick = () => welcome("");
  const keys = { Space: () => mixer.toggle(), g: () => byId("play-gap").click(), 0: () => shown?.pressed(0) };
  for (let number = 1; number <= 9; number += 1) keys[number] = () => shown?.pressed(number);
  offerKeys(keys, [
    ["Space", "play, pause"],
    ["1, 2, ...", "play this sound, at the same position"],
    ["0", "play the original, where there is one"],
    ["g", "play around the gap"],
    ["?", "this list"],
  ]);
  if (!tests.length) return warn("There is no listening test yet; it is drawn on the evaluation's page.");
  const [test, listener] = JSON.parse(sessionStorage.getItem(LISTENER) ?? "[]");
  const same = tests.some(({ name }) => name === test) && (!wanted || wanted === test);
  if (same && listener) return next(test, listener);
  return welcome("");
}

guarded(begin);
