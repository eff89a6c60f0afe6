// Gaps over the pictures: drawn, moved and resized by pointer, nudged by keys.

import { byId, clamp, clock, make, rounded, say } from "./dom.js";
import { newKey } from "./project.js";

const SHORTEST_S = 0.01;
const NEW_S = 0.4;
const NUDGE_S = 0.01;
const CLICK_PX = 4; // a pointer that moves less than this has clicked

/** What a gap is, in words: "gap from 1.20 s to 2.00 s, silence, sure 0.97". */
export function named(gap) {
  const kind = gap.kind ? `, ${gap.kind}` : "";
  const sure = gap.sure === null || gap.sure === undefined ? "" : `, sure ${gap.sure.toFixed(2)}`;
  return `gap from ${gap.start_s.toFixed(2)} s to ${gap.end_s.toFixed(2)} s${kind}${sure}${gap.repair ? "" : ", not repaired"}`;
}

export class Regions extends EventTarget {
  chosen = null; // the key of a gap

  constructor(project, timeline, player) {
    super();
    Object.assign(this, { project, timeline, player });
    this.place = byId("regions");
    this.place.replaceChildren();
    byId("sound").onpointerdown = (event) => this.#begin(event);
    byId("sound").ondblclick = ({ clientX, clientY }) => {
      // A pointer that is held belongs to the whole, and so do its clicks.
      const region = document.elementFromPoint(clientX, clientY)?.closest(".region");
      if (region) this.#play(Number(region.dataset.key));
    };
    byId("add-gap").onclick = () => this.add(player.time_s, player.time_s + NEW_S);
    project.addEventListener("change", () => this.draw());
    timeline.addEventListener("seen", () => this.draw());
    this.draw();
  }

  gap(key) {
    return this.project.state.gaps.find((gap) => gap.key === key);
  }

  choose(key, { focus = false, show = false } = {}) {
    this.chosen = key;
    this.draw();
    const gap = this.gap(key);
    if (show && gap) this.timeline.show(gap.start_s, gap.end_s);
    if (focus) this.place.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
    this.dispatchEvent(new Event("chosen"));
  }

  /** A new gap, kept inside the clip, chosen and focused. */
  add(start_s, end_s) {
    const length = Math.min(Math.max(end_s - start_s, SHORTEST_S), this.timeline.clip.duration_s);
    const start = rounded(clamp(start_s, 0, this.timeline.clip.duration_s - length));
    const gap = { start_s: start, end_s: rounded(start + length), kind: null, sure: null, seen_by: null, repair: true, key: newKey() };
    this.project.change((state) => {
      state.gaps.push(gap);
      state.gaps.sort((one, other) => one.start_s - other.start_s);
    });
    this.choose(gap.key, { focus: true, show: true });
    say(`New ${named(gap)}.`);
  }

  /** Sets one or both ends; a gap stays inside the clip and keeps its shortest length. */
  move(key, { start_s, end_s }, what = null) {
    this.project.change(() => this.#set(this.gap(key), start_s, end_s), what && `${what} ${key}`);
  }

  remove(key) {
    const gaps = this.project.state.gaps;
    const index = gaps.findIndex((gap) => gap.key === key);
    const removed = gaps[index];
    this.project.change((state) => state.gaps.splice(index, 1));
    const next = this.project.state.gaps[Math.min(index, gaps.length - 1)];
    this.choose(next?.key ?? null, { focus: true });
    if (!next) byId("playhead").focus({ preventScroll: true });
    say(`Removed ${named(removed)}.`);
  }

  draw() {
    const { px_s, span: [first, last] } = this.timeline;
    const { gaps } = this.project.state;
    const focused = document.activeElement;
    const there = new Map([...this.place.children].map((region) => [Number(region.dataset.key), region]));
    if (!this.gap(this.chosen)) this.chosen = gaps[0]?.key ?? null;
    const seen = gaps.filter((gap) => gap.key === this.chosen || (gap.end_s >= first && gap.start_s <= last));
    const regions = seen.map((gap) => {
      const region = there.get(gap.key) ?? this.#region(gap.key);
      const chosen = gap.key === this.chosen;
      region.style.left = `${gap.start_s * px_s}px`;
      region.style.width = `${(gap.end_s - gap.start_s) * px_s}px`;
      region.setAttribute("aria-label", named(gap));
      region.tabIndex = chosen ? 0 : -1;
      region.classList.toggle("chosen", chosen);
      region.classList.toggle("left", !gap.repair);
      for (const edge of region.children) {
        edge.tabIndex = chosen ? 0 : -1;
        const time = gap[`${edge.dataset.edge}_s`];
        edge.setAttribute("aria-valuenow", time.toFixed(3));
        edge.setAttribute("aria-valuetext", clock(time));
      }
      return region;
    });
    const same = regions.length === this.place.children.length && regions.every((each, index) => each === this.place.children[index]);
    if (same) return;
    this.place.replaceChildren(...regions);
    if (focused !== document.activeElement && this.place.contains(focused)) focused.focus({ preventScroll: true });
  }

  #region(key) {
    const region = make("div", { className: "region", role: "group", "data-key": key, "aria-describedby": "region-hint" });
    for (const [edge, name] of [["start", "Start of the gap"], ["end", "End of the gap"]]) {
      const handle = make("span", { className: `edge ${edge}`, role: "slider", "aria-label": name, "data-edge": edge });
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", this.timeline.clip.duration_s.toFixed(3));
      region.append(handle);
    }
    region.onfocus = () => key !== this.chosen && this.choose(key);
    region.onkeydown = (event) => this.#key(event, key);
    return region;
  }

