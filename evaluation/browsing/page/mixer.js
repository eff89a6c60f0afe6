// Several sounds of one length that play in step, sample for sample: which of them is heard changes without a break.

import { clamp } from "/page/dom.js";

const FADE_S = 0.01;
const AHEAD_S = 0.02; // so that all begin together
const AROUND_S = 0.7;
const TELL_MS = 40;
const DECODED_HZ = 16000; // the rate of an evaluation's sounds, so that decoding changes none

async function fetched(address) {
  const response = await fetch(address);
  if (response.ok) return response.arrayBuffer();
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error || `The server answered ${response.status}`);
}

export class Mixer extends EventTarget {
  heard = 0;
  duration_s = 0;
  playing = false;
  repeats = false;
  #buffers = [];
  #sources = [];
  #gains = [];
  #context = null; // browsers let sound be played only once somebody asks for it
  #from_s = 0;
  #started_s = 0; // on the context's clock
  #part = [0, Infinity]; // what is played: from and to

  constructor() {
    super();
    setInterval(() => this.playing && this.#tell(), TELL_MS);
  }

  /** Fetches sounds; null in the place of one that is missing. What was heard stays, if it is there. */
  async load(addresses) {
    this.pause();
    this.#buffers = [];
    this.#from_s = 0;
    const decoder = new OfflineAudioContext(1, 1, DECODED_HZ);
    const loading = addresses.map(async (address) => address && decoder.decodeAudioData(await fetched(address)));
    this.loading = loading;
    const buffers = await Promise.all(loading);
    if (this.loading !== loading) return false; // others were asked for meanwhile
    this.#buffers = buffers;
    this.duration_s = Math.max(...buffers.map((buffer) => buffer?.duration ?? 0));
    if (!buffers[this.heard]) this.heard = Math.max(0, buffers.findIndex(Boolean));
    this.#tell();
    return true;
  }

  get time_s() {
    if (!this.playing) return this.#from_s;
    const [start_s, end_s] = this.#part;
    const now_s = Math.max(this.#from_s, this.#from_s + this.#context.currentTime - this.#started_s);
    if (!this.repeats || now_s < end_s) return Math.min(now_s, end_s);
    return start_s + ((now_s - start_s) % (end_s - start_s));
  }

  has(index) {
    return Boolean(this.#buffers[index]);
  }

  /** `part`: what is played, and again where it repeats. */
  play(from_s = this.time_s, part = [0, this.duration_s]) {
    if (!this.#buffers.length) return;
    this.pause();
    this.#part = [Math.max(0, part[0]), Math.min(this.duration_s, part[1])];
    this.#context ??= new AudioContext();
    this.#context.resume();
    this.#from_s = from_s >= this.#part[1] - 0.01 ? this.#part[0] : Math.max(0, from_s);
    this.#tell();
    this.#started_s = this.#context.currentTime + AHEAD_S;
    this.#gains = this.#buffers.map((buffer, index) => {
      const gain = this.#context.createGain();
      gain.gain.value = index === this.heard ? 1 : 0;
      gain.connect(this.#context.destination);
      return gain;
    });
    this.#sources = this.#buffers.flatMap((buffer, index) => {
      if (!buffer) return [];
      const source = this.#context.createBufferSource();
      Object.assign(source, { buffer, loop: this.repeats, loopStart: this.#part[0], loopEnd: this.#part[1] });
      source.connect(this.#gains[index]);
      source.start(this.#started_s, this.#from_s);
      return [source];
    });
    this.playing = true;
    this.#tell();
  }

  playAround([start_s, end_s]) {
    this.play(start_s - AROUND_S, [start_s - AROUND_S, end_s + AROUND_S]);
  }

  /** Whether what is played begins again at its end. */
  repeat(on) {
    const { playing, time_s } = this;
    this.pause();
    this.repeats = on;
    if (playing) this.play(time_s, this.#part);
  }

  pause() {
    if (!this.playing) return;
    this.#from_s = this.time_s;
    this.playing = false;
    for (const source of this.#sources) source.stop();
    for (const gain of this.#gains) gain.disconnect();
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(time_s) {
    const playing = this.playing;
    this.pause();
    this.#from_s = clamp(time_s, 0, this.duration_s);
    this.#tell(); // that it is there now, before it plays on
    if (playing) this.play();
  }

  hear(index) {
    if (!this.has(index)) return;
    this.#tell(); // up to here, another one was heard
    this.heard = index;
    if (this.playing) {
      this.#gains.forEach((gain, each) => {
        gain.gain.setTargetAtTime(each === index ? 1 : 0, this.#context.currentTime, FADE_S / 3);
      });
    }
    this.dispatchEvent(new Event("heard"));
  }

  #tell() {
    if (this.playing && !this.repeats && this.time_s >= this.#part[1]) this.pause();
    else this.dispatchEvent(new Event("moved"));
  }
}
