// The film and, in step with it, the restored sound: which of the two is heard changes without a break.

import { clamp, make } from "./dom.js";

const FADE_S = 0.01;
const STEP_MS = 100;
const IN_STEP_S = 0.02; // closer than this two sounds are left alone
const JUMP_S = 0.3; // farther apart than this, the restored sound is moved; else it catches up
const AROUND_S = 0.7;

export class Player extends EventTarget {
  heard = 0; // 0: the original, 1: the restored sound
  film = null;
  #sound = Object.assign(new Audio(), { preload: "auto" });
  #restored = null; // the same, while there is something to compare
  #gains = null;
  #stop_s = null;
  #time_s = 0; // while there is no film to ask

  constructor(clip, screen) {
    super();
    this.clip = clip;
    const kind = clip.picture ? "video" : "audio";
    this.film = make(kind, { controls: true, preload: "auto", "aria-label": clip.name });
    if (clip.picture) Object.assign(this.film, { width: clip.picture.width, height: clip.picture.height, playsInline: true });
    screen.replaceChildren(this.film);
    // The place of the picture is kept while there is only sound to play.
    const shape = (width, height) => screen.style.setProperty("--ratio", width / height);
    if (clip.picture) shape(clip.picture.width, clip.picture.height);
    for (const event of ["play", "pause", "seeking", "ratechange", "waiting", "playing", "volumechange"]) {
      this.film.addEventListener(event, () => this.#follow(event));
    }
    for (const event of ["play", "pause", "seeked", "timeupdate", "ended"]) {
      this.film.addEventListener(event, () => this.#tell());
    }
    this.film.addEventListener("loadedmetadata", () => {
      if (this.film.videoWidth) shape(this.film.videoWidth, this.film.videoHeight);
      if (this.#time_s) this.film.currentTime = this.#time_s;
    });
    setInterval(() => this.#keepStep(), STEP_MS);
  }

  /** `source`: "media", or "sound" while no picture can be shown yet. It goes on where it was. */
  load(source) {
    this.#time_s = this.time_s;
    const playing = this.playing;
    this.film.src = `/api/clips/${this.clip.id}/${source}`;
    if (playing) this.film.play().catch(() => {}); // its error event tells
  }

  get time_s() {
    return this.film.readyState ? this.film.currentTime : this.#time_s;
  }

  seek(time_s) {
    this.#stop_s = null;
    this.#time_s = clamp(time_s, 0, this.clip.duration_s);
    if (this.film.readyState) this.film.currentTime = this.#time_s;
    this.#tell();
  }

  get playing() {
    return !this.film.paused;
  }

  toggle() {
    this.#stop_s = null;
    if (this.playing) this.film.pause();
    else if (this.film.src) this.film.play().catch(() => {}); // ended by a pause, or not loaded: its controls say so
  }

  /** Plays a stretch with a little of what is around it. */
  async playAround(start_s, end_s) {
    this.seek(start_s - AROUND_S);
    this.#stop_s = Math.min(end_s + AROUND_S, this.clip.duration_s);
    if (this.film.src) await this.film.play().catch(() => {});
  }

  /** The restored sound that is compared; null: none. */
  setRestored(address) {
    this.#restored?.pause();
    if (!address) {
      this.#restored = null;
      this.hear(0);
      return;
    }
    this.#restored ??= this.#sound;
    this.#restored.src = address;
    this.#restored.currentTime = this.time_s;
    this.#follow("volumechange");
    this.#follow("ratechange");
    if (this.playing) this.#follow("play");
  }

  hear(which) {
    this.heard = this.#restored ? which : 0;
    this.#gains?.forEach((gain, index) => {
      gain.gain.setTargetAtTime(index === this.heard ? 1 : 0, gain.context.currentTime, FADE_S / 3);
    });
    this.dispatchEvent(new Event("heard"));
  }

  /** Both sounds pass a gain of their own, so that the film's own volume and mute stay the listener's. Browsers let
   * sound be mixed only once somebody plays it.
   */
  #connect() {
    const context = new AudioContext();
    this.#gains = [this.film, this.#sound].map((element, index) => {
      const gain = context.createGain();
      gain.gain.value = index === this.heard ? 1 : 0;
      context.createMediaElementSource(element).connect(gain).connect(context.destination);
      return gain;
    });
  }

  #follow(event) {
    const sound = this.#restored;
    if (!sound) return;
    if (event === "play") {
      if (!this.#gains) this.#connect();
      this.#gains[0].context.resume();
    }
    if (event === "pause" || event === "waiting") sound.pause();
    if (event === "seeking") sound.currentTime = this.film.currentTime;
    if (event === "ratechange") sound.playbackRate = this.film.playbackRate;
    if (event === "volumechange") Object.assign(sound, { volume: this.film.volume, muted: this.film.muted });
    if ((event === "play" || event === "playing") && !this.film.paused) {
      if (Math.abs(sound.currentTime - this.film.currentTime) > IN_STEP_S) sound.currentTime = this.film.currentTime;
      sound.play().catch(() => {}); // a pause came first
    }
  }

  #keepStep() {
    if (this.#stop_s !== null && this.time_s >= this.#stop_s) {
      this.#stop_s = null;
      this.film.pause();
    }
    const sound = this.#restored;
    if (!sound || sound.paused || this.film.paused || sound.seeking || this.film.seeking) return;
    const behind_s = this.film.currentTime - sound.currentTime;
    const faster = Math.abs(behind_s) < IN_STEP_S ? 0 : clamp(behind_s, -0.05, 0.05);
    if (Math.abs(behind_s) > JUMP_S) sound.currentTime = this.film.currentTime;
    else if (sound.playbackRate !== this.film.playbackRate * (1 + faster)) {
      sound.playbackRate = this.film.playbackRate * (1 + faster);
    }
  }

  #tell() {
    this.dispatchEvent(new Event("moved"));
  }
}
