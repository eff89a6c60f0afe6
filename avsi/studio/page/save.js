// Saving a restored version beside the original, and telling where it went.

import { post } from "./api.js";
import { byId, guarded, make, say } from "./dom.js";

export function offerSaving(clip, project, listening) {
  byId("saves-to").textContent = clip.saves_to;
  byId("save-film").hidden = !clip.picture;
  byId("save-film").querySelector("input").checked = Boolean(clip.picture);
  const choices = [...document.getElementsByName("what")];
  const button = byId("save");
  const ready = () => (button.disabled = !listening.result || !choices.some((choice) => choice.checked));
  for (const choice of choices) choice.onchange = ready;
  ready();
  button.onclick = async () => {
    button.disabled = true;
    say("Saving …");
    const what = choices.filter((choice) => choice.checked).map((choice) => choice.value);
    const answer = await guarded(async () => {
      if (!(await project.flush())) return undefined;
      return post(`/api/clips/${clip.id}/save`, { result: listening.result.id, what });
    });
    ready();
    button.focus();
    say(answer ? "Saved." : "");
    for (const { path } of answer?.saved ?? []) byId("saved").append(make("li", {}, path));
  };
}
