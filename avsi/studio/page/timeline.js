// The clip over time: what is seen of it, how far it is zoomed, its ruler, and the place that is played.

import { byId, clamp, clock } from "./dom.js";

const CLOSEST = 2000; // CSS pixels for a second
const WIDEST_PX = 8e6; // browsers lay out no wider elements reliably
const TICKS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600];
const TICK_PX = 80;
const STEPS_S = { ArrowLeft: -0.1, ArrowRight: 0.1, PageUp: 10, PageDown: -10 };

export class Timeline extends EventTarget {
  px_s = 100; // CSS pixels for a second

  constructor(clip, player) {
    super();
    Object.assign(this, { clip, player });
    this.scroller = byId("scroller");
    this.track = byId("track");
    this.playhead = byId("playhead");
    this.playhead.setAttribute("aria-valuemax", clip.duration_s.toFixed(2));
    this.scroller.onscroll = () => this.#seen();
    this.scroller.onwheel = (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 200), this.timeAt(event.clientX));
    };
    byId("zoom-in").onclick = () => this.zoom(2);
    byId("zoom-out").onclick = () => this.zoom(0.5);
    byId("zoom-all").onclick = () => this.zoom(0);
    byId("ruler").onpointerdown = (event) => this.#drag(event);
    this.playhead.onpointerdown = (event) => this.#drag(event);
    this.playhead.onkeydown = (event) => this.#key(event);
    player.addEventListener("moved", () => this.#follow());
    // What was seen whole stays whole in a wider or narrower window.
    new ResizeObserver(() => this.zoom(this.isWhole ? 0 : 1)).observe(this.scroller);
    this.zoom(0);
  }

  get width() {
    return this.scroller.clientWidth;
  }

  /** What is seen: first and last second. */
  get span() {
    const start = this.scroller.scrollLeft / this.px_s;
    return [start, start + this.width / this.px_s];
  }

  timeAt(clientX) {
    const left = this.track.getBoundingClientRect().left;
    return clamp((clientX - left) / this.px_s, 0, this.clip.duration_s);
  }

  /** Zooms by a factor; 0 shows the whole clip. The time `around` stays where it is seen. */
  zoom(factor, around = this.#middle()) {
    const whole = this.width / this.clip.duration_s;
    const closest = Math.max(whole, Math.min(CLOSEST, WIDEST_PX / this.clip.duration_s));
    const from_left = around * this.px_s - this.scroller.scrollLeft;
    this.px_s = clamp(this.px_s * factor, whole, closest);
    this.isWhole = this.px_s === whole;
    this.track.style.width = `${Math.max(this.width, Math.floor(this.clip.duration_s * this.px_s))}px`;
    this.scroller.scrollLeft = around * this.px_s - from_left;
    this.#seen();
  }

  /** Scrolls so that a stretch is seen, and zooms out if it is longer than what is seen. */
  show(start_s, end_s) {
    const [first, last] = this.span;
    if (start_s >= first && end_s <= last) return;
    const length = end_s - start_s;
    if (length > (last - first) * 0.9) this.zoom(((last - first) * 0.6) / length);
    this.scroller.scrollLeft = ((start_s + end_s) / 2) * this.px_s - this.width / 2;
    this.#seen();
  }

  /** What stays in place while zooming: what has the focus, else the playhead if it is seen. */
  #middle() {
    const [first, last] = this.span;
    const focused = document.activeElement.closest(".region");
    if (focused) return (focused.offsetLeft + focused.offsetWidth / 2) / this.px_s;
    const now = this.player.time_s;
    return now >= first && now <= last ? now : (first + last) / 2;
  }

  #seen() {
    this.#drawRuler();
    this.#placePlayhead();
    this.dispatchEvent(new Event("seen"));
  }

  #drawRuler() {
    const [canvas, context] = sharp(byId("ruler"), this.width);
    const style = getComputedStyle(canvas);
    const [first, last] = this.span;
    const tick = TICKS_S.find((each) => each * this.px_s >= TICK_PX) ?? 7200;
    const digits = tick < 0.1 ? 2 : tick < 1 ? 1 : 0;
    context.fillStyle = style.color;
    context.font = `12px ${style.fontFamily}`;
    for (let number = Math.floor(first / tick); number * tick <= Math.min(last, this.clip.duration_s); number += 1) {
      const x = (number * tick - first) * this.px_s;
      context.fillRect(x, 14, 1, 10);
      for (let part = 1; part < 5; part += 1) context.fillRect(x + (part * tick * this.px_s) / 5, 20, 1, 4);
      context.fillText(clock(number * tick, digits), x + 8, 15); // beside the handle of a playhead that stands here
    }
  }

  #placePlayhead() {
    const now = this.player.time_s;
    this.playhead.style.transform = `translateX(${now * this.px_s}px)`;
    byId("clock").textContent = `${clock(now)} of ${clock(this.clip.duration_s)}`;
    this.playhead.setAttribute("aria-valuenow", now.toFixed(2));
    this.playhead.setAttribute("aria-valuetext", clock(now));
  }

  #follow() {
    this.#placePlayhead();
    const [first, last] = this.span;
    const now = this.player.time_s;
    if (!this.dragging && (now < first || now > last)) {
      this.scroller.scrollLeft = now * this.px_s - (this.player.playing ? 0.1 : 0.5) * this.width;
    }
    if (this.player.playing && !this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = null;
        this.player.dispatchEvent(new Event("moved"));
      });
    }
  }

  #drag(event) {
    if (event.button) return;
    event.preventDefault();
    this.playhead.focus();
    const target = event.currentTarget;
    const move = ({ clientX }) => this.player.seek(this.timeAt(clientX));
    this.dragging = true;
    target.setPointerCapture(event.pointerId);
    target.onpointermove = move;
    target.onlostpointercapture = () => {
      target.onpointermove = null;
      this.dragging = false;
    };
    move(event);
  }

  #key(event) {
    const step = STEPS_S[event.key];
    if (step !== undefined) this.player.seek(this.player.time_s + step * (event.shiftKey ? 10 : 1));
    else if (event.key === "Home") this.player.seek(0);
    else if (event.key === "End") this.player.seek(this.clip.duration_s);
    else return;
    event.preventDefault();
  }
}

/** A canvas of a width in CSS pixels, cleared, that is sharp on this screen; with its context. */
export function sharp(canvas, width) {
  const ratio = window.devicePixelRatio || 1;
  const height = canvas.clientHeight;
  canvas.style.width = `${width}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return [canvas, context, height];
}
