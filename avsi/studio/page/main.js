// Opens the clip that the address names, and joins the parts of the page.

import { GONE, get, pause, post } from "./api.js";
import { byId, clock, guarded, inform, unwarn, warn } from "./dom.js";
import { offerKeys, WITHOUT_CLIP } from "./keys.js";
import { Landmarks } from "./landmarks.js";
import { Listening } from "./listen.js";
import { Marking } from "./marking.js";
import { offerOpening, visit } from "./opening.js";
import { Player } from "./player.js";
import { Project } from "./project.js";
import { Regions } from "./regions.js";
import { Restoring } from "./restore.js";
import { offerSaving } from "./save.js";
import { Saying } from "./say.js";
import { Table } from "./table.js";
import { Tiles } from "./tiles.js";
import { Timeline } from "./timeline.js";
import { Words } from "./words.js";

const ASK_AGAIN_MS = 1000;
const STILL_THERE_MS = 5000;

function introduce(clip, clips) {
  const { picture } = clip;
  const facts = [clip.name, clock(clip.duration_s), `${clip.rate / 1000} kHz`, clip.channels === 1 ? "mono" : `${clip.channels} channels`];
  if (picture) facts.push(`${picture.width} × ${picture.height}, ${Number(picture.fps.toFixed(2))} frames a second`);
  document.title = `${clip.name}: avsi studio`;
  byId("about-clip").textContent = facts.join(" · ");
  byId("clip-actions").hidden = false;
  byId("clip-choice").hidden = clips.length < 2;
  byId("clips").replaceChildren(...clips.map(({ id, name }) => new Option(name, id, false, id === clip.id)));
  byId("face-lines").hidden = !picture;
  byId("landmarks").checked = false;
  if (clip.note) inform(clip.note);
}

const share = (progress) => (progress ? ` (${Math.round(100 * progress)} %)` : "");

/** What the server is still reading, or making for this browser: asked again until it is there. */
async function prepare(clip, player, tiles) {
  const told = byId("preview");
  let loaded = null; // "original", "copy", or "sound" while there is no picture to show
  let unplayable = ""; // why neither the original nor its copy is shown
  let asked = false; // for a copy, of what the browser does not play
  let wake = () => {};
  player.film.addEventListener("error", async () => {
    const failing = loaded;
    if (failing === "sound") return;
    asked = true;
    const answer = await guarded(() => post(`/api/clips/${clip.id}/preview`)); // refused where the file is gone
    if (!answer) unplayable = "The clip cannot be played.";
    else if (failing === "copy") unplayable = "This browser can play neither the clip nor the copy that was made for it. Its sound can be played and marked all the same.";
    wake();
  });
  for (let now = clip; ; now = (await guarded(() => get(`/api/clips/${clip.id}`))) ?? now) {
    const { state, progress, error } = now.preview;
    let source = now.media === "original" ? "original" : state === "ready" ? "copy" : "sound";
    if (unplayable) source = "sound";
    if (source !== loaded) player.load(source === "sound" ? "sound" : "media");
    loaded = source;
    const reading = now.sound?.state === "reading";
    const copying = !unplayable && state !== "failed" && (source === "sound" || (source === "original" && asked));
    told.hidden = !unplayable && state !== "failed" && !copying && !reading;
    if (unplayable) told.textContent = unplayable;
    else if (state === "failed") told.textContent = `The picture cannot be shown: ${error}`;
    else if (copying) told.textContent = `A copy that this browser can show is being made${share(progress)}. The sound can be played and marked already.`;
    else told.textContent = `The sound is being read${share(now.sound?.progress)}: its pictures are not complete yet.`;
    if (now.sound?.state === "failed") warn(now.sound.error);
    // A picture of an hour is work for the server: five are enough while it reads.
    tiles.setKnown(reading ? Math.floor(5 * (now.sound.progress ?? 0)) / 5 : 1);
    if (!reading && !copying) await new Promise((resolve) => (wake = resolve));
    else await pause(ASK_AGAIN_MS);
  }
}

function work(clip, clips) {
  introduce(clip, clips);
  byId("work").hidden = false;
  const screen = byId("screen");
  const project = new Project(clip);
  const player = new Player(clip, screen);
  if (clip.picture) new Landmarks(clip, player, screen, project);
  const timeline = new Timeline(clip, player);
  const tiles = new Tiles(clip, timeline);
  const regions = new Regions(project, timeline, player);
  const table = new Table(project, regions);
  new Words(project, timeline, player, regions);
  const marking = new Marking(project, regions);
  const restoring = new Restoring(project, clips);
  const listening = new Listening(project, player, tiles, table);
  offerSaving(clip, project, listening);
  new Saying(project, player, listening);
  restoring.addEventListener("restored", ({ detail }) => {
    listening.take(detail);
    listening.awaitQuality();
  });
  for (const play of document.querySelectorAll(".play")) {
    play.onclick = () => player.toggle();
    player.addEventListener("moved", () => (play.textContent = player.playing ? "Pause" : "Play"));
  }
  byId("clips").onchange = async ({ target }) => {
    if (await project.flush()) visit(target.value);
    else target.value = clip.id;
  };
  offerKeys({
    Space: () => player.toggle(), b: () => listening.toggle(), g: () => byId("add-gap").click(),
    r: () => byId("restore").click(), "+": () => timeline.zoom(2), "=": () => timeline.zoom(2),
    "-": () => timeline.zoom(0.5), 0: () => timeline.zoom(0),
    "Ctrl+z": () => project.undo(), "Ctrl+Shift+z": () => project.redo(), "Ctrl+y": () => project.redo(),
  });
  // A tab that is left may never come back; one that comes back may not be the newest.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) project.flush({ keepalive: true });
    else guarded(() => project.refresh());
  });
  prepare(clip, player, tiles);
  return { read: (file) => marking.read(file), leave: () => project.flush() };
}

/** The desk with the clip, as `offerOpening` takes it; null without one. */
async function begin() {
  const clips = await get("/api/clips");
  const wanted = clips.find(({ id }) => id === location.hash.slice(1)) ?? clips[0];
  if (wanted) return work(await get(`/api/clips/${wanted.id}`), clips);
  byId("opening").hidden = false;
  offerKeys({}, WITHOUT_CLIP);
  return null;
}

/** Tells within seconds when the server has ended, and when it is back. */
async function watch() {
  for (let gone = false; ;) {
    await pause(STILL_THERE_MS);
    if (document.hidden) continue;
    const isGone = await get("/api/clips").then(() => false, (error) => !error.status);
    if (isGone && !gone) warn(GONE);
    if (gone && !isGone) unwarn(GONE);
    gone = isGone;
  }
}

offerOpening(guarded(begin));
watch();
