"""What a user has marked and chosen for a clip, in a file beside it: ``talk.avsi.json``.

Each change has a revision. One that was made from an older revision than that of the file, by another tab or another
studio, is refused.
"""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import AvsiError, DataError
from ..files import read_text, write_text
from ..folders import user_cache
from .project_fields import PAGES, checked_fields, gaps_that_fit, servers_fields
from .refusals import Refused

FORMAT, SUFFIX = "avsi studio", ".avsi.json"
NOT_READ = (ValueError, RecursionError, AvsiError, Refused)


class ProjectFile:
    """A project and its file. It is read again whenever another program may have changed it."""

    def __init__(
        self,
        folder: Path,
        clip_name: str,
        duration_s: float,
        models: Collection[str],
        first: dict[str, Any],
        content: str = "",
    ):
        """
        Args:
            models: the names that a project may choose from.
            first: what a new project holds.
            content: the digest of a clip that does not lie in ``folder``, whose name may be that of another one.
        """
        self.folder, self.clip_name, self.duration_s, self.models = folder, clip_name, duration_s, models
        self.content = content
        self.revision, self.project, self.note = 0, first, ""
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._first = first
        self.path = self._own_path()
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
        checked = checked_fields(fields, self.duration_s, self.models)
        with self._lock, _no_other_studio():
            self._read()
            if revision != self.revision:
                error = "the project was changed elsewhere; here is the newer one"
                raise Refused(409, error, revision=self.revision, project=self.project)
            self._write({**self.project, **checked}, self.revision + 1)
            return self.revision

    def set(self, **fields: Any) -> None:
        """Save what is the server's."""
        with self._lock, _no_other_studio():
            self._read()
            self._write({**self.project, **fields}, self.revision)

    def _write(self, project: dict[str, Any], revision: int) -> None:
        saved = {"format": FORMAT, "clip": self.clip_name, "revision": revision, "project": project}
        if self.content:
            saved["content"] = self.content
        write_text(self.path, json.dumps(saved, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        self.project, self.revision, self._stamp = project, revision, _stamp(self.path)

    def _own_path(self) -> Path:
        """Where this project is, or else may be: ``talk.avsi.json``; where that belongs to another clip, such as
        talk.mp4 or another that was dropped, ``talk.wav.avsi.json``, or with a number.
        """
        free = None
        for number in count():
            name = (Path(self.clip_name).stem, self.clip_name)[number] if number < 2 else f"{self.clip_name}-{number}"
            path = self.folder / f"{name}{SUFFIX}"
            if path.is_file() and self._owns(path):
                return path
            if not path.exists():
                free = free or path
                if number:
                    return free
        raise AssertionError("some name is free")

    def _owns(self, path: Path) -> bool:
        """Whether a file is this project's, or nobody's."""
        try:
            return self._is_own(_parsed(path))
        except NOT_READ:
            return True

    def _is_own(self, saved: dict[str, Any]) -> bool:
        return (saved.get("clip", self.clip_name), saved.get("content", "")) == (self.clip_name, self.content)

    def _read(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp or stamp is None:
            return
        try:
            saved = _parsed(self.path)
            if not self._is_own(saved):  # which another clip of this name has begun meanwhile
                self.path, self._stamp = self._own_path(), None
                self._read()
                return
            revision, project = saved.get("revision"), saved.get("project")
            if type(revision) is not int or not 0 <= revision < 1 << 53 or not isinstance(project, dict):
                raise DataError("is damaged")
            gaps, others = gaps_that_fit(project.get("gaps"), self.duration_s)
            fields = {**{name: project.get(name) for name in PAGES}, "gaps": gaps}
            read = {**self._first, **checked_fields(fields, self.duration_s, None), **servers_fields(project)}
        except NOT_READ as error:
            aside = _free_name(self.path.with_name(f"{self.path.name}.unreadable"))
            self.path.replace(aside)
            self.note = f"{self.path.name} could not be read ({error}), and was put aside as {aside.name}"
            return
        if others:
            self.note = f"{self.path.name}: {others} gaps reach beyond the clip or are none; they were cut or left out"
        if read["model"] not in self.models:
            read["model"] = self._first["model"]
        self.project, self.revision, self._stamp = read, revision, stamp


@contextmanager
def _no_other_studio() -> Iterator[None]:
    """No other studio of this user saves a project while the context lasts, where a cache can be written."""
    folder = user_cache() / "studio"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        file = (folder / "projects.lock").open("a")
    except OSError:
        yield
        return
    with file:
        with suppress(OSError):  # some network drives do not support locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _parsed(path: Path) -> dict[str, Any]:
    """Raises one of NOT_READ for a file that holds no project."""
    saved = json.loads(read_text(path), parse_constant=_no_number)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise DataError("is no project of the studio")
    return saved


def _no_number(name: str) -> float:
    raise DataError(f"holds {name}, which is no number")


def _free_name(path: Path) -> Path:
    names = (path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 1000)))
    return next((each for each in names if not each.exists()), path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
