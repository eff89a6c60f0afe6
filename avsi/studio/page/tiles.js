// Waveform and spectrogram of what is seen: tiles that the server draws, and no others.

import { get } from "./api.js";
import { byId, make, warn } from "./dom.js";
import { sharp } from "./timeline.js";

const ASK_AFTER_MS = 100;
const TILE_PX = 512;
const HEIGHT_PX = 192;
const SOFTEST = 0.02; // of full scale; what is softer is not drawn louder
const KEPT = 60; // tiles of peaks, and pictures outside of what is seen

export class Tiles {
  #peaks = new Map(); // by address: {low, high}, or null while they are fetched
  #drawn = new Map(); // what is seen: peaks by their stretch
  #result = null;
  #known = NaN; // how much of the sound the server has read, 0 to 1
  #gain = 1; // so that the loudest of the original fills the height, also of a soft recording

  constructor(clip, timeline) {
    Object.assign(this, { clip, timeline });
    this.pictures = byId("tiles");
    this.pictures.replaceChildren();
    timeline.addEventListener("seen", () => this.draw());
    this.draw();
  }

  /** Shows a result in the place of the original (null). */
  setResult(result) {
    if (result === this.#result) return;
    this.#result = result;
    this.draw();
  }

  /** How much of the sound is read, 0 to 1: pictures of less are asked for again. */
  setKnown(share) {
    if (share === this.#known) return;
    this.#known = share;
    this.#measure();
    this.draw();
  }

  draw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.#place();
      this.#drawWave();
    });
    // While one zooms or scrolls fast, most of what passes is not worth drawing.
    this.asking ??= setTimeout(() => {
      this.asking = null;
      this.#ask();
    }, ASK_AFTER_MS);
  }

  /** Tiles of what is seen: a number of pixels per second that is a power of two, so that zooming asks for few. */
  #tiles(ratio) {
    const { px_s, span: [first, last] } = this.timeline;
    const level = 2 ** Math.ceil(Math.log2(px_s * ratio) - 0.3);
    const length = TILE_PX / level;
    const stop = Math.min(last, this.clip.duration_s);
    const tiles = [];
    for (let number = Math.floor(first / length); number * length < stop; number += 1) {
      tiles.push({ start: number * length, end: (number + 1) * length });
    }
    return tiles;
  }

  #address(what, { start, end }, more) {
    const result = this.#result === null ? "" : `&result=${encodeURIComponent(this.#result)}`;
    const known = this.#known < 1 ? `&known=${this.#known}` : "";
    return `/api/clips/${this.clip.id}/${what}?start=${start}&end=${end}&${more}${result}${known}`;
  }

  /** What is seen: pictures by their addresses. */
  #seen() {
    const ratio = window.devicePixelRatio > 1.3 ? 2 : 1;
    const more = `width=${TILE_PX}&height=${HEIGHT_PX * ratio}&dark=1`; // as all pictures of sound are, on all pages
    return new Map(this.#tiles(ratio).map((tile) => [this.#address("spectrogram", tile, more), tile]));
  }

  #ask() {
    for (const tile of this.#tiles(1)) {
      const address = this.#address("peaks", tile, `n=${TILE_PX}`);
      if (!this.#peaks.has(address)) this.#fetch(address);
    }
    const there = new Set([...this.pictures.children].map((image) => image.dataset.address));
    for (const [address, tile] of this.#seen()) {
      if (there.has(address)) continue;
      const image = make("img", { alt: "", draggable: false });
      Object.assign(image.dataset, { address, start: tile.start, end: tile.end });
      image.onload = () => {
        image.dataset.loaded = "";
        this.draw();
      };
      image.onerror = () => image.remove();
      image.src = address;
      this.pictures.append(image);
    }
    this.#place();
  }

  #place() {
    const { px_s } = this.timeline;
    const seen = this.#seen();
    // Those of another zoom or sound stay below until all that is seen is there.
    const images = [...this.pictures.children];
    const loaded = new Set(images.filter((image) => "loaded" in image.dataset).map((image) => image.dataset.address));
    const complete = [...seen.keys()].every((address) => loaded.has(address));
    for (const image of images) {
      if (!seen.has(image.dataset.address) && (complete || !("loaded" in image.dataset))) image.remove();
      image.style.left = `${image.dataset.start * px_s}px`;
      image.style.width = `${(image.dataset.end - image.dataset.start) * px_s + 1}px`; // over the seam to the next
    }
  }

  #drawWave() {
    const { px_s, span: [first], width } = this.timeline;
    const [canvas, context, height] = sharp(byId("wave"), width);
    context.fillStyle = getComputedStyle(canvas).color;
    context.fillRect(0, height / 2, width, 1);
    const drawn = new Map();
    for (const tile of this.#tiles(1)) {
      const address = this.#address("peaks", tile, `n=${TILE_PX}`);
      // While a sound is new, the one before it is nearly the same: versions differ in their gaps alone.
      const peaks = this.#peaks.get(address) ?? this.#drawn.get(`${tile.start} ${tile.end}`);
      if (peaks) drawn.set(`${tile.start} ${tile.end}`, peaks);
      const step = ((tile.end - tile.start) * px_s) / TILE_PX;
      peaks?.low.forEach((low, index) => {
        const x = (tile.start - first) * px_s + index * step;
        const top = (height / 2) * (1 - this.#gain * peaks.high[index]);
        context.fillRect(x, top, step, Math.max(1, (height / 2) * (1 - this.#gain * low) - top));
      });
    }
    this.#drawn = drawn;
  }

  async #measure() {
    try {
      const { low, high } = await get(`/api/clips/${this.clip.id}/peaks?start=0&end=${this.clip.duration_s}&n=${TILE_PX}`);
      const loudest = Math.max(...high, ...low.map((each) => -each));
      this.#gain = 0.95 / Math.max(loudest, SOFTEST);
      this.draw();
    } catch {
      // The tiles tell what is wrong.
    }
  }

  async #fetch(address) {
    if (this.#peaks.size > KEPT) this.#peaks.delete(this.#peaks.keys().next().value);
    this.#peaks.set(address, null);
    try {
      this.#peaks.set(address, await get(address));
      this.draw();
    } catch (error) {
      warn(error.message);
    }
  }
}
