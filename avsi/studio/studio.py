"""What the studio does with its clips: opened, searched, restored, aligned, saved."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..data.damage import KINDS
from ..data.gaps import Gap
from ..errors import MediaError
from ..pretrained import WITH_TEXT
from .clips import Clip, shown_name
from .faces import FaceCache
from .jobs import Job, Jobs, Lane
from .labels import gaps_from, write_labels
from .models import models_to_choose
from .project_fields import checked_times
from .refusals import Refused
from .saving import SUFFIXES

LOOK_UP_TO_S = 300.0  # longer films are searched for damage by their sound alone, where nothing else is asked for
MAX_CLIPS = 200
MAX_LANDMARKS_S = 120.0  # at once
MAX_DRAW = 10**6
SAME_CLOCK_S = 0.001


class Studio:
    """The clips that are open, and the work on them. Its methods raise Refused for what cannot be done."""

    def __init__(self, folder: Path, model: str | None = None, saves_to: Path | None = None) -> None:
        """
        Args:
            folder: for all that need not outlive this studio.
            model: a model of the user's, which new projects take.
            saves_to: where the projects and results of dropped clips are kept; by default the working directory.
        """
        self.folder, self.saves_to = folder, saves_to or Path.cwd()
        self.models = models_to_choose([model] if model else [])
        self.default = model or ""
        self.clips: dict[str, Clip] = {}
        self.jobs = Jobs()
        self.is_closing: Callable[[], bool] = lambda: False  # asked by what waits, which then ends
        self._warmed: set[str] = set()
        self._opening = threading.Lock()  # while a clip is looked up and opened
        self._lock = threading.Lock()

    def close(self) -> None:
        self.jobs.close()

    def open(self, path: Path, name: str = "", content: str = "") -> Clip:
        """Open a clip, once; its sound, and what browsers play of it, are made while the user looks at it.

        Args:
            content: the digest of one that was dropped.

        Raises:
            MediaError: it is no sound or video file.
        """
        with self._opening:
            for clip in list(self.clips.values()):
                if clip.is_of(path, name or path.name, content):
                    return clip
            return self._open(path, name, content)

    def _open(self, path: Path, name: str, content: str) -> Clip:
        if len(self.clips) >= MAX_CLIPS:
            raise Refused(429, f"{MAX_CLIPS} clips are open already; start another studio")
        own = self.folder / secrets.token_hex(8)
        own.mkdir()
        to = self.saves_to if content else path.parent
        try:
            clip = Clip(path, name or path.name, own, self.models, self.default, to, content)
        except MediaError as error:
            own.rmdir()
            raise MediaError(str(error).replace(str(path), name or str(path))) from error
        self._warm(clip)
        if clip.is_growing():
            self._read_sound(clip)
        if clip.needs_preview:
            self.make_preview(clip)
        self.clips[clip.id] = clip
        return clip

    def _warm(self, clip: Clip) -> None:
        """Load the model of a clip before it is asked for, once, but not in the way of playing the clip."""
        model = self.model_of(clip)
        with self._lock:
            if model in self._warmed:
                return
            self._warmed.add(model)
        self.jobs.add(
            self.jobs.models, Job(("tasks", "warm"), lambda: {"model": model}, asked=False, ready=clip.can_be_heard)
        )

    def _read_sound(self, clip: Clip) -> None:
        def finish(sound: Any, notes: list[str]) -> None:
            clip.note = " ".join(filter(None, [clip.note, *notes]))
            clip.sound = sound

        job = Job(("files", "decode"), lambda: {"path": clip.path, "wav": clip.wav}, finish)
        self.jobs.add(self.jobs.files, job)

        def watch() -> None:
            job.ended.wait()
            clip.sound_error = job.error or ("" if job.state == "done" else "the sound was not read")
            if clip.sound is not None:
                self.prepare(clip)

        threading.Thread(target=watch, daemon=True).start()

    def told(self, clip: Clip) -> dict[str, Any]:
        """A clip as the page is told of it, and what is done with it just now."""
        return {**clip.told(), "jobs": self.jobs.of(clip.id)}

    def clip(self, id_: str) -> Clip:
        if id_ not in self.clips:
            raise Refused(404, "no such clip")
        return self.clips[id_]

    def model_of(self, clip: Clip) -> str:
        return clip.project.current()[0]["model"]

    def make_preview(self, clip: Clip) -> Job:
        """What browsers play of a clip; the one that is there or being made, unless that failed."""
        job = clip.preview_job
        if job is None or job.state in ("failed", "cancelled"):
            clip.needs_preview = True

            def arguments() -> dict[str, Any]:
                opened = clip.opened()
                length_s = clip.facts.duration_s
                shape = clip.facts.picture
                size = shape and (shape.width, shape.height)
                told = {"path": clip.path, "sound": opened.sound, "duration_s": length_s, "size": size}
                return {**told, "out": clip.preview}

            job = clip.preview_job = self.jobs.add(
                self.jobs.previews, Job(("files", "make_preview"), arguments, ready=clip.is_read)
            )
        return job

    def prepare(self, clip: Clip) -> None:
        """Look at the face around the gaps that are marked, so that restoring them need not."""
        project, _ = clip.project.current()
        gaps = _to_restore(project)
        if clip.facts.picture is None or clip.sound is None or not (gaps and project["use_face"]):
            return
        if not self.models[project["model"]].takes_face:
            return

        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), "gaps": gaps}

        # Of several changes the last one counts.
        if clip.preparing is not None:
            self.jobs.models.withdraw(clip.preparing)
        clip.preparing = self.jobs.add(self.jobs.models, Job(("tasks", "look_around"), arguments, asked=False))

    def put_project(self, clip: Clip, fields: dict[str, Any]) -> int:
        reference = fields.get("reference")
        # One that was chosen earlier, of a clip that is not open now, is in the way of nothing but restoring.
        if isinstance(reference, str) and reference != clip.project.current()[0]["reference"]:
            self.reference(reference)
        revision = clip.project.put(fields.get("revision"), fields)
        self.prepare(clip)
        return revision

    def reference(self, named: str) -> str:
        """A reference as the tasks take it, from ``NAME[@START:END]``: only clips that are open are heard."""
        there = list(self.clips.values())
        meant = [clip for clip in there if named == clip.name] or [
            clip for clip in there if named.startswith(f"{clip.name}@")
        ]
        if not meant:
            raise Refused(400, "reference: expected the name of a clip that is open here, perhaps with @START:END")
        if len(meant) > 1:
            raise Refused(
                400, f"reference: {len(meant)} clips of the name {meant[0].name} are open; rename one of them"
            )
        return f"{meant[0].path}{named[len(meant[0].name) :]}"

    def _start(
        self,
        clip: Clip,
        what: str,
        task: tuple[str, str],
        arguments: Callable[[], dict[str, Any]],
        finish: Callable[[Any, list[str]], Any],
        lane: Lane | None = None,
    ) -> Job:
        """A job that a user waits for, and that a page finds again."""
        called = (str(clip.path), clip.name)
        job = Job(task, arguments, finish, ready=clip.is_read, about=(clip.id, what), called=called)
        return self.jobs.add(lane or self.jobs.models, job)

    def find(self, clip: Clip, kinds: Sequence[str] | None, sure: float, look: bool | None) -> Job:
        for kind in kinds or ():
            if kind not in KINDS:
                raise Refused(400, f"kinds: expected some of {', '.join(KINDS)}")
        project, _ = clip.project.current()
        if look is None:
            look = project["use_face"] and clip.facts.duration_s <= LOOK_UP_TO_S

        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), "kinds": kinds, "sure": sure, "look": look}

        def finish(damage: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
            return {"damage": damage, "looked": look and clip.facts.picture is not None, "notes": notes}

        return self._start(clip, "find", ("tasks", "find"), arguments, finish)

    def align(self, clip: Clip, transcript: str) -> Job:
        if not transcript.strip():
            raise Refused(400, "transcript: holds no word; write what is said")
        project, _ = clip.project.current()
        gaps = _to_restore(project)
        look = bool(gaps) and project["use_face"]

        def arguments() -> dict[str, Any]:
            opened = clip.opened()
            return {"clip": opened, "transcript": transcript, "gaps": gaps, "look": look}

        def finish(words: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
            clip.project.set(words=words, words_of=[transcript, [list(gap) for gap in gaps]])
            return {"words": words, "doubtful": notes, "notes": notes}

        return self._start(clip, "align", ("tasks", "align"), arguments, finish)

    def restore(self, clip: Clip, gaps: list[tuple[float, float]] | None, draw: int) -> Job:
        project, _ = clip.project.current()
        if gaps is None:
            lost, gaps = _gaps_of(project), _to_restore(project)
        else:
            gaps = [checked_times(*gap, clip.facts.duration_s + 1) for gap in gaps]
            lost = [Gap(*gap) for gap in gaps]
        if not gaps:
            raise Refused(400, "no gap is marked to be restored")
        if not 0 <= draw <= MAX_DRAW:
            raise Refused(400, f"draw: expected 0 to {MAX_DRAW}")
        model, use_face, transcript = project["model"], project["use_face"], project["transcript"]
        told = {"model": model, "use_face": use_face, "draw": draw, "adapt": project["adapt"], "gaps": lost}
        takes = self.models[model]
        if takes.takes_words and transcript.strip():
            words = project["words"] if project.get("words_of") == [transcript, [list(gap) for gap in gaps]] else None
            told |= {"transcript": transcript, "words": words}
        else:
            told |= {"transcript": "", "words": None}
        reference = self.reference(project["reference"]) if project["reference"] and takes.takes_voice else None
        id_, out = clip.new_result()

        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), "reference": reference, "out": out, **told}

        def finish(made: dict[str, Any], notes: list[str]) -> dict[str, Any]:
            if made["words"] is not None:
                clip.project.set(words=made["words"], words_of=[transcript, [list(gap) for gap in gaps]])
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            result = {"id": id_, "model": model, "use_face": use_face, "draw": draw, "made": now, "mos": None}
            # Asked for were gaps that may overlap, or reach beyond the sound; ``gaps`` are what was restored of them.
            result |= {"asked": [list(gap) for gap in gaps]}
            result |= {name: made[name] for name in ("gaps", "reasons", "adapted")}
            clip.keep_result(result)
            self._rate(clip, result)
            return {"result": id_, "notes": notes}

        return self._start(clip, "restore", ("tasks", "restore"), arguments, finish)

    def _rate(self, clip: Clip, result: dict[str, Any]) -> None:
        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), "gaps": result["gaps"], "patched": clip.result_file(result["id"])}

        def finish(mos: list[dict[str, Any]] | None, notes: list[str]) -> None:
            if mos is not None:
                clip.keep_result({**result, "mos": mos})

        self.jobs.add(self.jobs.models, Job(("tasks", "rate"), arguments, finish, asked=False))

    def landmarks(self, clip: Clip, start_s: float, end_s: float) -> list[dict[str, Any]] | Job:
        """The landmarks in a stretch; or the job that looks for them."""
        opened = clip.opened()
        if opened.film is None:
            raise Refused(404, f"{clip.name}: has no picture")
        if not 0 <= start_s < end_s <= start_s + MAX_LANDMARKS_S:
            raise Refused(400, f"start and end: expected seconds, at most {MAX_LANDMARKS_S:g} apart")
        at_s, faces = opened.sound.start_s, FaceCache(opened.faces, opened.face, opened.name)
        end_s = min(end_s, clip.facts.duration_s)
        if end_s <= start_s:
            return []
        if faces.missing([(start_s - at_s, end_s - at_s)]):

            def arguments() -> dict[str, Any]:
                return {"clip": clip.opened(), "start_s": start_s, "end_s": end_s}

            called = (str(clip.path), clip.name)
            job = Job(("tasks", "look_between"), arguments, lambda _, notes: {"notes": notes}, called=called)
            return self.jobs.add(self.jobs.models, job)
        tracks = faces.between(start_s - at_s, end_s - at_s)
        return [
            {"time_s": round(float(time_s + at_s), 4), "points": points.astype(float).round(1).tolist() if seen else []}
            for time_s, points, seen in zip(tracks.time_s, tracks.points, tracks.found, strict=True)
        ]

    def say(
        self, clip: Clip, wanted: str, insertions: Sequence[tuple[float, str]], keep_length: bool, result: str | None
    ) -> Job:
        """Have other words said, in a new recording beside the clip, which is then open too.

        Args:
            result: the restored version in which they are said; None takes the original.
        """
        project, _ = clip.project.current()
        transcript = project["transcript"]
        if not insertions and not (transcript.strip() and wanted.strip()):
            raise Refused(400, "expected what is said now, as the transcript, and what is to be said")
        model = project["model"] if self.models[project["model"]].takes_words else WITH_TEXT
        has_reference = project["reference"] and self.models[model].takes_voice
        reference = self.reference(project["reference"]) if has_reference else None
        told = {"transcript": transcript, "wanted": wanted, "insertions": insertions, "keep_length": keep_length}
        told |= {"model": model, "reference": reference, "folder": clip.saves_to, "stem": _stem(clip)}
        told["result"] = clip.result_file(result) if result else None

        def finish(made: dict[str, Any], notes: list[str]) -> dict[str, Any]:
            edited = self.open(made["file"])
            return {"clip": edited.id, "saved": made["saved"], "edits": made["edits"], "notes": notes}

        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), **told}

        return self._start(clip, "say", ("saying", "say"), arguments, finish)

    def save(self, clip: Clip, result: str, what: Sequence[str], gaps: Sequence[dict[str, Any]]) -> Job:
        """Write files beside the clip; the job tells what is where, and of two clocks which one the labels are on."""
        file, opened = clip.result_file(result), clip.opened()
        for each in what:
            if each not in SUFFIXES:
                raise Refused(400, f"what: expected some of {', '.join(SUFFIXES)}")
        if not what:
            raise Refused(400, "what: names nothing to save")
        names = list(dict.fromkeys(what))
        # A sound that is saved alone begins with its first sample.
        alone = "sound" in names and "film" not in names
        later_s = opened.sound.start_s if alone else 0.0
        labels = write_labels(gaps_from(gaps, later_s), "txt", clip.facts.duration_s)
        told = {"result": file, "folder": clip.saves_to, "stem": _stem(clip), "what": names, "labels": labels}

        def arguments() -> dict[str, Any]:
            return {"clip": clip.opened(), **told}

        def finish(saved: list[dict[str, str]], notes: list[str]) -> dict[str, Any]:
            if "labels" in names and abs(opened.sound.start_s) >= SAME_CLOCK_S:
                clock = "the sound that was saved" if alone else "the film"
                note = f"The times of the labels are those of {clock}; in the film its sound starts at "
                notes = [*notes, note + f"{opened.sound.start_s:.3f} s."]
            return {"saved": saved, "notes": notes}

        return self._start(clip, "save", ("saving", "save"), arguments, finish, self.jobs.files)


def _stem(clip: Clip) -> str:
    """Of the names of what is written beside a clip."""
    name = shown_name(clip.name)
    return name.rpartition(".")[0] or name


def _to_restore(project: dict[str, Any]) -> list[tuple[float, float]]:
    return [(gap.start_s, gap.end_s) for gap in _gaps_of(project)]


def _gaps_of(project: dict[str, Any]) -> list[Gap]:
    """Those to be restored."""
    return [
        Gap(gap["start_s"], gap["end_s"], () if gap["channel"] is None else (gap["channel"],))
        for gap in project["gaps"]
        if gap["repair"]
    ]
