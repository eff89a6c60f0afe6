"""Text files, and files that appear whole or not at all: a killed run leaves nothing half-written."""

from __future__ import annotations

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
    an error; folders above it are made.
    """
    path = Path(path).resolve()
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _blamed_on(path, partial):
            partial.mkdir()
            yield partial
            partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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
