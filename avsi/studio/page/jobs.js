// Long work, shown while it runs: a bar, what is done, the time left, and a way to end it.

import { finished, post, request } from "./api.js";
import { byId, say, unwarn, warn } from "./dom.js";

let failure = ""; // of the last one: the next takes it back, and no other warning

function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 1 ? ", almost done" : `, ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} left`;
}

/** Shows how far it is: `part` is the element with class job, progress 0 to 1 or null. */
export function show(part, { progress, step = "", left_s: left }) {
  const bar = part.querySelector("progress");
  if (progress === null || progress === undefined) bar.removeAttribute("value");
  else bar.value = progress;
  part.querySelector(".step").textContent = `${step}${timeLeft(left)}`;
}

/** Tells a screen reader what is being done, and each quarter of it. */
function announce({ progress, step }) {
  const quarter = Math.floor(4 * (progress ?? 0)) * 25;
  const text = step && (quarter ? `${step}, ${quarter} %` : step);
  if (byId("progress-told").textContent !== text) byId("progress-told").textContent = text;
}

/** Starts a job by a POST and shows it in `part` until it ends; its result, or undefined if it failed or was ended. */
export function run(path, body, part, starter) {
  return follow(async () => (await post(path, body)).job, part, starter);
}

/** As `run`, for a job that is under way already: `begun` promises its id. */
export async function follow(begun, part, starter) {
  const cancel = part.querySelector(".cancel");
  unwarn(failure);
  starter.disabled = true;
  try {
    const job = await begun();
    show(part, { progress: null, step: "Waiting" });
    part.hidden = false;
    cancel.onclick = () => request("DELETE", `/api/jobs/${job}`).catch((error) => warn(error.message));
    return await finished(job, (now) => {
      show(part, now);
      announce(now);
    });
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled.");
    else warn((failure = error.message));
    return undefined;
  } finally {
    byId("progress-told").textContent = "";
    const focused = part.contains(document.activeElement);
    part.hidden = true;
    starter.disabled = false;
    if (focused) starter.focus();
  }
}
