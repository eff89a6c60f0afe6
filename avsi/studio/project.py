"""What a user has marked and chosen for a clip, in a file beside it: ``talk.avsi.json``.

Each change has a revision. One that was made from an older revision than that of the file, by another tab or another
studio, is refused.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import AvsiError, DataError
from ..files import read_text, write_text
from .refusals import Refused

FORMAT, SUFFIX = "avsi studio", ".avsi.json"
MAX_GAPS, MAX_TEXT, MAX_NAME = 20000, 500_000, 300
BEYOND_S = 1.0  # how far behind the end a gap may reach: durations in headers are estimates
PAGES = ("gaps", "transcript", "model", "use_face", "reference")  # the rest is the server's


class ProjectFile:
    """A project and its file. It is read again whenever another program may have changed it."""

    def __init__(self, folder: Path, clip_name: str, duration_s: float, models: Collection[str], first: dict[str, Any]):
        """
        Args:
            models: the names that a project may choose from.
            first: what a new project holds.
        """
        self.clip_name, self.duration_s, self.models = clip_name, duration_s, models
        self.path = _path_for(folder, clip_name)
        self.revision, self.project, self.note = 0, first, ""
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._first = first
        self._read()

    def current(self) -> tuple[dict[str, Any], int]:
        with self._lock:
            self._read()
            return dict(self.project), self.revision

    def put(self, revision: object, fields: dict[str, Any]) -> int:
        """Save what a page has changed; returns the new revision.

        Raises:
            Refused: 409 for an older revision than the file's, 400 for what is no project.
        """
        checked = self._checked(fields)
        with self._lock:
            self._read()
            if revision != self.revision:
                error = "the project was changed elsewhere; here is the newer one"
                raise Refused(409, error, revision=self.revision, project=self.project)
            self._write({**self.project, **checked}, self.revision + 1)
            return self.revision

    def set(self, **fields: Any) -> None:
        """Save what is the server's."""
        with self._lock:
            self._read()
            self._write({**self.project, **fields}, self.revision)

    def _write(self, project: dict[str, Any], revision: int) -> None:
        saved = {"format": FORMAT, "clip": self.clip_name, "revision": revision, "project": project}
        write_text(self.path, json.dumps(saved, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        self.project, self.revision, self._stamp = project, revision, _stamp(self.path)

    def _read(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp or stamp is None:
            return
        try:
            saved = json.loads(read_text(self.path))
            if not isinstance(saved, dict) or saved.get("format") != FORMAT:
                raise DataError("is no project of the studio")
            revision, project = saved.get("revision"), saved.get("project")
            if type(revision) is not int or revision < 0 or not isinstance(project, dict):
                raise DataError("is damaged")
            words, results = project.get("words"), project.get("results")
            own: dict[str, Any] = {
                "words": words if _are_words(words) else None,
                "results": results if _are_results(results) else [],
            }
            own["words_of"] = project.get("words_of") if own["words"] else None
            project = {
                **self._first,
                **self._checked({name: project.get(name) for name in PAGES}, any_model=True),
                **own,
            }
            if project["model"] not in self.models:
                project["model"] = self._first["model"]
        except (ValueError, RecursionError, AvsiError, Refused) as error:
            aside = self.path.with_name(f"{self.path.name}.unreadable")
            self.path.replace(aside)
            self.note = f"{self.path.name} could not be read ({error}), and was put aside as {aside.name}"
            return
        self.project, self.revision, self._stamp = project, revision, stamp

    def _checked(self, fields: dict[str, Any], any_model: bool = False) -> dict[str, Any]:
        """The fields of a page; raises Refused for what they may not hold."""
        gaps = fields.get("gaps")
        if not isinstance(gaps, list) or len(gaps) > MAX_GAPS:
            raise Refused(400, f"gaps: expected a list of at most {MAX_GAPS}")
        checked: dict[str, Any] = {"gaps": [self._checked_gap(gap) for gap in gaps]}
        for name, kinds, longest in (
            ("transcript", str, MAX_TEXT),
            ("model", str, MAX_NAME),
            ("reference", str, MAX_NAME),
        ):
            text = fields.get(name)
            if name == "reference" and text is None:
                checked[name] = None
            elif isinstance(text, kinds) and len(text) <= longest and _is_text(text):
                checked[name] = text
            else:
                raise Refused(400, f"{name}: expected text of at most {longest} characters")
        if checked["model"] not in self.models and not any_model:
            raise Refused(400, f"model: expected one of {', '.join(self.models)}")
        if not isinstance(fields.get("use_face"), bool):
            raise Refused(400, "use_face: expected true or false")
        return {**checked, "use_face": fields["use_face"]}

    def _checked_gap(self, gap: object) -> dict[str, Any]:
        if not isinstance(gap, dict):
            raise Refused(400, "a gap: expected an object with start_s and end_s")
        start_s, end_s = checked_times(gap.get("start_s"), gap.get("end_s"), self.duration_s + BEYOND_S)
        kind, sure, seen_by, repair = (gap.get(name) for name in ("kind", "sure", "seen_by", "repair"))
        for text in (kind, seen_by):
            if text is not None and not (isinstance(text, str) and len(text) <= MAX_NAME and _is_text(text)):
                raise Refused(
                    400, f"kind and seen_by of a gap: expected text of at most {MAX_NAME} characters, or null"
                )
        if sure is not None and not (_is_number(sure) and 0 <= sure <= 1):
            raise Refused(400, "sure of a gap: expected 0 to 1, or null")
        if not isinstance(repair, bool):
            raise Refused(400, "repair of a gap: expected true or false")
        return {"start_s": start_s, "end_s": end_s, "kind": kind, "sure": sure, "seen_by": seen_by, "repair": repair}


def checked_times(start_s: object, end_s: object, longest_s: float) -> tuple[float, float]:
    """Raises Refused for times that are no stretch of a clip."""
    if not (_is_number(start_s) and _is_number(end_s) and 0 <= start_s < end_s <= longest_s):  # type: ignore[operator]
        raise Refused(
            400, f"a gap from {_told(start_s)} to {_told(end_s)}: expected seconds, 0 <= start < end <= the end"
        )
    return round(float(start_s), 6), round(float(end_s), 6)  # type: ignore[arg-type]


def _told(value: object) -> str:
    return f"{value:g}" if _is_number(value) else "no number"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _is_text(text: str) -> bool:
    return all(not "\ud800" <= character <= "\udfff" for character in text)  # which no file can hold


def _are_words(words: object) -> bool:
    return isinstance(words, list) and all(
        isinstance(word, dict)
        and isinstance(word.get("word"), str)
        and _is_number(word.get("start_s"))
        and _is_number(word.get("end_s"))
        for word in words
    )


def _are_results(results: object) -> bool:
    return isinstance(results, list) and all(
        isinstance(result, dict) and isinstance(result.get("id"), str) and isinstance(result.get("gaps"), list)
        for result in results
    )


def _path_for(folder: Path, clip_name: str) -> Path:
    """``talk.avsi.json``; ``talk.wav.avsi.json`` where that belongs to another file, such as talk.mp4."""
    path = folder / f"{Path(clip_name).stem}{SUFFIX}"
    try:
        owner = json.loads(read_text(path)).get("clip", clip_name) if path.is_file() else clip_name
    except (ValueError, RecursionError, AttributeError, AvsiError):
        owner = clip_name
    return path if owner == clip_name else folder / f"{clip_name}{SUFFIX}"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
