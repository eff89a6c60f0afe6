"""Text files, and files that appear whole or not at all: a killed run leaves nothing half-written."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import AvsiError, DataError


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, with its suffix, that takes its place when the context ends without an error.

    Raises:
        DataError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist")
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        with _blamed_on(path, partial):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_beside(path: str | Path) -> Iterator[Path]:
    """A new folder beside ``path`` that takes its place, if that is still free or empty, when the context ends without
    an error. Folders above it are made, and what killed runs left beside it is removed.
    """
    path = Path(path).resolve()
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    missing = [folder for folder in path.parents if not folder.exists()]
    for left in path.parent.glob(f".{path.name}.partial-*"):
        if not _is_running(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    try:
        with _blamed_on(path, partial):
            partial.mkdir(parents=True)
            yield partial
            partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in missing:
            folder.rmdir()
        raise


def check_folder(folder: Path) -> None:
    """Raise DataError for a folder, there or not, that could not be written into at the end, before all the work."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise DataError(f"{there}: is a file; expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"{there}: nothing may be written there; choose another folder")


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _blamed_on(path: Path, partial: Path) -> Iterator[None]:
    """Errors name the file that a user asked for, not that of its beginnings."""
    try:
        yield
    except AvsiError as error:
        raise type(error)(str(error).replace(str(partial), str(path))) from error
    except OSError as error:
        # A full disk names no file.
        error.filename = error.filename or str(path)
        raise


def write_text(path: str | Path, text: str) -> None:
    with written_beside(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file in UTF-8. Raises DataError on another encoding."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from error


def digest(path: str | Path) -> str:
    """What tells a file's content from any other: the beginning of its SHA-256."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
