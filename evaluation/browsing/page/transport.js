// What one plays sounds with: play, play around the gap, again and again, and the position. Both pages have the same elements for it.

import { byId, clock } from "/page/dom.js";

/** Joins the mixer to the page; returns how the gaps of what is played are told. */
export function offerTransport(mixer) {
  let gaps = [];
  byId("play").onclick = () => mixer.toggle();
  byId("play-gap").onclick = () => gaps.length && mixer.playAround([gaps[0][0], gaps.at(-1)[1]]);
  byId("repeat").onchange = ({ target }) => mixer.repeat(target.checked);
  mixer.repeats = byId("repeat").checked;
  byId("position").oninput = ({ target }) => mixer.seek(target.valueAsNumber);
  mixer.addEventListener("moved", () => {
    byId("play").textContent = mixer.playing ? "Pause" : "Play";
    byId("clock").textContent = `${clock(mixer.time_s)} of ${clock(mixer.duration_s)}`;
    byId("position").max = mixer.duration_s;
    byId("position").value = mixer.time_s;
    byId("position").setAttribute("aria-valuetext", clock(mixer.time_s));
  });
  return (now) => {
    gaps = now;
    byId("play-gap").textContent = gaps.length > 1 ? "Play around the gaps" : "Play around the gap";
  };
}
