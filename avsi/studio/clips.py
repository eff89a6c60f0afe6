"""A clip that is open in the studio: its files, its sound, its preview, and what the page is told of it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.damage import KINDS, USUAL
from ..folders import user_cache
from ..media.sound_reading import Sound
from ..pretrained import AUDIO_ONLY, DEFAULT
from ..restoring.detection import LEFT
from .facts import read_facts
from .jobs import Job
from .opened import Opened
from .project import ProjectFile
from .refusals import Refused
from .results import read_result
from .sounds import Clocked, GrowingWav, Patched, Samples
from .tiles import Overview, top_hz

if TYPE_CHECKING:
    import numpy as np

    from .models import Model

KEPT_RESULTS_S = 60 * 86400.0  # how long restored samples are kept that nobody came back for
MAX_NAME_BYTES = 150


class Clip:
    """A clip; its sound is read where it lies, or from a decoded copy in the studio's folder."""

    def __init__(
        self,
        path: Path,
        name: str,
        folder: Path,
        models: dict[str, Model],
        default: str,
        to: Path,
        content: str = "",
    ):
        """
        Args:
            folder: the clip's own, in that of the studio.
            default: the model of a new project; "" chooses one.
            to: where its project and results are kept.
            content: the digest of one that was dropped.
        """
        name = writable(name)
        self.id, self.path, self.name, self.folder = secrets.token_hex(6), path, name, folder
        self.content, self.dropped = content, bool(content)
        self.facts = read_facts(path)
        self.stamp = self._stamp()
        self.models, self.note = models, ""
        self.sound: Sound | None = self.facts.sound
        self.sound_error = ""
        self.wav = folder / "sound.wav"
        self.preview = folder / "preview.mp4"
        self.needs_preview = not self.facts.media_type
        self.preview_job: Job | None = None
        self.preparing: Job | None = None
        self._overviews: dict[str, Overview] = {}
        self._lock = threading.Lock()
        self.saves_to = self._writable(to, folder)
        model = default or (DEFAULT if self.facts.picture else AUDIO_ONLY)
        first = {"gaps": [], "transcript": "", "model": model, "use_face": self.facts.picture is not None}
        first |= {"reference": None, "adapt": False, "face": None, "words": None, "results": []}
        self.project = ProjectFile(self.saves_to, name, self.facts.duration_s, models, first, content)
        self._results = _results_of(f"dropped\0{content}" if content else f"{path.resolve()}\0{self.stamp}")
        self._drop_results_without_samples()

    def _writable(self, beside: Path, folder: Path) -> Path:
        if os.access(beside, os.W_OK | os.X_OK):
            if self.dropped:
                self.note = f"{self.name} was dropped: what is marked and saved is kept in {writable(str(beside))}"
            return beside
        self.note = f"nothing may be written into {beside}: what is marked is lost when the studio ends"
        return folder

    def _drop_results_without_samples(self) -> None:
        project, _ = self.project.current()
        there = [result for result in project["results"] if self._result_file(result["id"]).is_file()]
        self.project.project = {**self.project.project, "results": there}

    def told(self) -> dict[str, Any]:
        """As the page is told of it."""
        project, revision = self.project.current()
        picture = self.facts.picture
        return {
            **self.told_short(),
            "rate": self.facts.rate,
            "channels": self.facts.channels,
            "picture": picture and {"width": picture.width, "height": picture.height, "fps": picture.fps},
            "media": "preview" if self.needs_preview else "original",
            "preview": self._told_preview(),
            "sound": self._told_sound(),
            "top_hz": top_hz(self.facts.rate),
            "models": [model.told() for model in self.models.values()],
            "kinds": [
                {"name": kind, "about": about, "usual": kind in USUAL, "repaired": kind != LEFT}
                for kind, about in KINDS.items()
            ],
            "dropped": self.dropped,
            "saves_to": writable(str(self.saves_to)),
            "note": self.project.note or self.note or None,
            "project": {name: value for name, value in project.items() if name != "words_of"},
            "revision": revision,
        }

    def told_short(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "duration_s": self.facts.duration_s}

    def _told_preview(self) -> dict[str, Any]:
        job = self.preview_job
        state = "none"
        if job is not None:
            state = {"waiting": "making", "running": "making", "done": "ready"}.get(job.state, "failed")
        return {"state": state, "progress": job and job.progress, "error": (job and job.error) or None}

    def _told_sound(self) -> dict[str, Any]:
        state = "ready" if self.sound else "failed" if self.sound_error else "reading"
        known = self.clocked()
        share = 1.0 if self.sound else round(known.known_until / max(known.length, 1), 3)
        return {"state": state, "progress": share, "error": self.sound_error or None}

    def is_of(self, path: Path, name: str, content: str) -> bool:
        """Whether this clip is one that is opened again: the same file, or dropped with the same name and content."""
        if content or self.dropped:
            return (self.content, self.name) == (content, writable(name))
        return self._stamp() == self.stamp and path.resolve() == self.path.resolve()

    def check_unchanged(self) -> None:
        """Raise Refused (409) where the file is no longer the one that was opened."""
        now = self._stamp()
        if now is None:
            where = f"{self.name} is no longer in {writable(str(self.path.parent))}"
            raise Refused(409, f"{where}; put it back there, or start avsi studio with it where it is")
        if now != self.stamp:
            raise Refused(409, f"{self.name} was changed since it was opened; start avsi studio with it again")

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def is_growing(self) -> bool:
        """Whether more of the sound will be known."""
        return self.sound is None and not self.sound_error

    def can_be_heard(self) -> bool:
        """Whether some of the sound can be read by now."""
        return self.is_read() or GrowingWav.open(self.wav) is not None

    def is_read(self) -> bool:
        """Whether all that can be known of the sound is."""
        return not self.is_growing()

    def clocked(self, result: str = "") -> Clocked:
        """The sound on the film's clock, of a result if one is named."""
        samples: Samples | None = self.sound
        start_s = self.sound.start_s if self.sound else self.facts.start_s
        if result:
            samples = Patched(self.opened().sound, self.patches(result))
        elif samples is None:
            samples = GrowingWav.open(self.wav) or _Silence(self.facts.rate, self.facts.channels)
        return Clocked(samples, start_s, self.facts.duration_s)

    def overview(self, result: str = "") -> Overview:
        with self._lock:
            if result not in self._overviews:
                self._overviews[result] = Overview(self.clocked().length)
            return self._overviews[result]

    def opened(self) -> Opened:
        """As the tasks take it. Raises Refused (409) while its sound is being read."""
        if self.sound is None:
            raise Refused(409, self.sound_error or f"the sound of {self.name} is still being read; wait a moment")
        self.check_unchanged()
        film = self.path if self.facts.picture else None
        face = self.project.current()[0]["face"]
        return Opened(self.path, self.sound, film, self.folder / "faces", face, self.name)

    def new_result(self) -> tuple[str, Path]:
        """An id, and the file for its samples."""
        self._results.mkdir(parents=True, exist_ok=True)
        id_ = secrets.token_hex(6)
        return id_, self._result_file(id_)

    def _result_file(self, id_: str) -> Path:
        return self._results / f"{id_}.npz"

    def result_file(self, id_: str) -> Path:
        """Raises Refused (404) for a result that is not there."""
        project, _ = self.project.current()
        known = any(result["id"] == id_ for result in project["results"])
        if not known or not re.fullmatch("[0-9a-f]{12}", id_) or not self._result_file(id_).is_file():
            raise Refused(404, "no such result")
        return self._result_file(id_)

    def patches(self, id_: str) -> list[tuple[int, np.ndarray]]:
        return read_result(self.result_file(id_))[0]

    def keep_result(self, result: dict[str, Any]) -> None:
        """Add a result to the project, or write it anew."""
        with self._lock:
            project, _ = self.project.current()
            results = {other["id"]: other for other in project["results"]}  # one that is there keeps its place
            self.project.set(results=list({**results, result["id"]: result}.values()))


