"""Text files, and files that appear whole or not at all: a killed run leaves nothing half-written."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import AvsiError, DataError

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, with its suffix, that takes its place when the context ends without an error.
    What killed runs left of files in that folder is removed.

    Raises:
        DataError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist")
    _tidy(path.parent.resolve())
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        with blamed_on(path, partial):
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
    missing = _missing(path.parent)
    _remove_left(path.parent, path.name)
    try:
        with blamed_on(path, partial):
            partial.mkdir(parents=True)
            yield partial
            partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_empty(missing)
        raise


@contextmanager
def files_together(folder: str | Path, instead_of: Iterable[str] = ()) -> Iterator[Path]:
    """A new folder whose files take their places in ``folder``, one after the other, when the context ends without an
    error; else nothing is changed. ``folder`` is made where there is none.

    Args:
        instead_of: patterns of files in ``folder`` that go where there is no new one of that name.
    """
    folder = Path(folder).resolve()
    check_folder(folder)
    if not folder.exists():
        with folder_beside(folder) as partial:
            yield partial
        return
    # Within it, since a folder may be a disk of its own.
    partial = folder / f".{folder.name}.partial-{os.getpid()}"
    _remove_left(folder, folder.name)
    try:
        with blamed_on(folder, partial):
            partial.mkdir()
            yield partial
            new = [file.relative_to(partial) for file in sorted(partial.rglob("*")) if file.is_file()]
            for file in new:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (partial / file).replace(folder / file)
            for old in {old for pattern in instead_of for old in folder.glob(pattern)}:
                if old.relative_to(folder) not in new:
                    old.unlink()
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """A folder, made where there is none, with those above it; what was made goes again where it stays empty.

    Raises:
        DataError: it cannot be a folder to write into.
    """
    check_folder(folder)
    missing = _missing(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        _remove_empty(missing)


@contextmanager
def locked(folder: str | Path, result: str = "*") -> Iterator[None]:
    """Keep others that ask for the same out of a folder, which is made; the lock ends with the process at the latest.

    Args:
        result: pattern of what makes a folder worth keeping that was made here and ends with an error.

    Raises:
        DataError: another process is at work on it, or it cannot be a folder to write into.
    """
    folder = Path(folder)
    check_folder(folder)
    missing = _missing(folder)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise DataError(f"{folder}: another process is at work on it; wait until it ends, or stop it") from None
    except OSError:
        pass  # Some network drives lock nothing.
    try:
        yield
    except (AvsiError, OSError):
        if missing and not any(folder.glob(result)):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(handle)
        _remove_empty(missing)


def check_folder(folder: Path) -> None:
    """Raise DataError for a folder, there or not, that could not be written into at the end, before all the work."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise DataError(f"{there}: is a file; expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"{there}: nothing may be written there; choose another folder")


def _missing(folder: Path) -> list[Path]:
    """Those of a folder and the folders above it that are not there, the lowest first."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that are there, up to the first that holds something."""
    with contextlib.suppress(OSError):
        for folder in folders:
            if folder.exists():
                folder.rmdir()


@cache
def _tidy(folder: Path) -> None:
    """Remove, once in a process, what others that no longer run left of files in a folder: it may hold thousands."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file()]
    for name in names:
        match = re.fullmatch(r"\..+\.partial-(\d+)(\.\w+)?", name, re.ASCII)
        if match and not _is_running(int(match[1])):
            (folder / name).unlink(missing_ok=True)


def _remove_left(folder: Path, name: str) -> None:
    """Remove what processes that no longer run left in a folder of a folder that they had begun."""
    for left in folder.glob(f".{glob.escape(name)}.partial-*"):
        number = left.name.rpartition("-")[2]
        if number.isdecimal() and left.is_dir() and not _is_running(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def blamed_on(path: Path, partial: Path | None = None) -> Iterator[None]:
    """Errors name the file that a user asked for, not that of its beginnings."""

    def named(text: object) -> str:
        return str(text).replace(str(partial), str(path)) if partial else str(text)

    try:
        yield
    except AvsiError as error:
        raise type(error)(named(error)) from error
    except OSError as error:
        error.filename = named(error.filename or path)  # a full disk names no file
        raise


def write_text(path: str | Path, text: str) -> None:
    with written_beside(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_npz(path: str | Path, **arrays: np.ndarray) -> None:
    import numpy as np

    packed = io.BytesIO()  # NumPy, writing to a full disk itself, fails once more when it is tidied up
    np.savez(packed, **arrays)
    with written_beside(path) as partial:
        partial.write_bytes(packed.getvalue())


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file in UTF-8. Raises DataError on another encoding."""
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()  # Windows begins files with a mark
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from error


def digest(path: str | Path) -> str:
    """What tells a file's content from any other: the beginning of its SHA-256."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
