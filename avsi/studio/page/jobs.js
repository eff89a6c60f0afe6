// Long work, shown while it runs: a bar, what is done, the time left, and a way to end it.

import { finished, post, request } from "./api.js";
import { byId, say, warn, warner } from "./dom.js";

const fail = warner(); // each job takes back the failure of the last one

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

/** Whether a job is shown in `part`, or about to begin. */
export const isBusy = (part) => !part.hidden;

/** Does `what` with a project's clip once all changes are with the server, as a job that is shown in `part` until it ends;
 * its result, or undefined if it failed, was ended, or the changes could not be kept. `ready` enables and disables what
 * starts it, by `isBusy`; `starter` gets the focus back from Cancel.
 */
export function run(project, what, body, part, starter, ready) {
  const path = `/api/clips/${project.clip.id}/${what}`;
  return follow(async () => (await project.flush()) && (await post(path, body)).job, part, starter, ready);
}

/** As `run`, for a job that is under way already: `begun` promises its id. */
export async function follow(begun, part, starter, ready) {
  const cancel = part.querySelector(".cancel");
  fail("");
  show(part, { progress: null, step: "Waiting" });
  cancel.disabled = true; // until there is something to cancel
  part.hidden = false;
  ready();
  try {
    const job = await begun();
    if (!job) return undefined;
    cancel.disabled = false;
    cancel.onclick = () => request("DELETE", `/api/jobs/${job}`).catch((error) => warn(error.message));
    return await finished(job, (now) => {
      show(part, now);
      announce(now);
    });
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled.");
    else fail(error.message);
    return undefined;
  } finally {
    byId("progress-told").textContent = "";
    const focused = part.contains(document.activeElement);
    part.hidden = true;
    ready();
    if (focused) starter.focus();
  }
}
