"""Folders that appear whole or not at all, and folders that one process works on at a time."""

import contextlib
import fcntl
import glob
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import AvsiError, DataError
from .files import blamed_on, is_gone, this_process

LOOK_AGAIN_S = 0.02


@contextmanager
def folder_beside(path: str | Path) -> Iterator[Path]:
    """A new folder beside ``path``. It is renamed to ``path``, which must be missing or empty, when the context ends
    without an error. Folders above it are made, and temporary folders that killed runs left are removed.
    """
    path = Path(path).resolve()
    partial = path.with_name(f".{path.name}.partial-{this_process()}")
    missing = _missing_folders(path.parent)
    _remove_partial_folders(path.parent, path.name)
    try:
        with blamed_on(path, partial):
            partial.mkdir(parents=True)
            yield partial
            partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_empty_folders(missing)
        raise


@contextmanager
def files_together(folder: str | Path, instead_of: Iterable[str] = ()) -> Iterator[Path]:
    """A new folder whose files are moved into ``folder``, one after the other, when the context ends without an error;
    otherwise nothing is changed. ``folder`` is made if it is missing.

    Args:
        instead_of: glob patterns of old files in ``folder`` to delete if no new file has their name.
    """
    folder = Path(folder).resolve()
    check_folder(folder)
    if not folder.exists():
        with folder_beside(folder) as partial:
            yield partial
        return
    # The temporary folder is inside it, since a folder may be the mount point of a disk.
    partial = folder / f".{folder.name}.partial-{this_process()}"
    _remove_partial_folders(folder, folder.name)
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


def remove_folder(folder: Path, within: Path) -> None:
    """Delete a folder somewhere in another. A killed run leaves all of it or nothing: what is left to delete is renamed
    so that the next :func:`files_together` of ``within`` deletes it.
    """
    within = within.resolve()
    aside = within / f".{within.name}.partial-{this_process()}"
    folder.replace(aside)
    shutil.rmtree(aside)


@contextmanager
def made_folder(folder: Path) -> Iterator[bool]:
    """Make a folder, with those above it; yields whether it is new. Those that were made are removed again if they stay
    empty.

    Raises:
        DataError: it cannot be a folder to write into.
    """
    check_folder(folder)
    missing = _missing_folders(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield bool(missing)
    finally:
        _remove_empty_folders(missing)


@contextmanager
def locked(folder: str | Path, result: str = "*", wait_s: float = 0) -> Iterator[None]:
    """Lock a folder, which is made if it is missing, against other processes and threads; the lock ends with the
    process.

    Args:
        result: glob pattern of results. After an error, a folder that was made here and holds none is deleted.
        wait_s: how long to wait for others.

    Raises:
        DataError: another process is at work on it, or it cannot be a folder to write into.
    """
    folder = Path(folder)
    with made_folder(folder) as is_new:
        handle = os.open(folder, os.O_RDONLY)
        try:
            _lock(handle, folder, time.monotonic() + wait_s)
            try:
                yield
            except (AvsiError, OSError):
                if is_new and not any(folder.glob(result)):
                    shutil.rmtree(folder, ignore_errors=True)
                raise
        finally:
            os.close(handle)


def _lock(handle: int, folder: Path, until_s: float) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                told = f"{folder}: another process is at work on it; wait until it ends, or stop it"
                raise DataError(told) from None
            time.sleep(LOOK_AGAIN_S)
        except OSError:
            return None  # Some network drives do not support locks.


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in this context with the same lock file, which is made and deleted again."""
    while True:
        with path.open("w") as file:
            with contextlib.suppress(OSError):  # some network drives do not support locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is(file, path):  # who had it deleted it, and another one has made it anew
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is(file: IO, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def check_new(folder: Path) -> None:
    """Raise DataError where a folder cannot be made: nothing may be written there, or there is a file of that name or
    something in it.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: exists and is not an empty folder; name another or delete it")
    check_folder(folder)


def user_cache() -> Path:
    """The folder for what can be made again, which need not exist: ``$AVSI_CACHE``, else ``avsi`` in
    ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    named = os.environ.get("AVSI_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "avsi"


def check_folder(folder: Path) -> None:
    """Raise DataError for a folder, which may not exist yet, that cannot be written into; for use before long work."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise DataError(f"{there}: is a file; expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"{there}: nothing may be written there; choose another folder")


def _missing_folders(folder: Path) -> list[Path]:
    """A folder and the folders above it, the lowest first, as far as they do not exist."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _remove_empty_folders(folders: list[Path]) -> None:
    """Remove the folders that exist, in order, up to the first that is not empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            if folder.exists():
                folder.rmdir()


def _remove_partial_folders(folder: Path, name: str) -> None:
    """Remove the temporary folders for ``name`` of processes that no longer run."""
    for left in folder.glob(f".{glob.escape(name)}.partial-*"):
        if left.is_dir() and is_gone(left.name.rpartition(".partial-")[2]):
            shutil.rmtree(left, ignore_errors=True)