class _Silence:
    """A sound of which nothing is known yet."""

    n_samples = 0

    def __init__(self, rate: int, channels: int) -> None:
        self.rate, self.channels = rate, channels

    def read(self, start: int, stop: int):  # type: ignore[no-untyped-def]
        raise AssertionError("nothing is known that could be read")


def writable(text: str) -> str:
    """A name without the bytes in it that are no text."""
    return text.encode("utf-8", "replace").decode()


def shown_name(asked: str) -> str:
    """A file's name that is safe to write, from whatever a browser sent: no folders, no control characters."""
    text = unicodedata.normalize("NFC", asked.replace("\\", "/").rpartition("/")[2])
    text = "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff").strip(". ")
    stem, dot, suffix = text.rpartition(".")
    if not stem or not re.fullmatch(r"\w{1,10}", suffix, re.ASCII):
        stem, dot, suffix = text, "", ""
    while len(stem.encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem or "clip") + dot + suffix


def _results_of(clip: str) -> Path:
    """The folder for restored samples of a clip, which outlives the studio; old ones are removed.

    Args:
        clip: tells it from all others.
    """
    every = user_cache() / "studio"
    for left in every.glob("*"):
        if re.fullmatch("[0-9a-f]{16}", left.name) and time.time() - left.stat().st_mtime > KEPT_RESULTS_S:
            shutil.rmtree(left, ignore_errors=True)
    return every / hashlib.sha256(clip.encode(errors="surrogateescape")).hexdigest()[:16]
