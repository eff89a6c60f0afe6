// Saving a restored version beside the original, and telling where it went.

import { byId, make, say } from "./dom.js";
import { follow, isBusy, run } from "./jobs.js";

export function offerSaving(clip, project, listening) {
  byId("saves-to").textContent = clip.saves_to;
  byId("save-film").hidden = !clip.picture;
  byId("save-film").querySelector("input").checked = Boolean(clip.picture);
  const choices = [...document.getElementsByName("what")];
  const [button, part] = [byId("save"), byId("save-job")];
  const ready = () => (button.disabled = isBusy(part) || !listening.result || !choices.some((choice) => choice.checked));
  for (const choice of choices) choice.onchange = ready;
  project.addEventListener("results", ready);
  const take = async (running) => {
    const answer = await running;
    if (!answer) return;
    button.focus();
    say(["Saved.", ...answer.notes].join(" "));
    for (const { path } of answer.saved) byId("saved").append(make("li", {}, path));
  };
  button.onclick = () => {
    const what = choices.filter((choice) => choice.checked).map((choice) => choice.value);
    take(run(project, "save", { result: listening.result.id, what }, part, button, ready));
  };
  ready();
  if (clip.jobs?.save) take(follow(async () => clip.jobs.save, part, button, ready));
}
