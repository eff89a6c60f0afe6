// The 68 points of the face that the model sees, drawn over the film.

import { finished, get, pause } from "./api.js";
import { byId, make, warner } from "./dom.js";

const PART_S = 10;
const AGAIN_MS = 3000; // where changes are not with the server yet
const SHOWN_S = 0.12; // a frame's points stay no longer than this without a next one
// As avsi.pages.overlay draws them: first and last point, whether the line is closed, its colour.
const LINES = [
  [0, 17, false, "#fff"], [17, 22, false, "#ffdc00"], [22, 27, false, "#ffdc00"], [27, 31, false, "#00dcff"],
  [31, 36, false, "#00dcff"], [36, 42, true, "#0f0"], [42, 48, true, "#0f0"], [48, 60, true, "#ff3c78"], [60, 68, true, "#ff3c78"],
];

export class Landmarks {
  #parts = new Map(); // by number: frames, or null while they are fetched; of another face, another map
  #shown = false;
  #complain = warner();

  constructor(clip, player, screen, project) {
    Object.assign(this, { clip, player, project });
    this.face = project.state.face;
    project.addEventListener("change", () => this.#renew());
    this.canvas = make("canvas", { className: "face", width: clip.picture.width, height: clip.picture.height, "aria-hidden": "true" });
    screen.append(this.canvas);
    player.addEventListener("moved", () => this.draw());
    byId("landmarks").onchange = ({ target }) => {
      this.#shown = target.checked;
      this.draw();
    };
  }

  /** Another of several faces was chosen: it is looked for at once, which tells if it is not there. */
  #renew() {
    const { face } = this.project.state;
    if (face === this.face) return;
    this.face = face;
    this.#parts = new Map();
    this.#complain("");
    byId("landmarks-state").textContent = "";
    if (face !== null && !this.#shown) this.#fetch(Math.floor(this.player.time_s / PART_S));
    this.draw();
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.#shown) return;
    const now = this.player.time_s;
    const number = Math.floor(now / PART_S);
    if (!this.#parts.has(number)) this.#fetch(number);
    const before = (this.#parts.get(number) ?? []).filter((frame) => frame.time_s <= now + 0.001).at(-1);
    if (!before?.points?.[0] || before.points[0][0] === null || now - before.time_s > SHOWN_S) return;
    context.lineWidth = Math.max(1, this.canvas.height / 200);
    for (const [first, stop, closed, colour] of LINES) {
      context.strokeStyle = colour;
      context.beginPath();
      for (const [x, y] of before.points.slice(first, stop)) context.lineTo(x, y);
      if (closed) context.closePath();
      context.stroke();
    }
  }

  async #fetch(number) {
    const parts = this.#parts;
    const isOld = () => parts !== this.#parts;
    parts.set(number, null);
    const end = Math.min((number + 1) * PART_S, this.clip.duration_s);
    const address = `/api/clips/${this.clip.id}/landmarks?start=${number * PART_S}&end=${end}`;
    const state = byId("landmarks-state");
    let notes = []; // such as of several faces
    try {
      // The server looks at the face that it knows of.
      while (!(await this.project.flush()) && !isOld()) await pause(AGAIN_MS);
      if (isOld()) return;
      let answer = await get(address);
      if (answer.job) {
        ({ notes } = await finished(answer.job, () => isOld() || (state.textContent = "Looking for the face …")));
        if (!isOld()) answer = await get(address);
      }
      if (isOld()) return;
      parts.set(number, answer.frames ?? []);
      const isSeen = answer.frames?.some(({ points }) => points[0] && points[0][0] !== null);
      state.textContent = isSeen ? notes.join(" ") : "No face was found here.";
      this.draw();
    } catch (error) {
      if (isOld()) return;
      state.textContent = "";
      this.#complain(error.message);
    }
  }
}