  #set(gap, start_s = gap.start_s, end_s = gap.end_s) {
    const duration = this.timeline.clip.duration_s;
    if (end_s === gap.end_s) gap.start_s = rounded(clamp(start_s, 0, Math.max(0, end_s - SHORTEST_S)));
    else if (start_s === gap.start_s) gap.end_s = rounded(clamp(end_s, start_s + SHORTEST_S, duration));
    else {
      const length = clamp(end_s - start_s, SHORTEST_S, duration);
      gap.start_s = rounded(clamp(start_s, 0, duration - length));
      gap.end_s = rounded(gap.start_s + length);
    }
  }

  #play(key) {
    const gap = this.gap(key);
    this.player.playAround(gap.start_s, gap.end_s);
  }

  #key(event, key) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const gap = this.gap(key);
    const edge = event.target.dataset.edge;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] * NUDGE_S * (event.shiftKey ? 10 : 1);
    const other = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step && edge) this.move(key, { [`${edge}_s`]: gap[`${edge}_s`] + step }, edge);
    else if (step) this.move(key, { start_s: gap.start_s + step, end_s: gap.end_s + step }, "nudge");
    else if (other) this.step(other);
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(key);
    else if (event.key === "Enter") this.#play(key);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (step) this.timeline.show(gap.start_s, gap.end_s);
  }

  /** Chooses the gap before (-1) or after (1) the chosen one. */
  step(by) {
    const { gaps } = this.project.state;
    const index = gaps.findIndex((gap) => gap.key === this.chosen);
    const gap = gaps[clamp(index + by, 0, gaps.length - 1)];
    if (gap) this.choose(gap.key, { focus: true, show: true });
  }

  /** A pointer goes down: on an edge, on a gap, or on empty space, where it draws a new one. */
  #begin(event) {
    if (event.button || !event.isPrimary) return;
    const region = event.target.closest(".region");
    if (!region && event.pointerType === "touch") {
      // There a drag scrolls; a tap moves the playhead, and a button adds a gap.
      byId("sound").onclick = ({ clientX }) => {
        byId("sound").onclick = null;
        this.player.seek(this.timeline.timeAt(clientX));
      };
      return;
    }
    event.preventDefault();
    const key = region ? Number(region.dataset.key) : null;
    if (region) this.choose(key, { focus: true });
    this.#drag(event, key, event.target.dataset.edge);
  }

  #drag(event, key, edge) {
    const sound = byId("sound");
    const from = this.timeline.timeAt(event.clientX);
    const before = key === null ? null : { ...this.gap(key) };
    const ghost = make("div", { className: "region chosen ghost" });
    let far = false;
    let now = from;
    this.timeline.dragging = true;
    sound.setPointerCapture(event.pointerId);
    sound.onpointermove = (moved) => {
      far ||= Math.abs(moved.clientX - event.clientX) >= CLICK_PX;
      if (!far) return;
      now = this.timeline.timeAt(moved.clientX);
      if (key === null) {
        this.place.append(ghost);
        ghost.style.left = `${Math.min(from, now) * this.timeline.px_s}px`;
        ghost.style.width = `${Math.abs(now - from) * this.timeline.px_s}px`;
        return;
      }
      const gap = this.gap(key);
      if (gap) Object.assign(gap, before) && this.#set(gap, ...this.#moved(before, edge, now - from));
      this.project.preview();
    };
    sound.onlostpointercapture = () => {
      sound.onpointermove = null;
      sound.onlostpointercapture = null;
      this.timeline.dragging = false;
      ghost.remove();
      if (!far && key === null) this.player.seek(from);
      else if (far && key === null) this.add(Math.min(from, now), Math.max(from, now));
      else if (far && this.gap(key)) {
        Object.assign(this.gap(key), before);
        const [start_s, end_s] = this.#moved(before, edge, now - from);
        this.move(key, { start_s, end_s });
      }
    };
  }

  #moved(gap, edge, by_s) {
    return [gap.start_s + (edge === "end" ? 0 : by_s), gap.end_s + (edge === "start" ? 0 : by_s)];
  }
}
