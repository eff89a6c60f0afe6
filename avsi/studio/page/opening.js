// Opening a clip: dropped anywhere on the page, or chosen. Dropped labels are read into the open one.

import { upload } from "./api.js";
import { byId, guarded } from "./dom.js";
import { show } from "./jobs.js";

/** Another clip is a fresh page: nothing of the one before stays. */
export function visit(id) {
  location.hash = id;
  location.reload();
}

/** `begun` promises the desk, once it is known whether a clip is open: its `read` takes dropped labels, and `leave` keeps
 * what is not yet kept and tells if it is. A file may be chosen earlier.
 */
export function offerOpening(begun) {
  const open = async (file) => {
    const part = byId("upload");
    const ending = new AbortController();
    const progress = (share) => show(part, { progress: share < 1 ? share : null, step: share < 1 ? `Reading ${file.name}` : "Opening" });
    const wasHidden = byId("opening").hidden;
    byId("opening").hidden = false;
    part.hidden = false;
    part.querySelector(".cancel").onclick = () => ending.abort();
    progress(0);
    const clip = await guarded(() => upload(`/api/clips?name=${encodeURIComponent(file.name)}`, file, progress, ending.signal));
    part.hidden = true;
    byId("file").value = "";
    if (!clip) byId("opening").hidden = wasHidden; // the warning tells
    if (!clip) return;
    const desk = await begun;
    if (!desk || (await desk.leave())) visit(clip.id);
  };
  byId("file").onchange = ({ target }) => target.files[0] && open(target.files[0]);
  byId("open-another").onclick = () => {
    byId("opening").hidden = false;
    byId("opening").scrollIntoView();
    byId("file").focus();
  };
  byId("close-opening").onclick = () => {
    byId("opening").hidden = true;
    byId("open-another").focus();
  };
  document.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  const over = () => document.body.classList.remove("dropping");
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over());
  document.addEventListener("drop", async (event) => {
    over();
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    const desk = /\.(txt|json)$/i.test(file.name) ? await begun : null;
    if (desk) desk.read(file);
    else open(file);
  });
}
