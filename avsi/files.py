"""Files that appear whole or not at all, so that a killed run leaves nothing half-written; text files; digests."""

from __future__ import annotations

import hashlib
import io
import os
import re
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
    """A temporary path beside ``path``, with the same suffix. It is renamed to ``path`` when the context ends without
    an error. Temporary files that killed runs left in that folder are removed.

    Raises:
        DataError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist")
    _remove_partial_files(path.parent.resolve())
    partial = path.with_name(f".{path.stem}.partial-{this_process()}{path.suffix}")
    try:
        with blamed_on(path, partial):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def blamed_on(path: Path, partial: Path | None = None) -> Iterator[None]:
    """Make errors name the file that a user asked for, not its temporary file."""

    def named(text: object) -> str:
        return str(text).replace(str(partial), str(path)) if partial else str(text)

    try:
        yield
    except AvsiError as error:
        raise type(error)(named(error)) from error
    except OSError as error:
        error.filename = named(error.filename or path)  # the error of a full disk names no file
        raise


def write_text(path: str | Path, text: str) -> None:
    with written_beside(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_npz(path: str | Path, **arrays: np.ndarray) -> None:
    import numpy as np

    packed = io.BytesIO()  # on a full disk NumPy, writing itself, would raise a second error while it closes the file
    np.savez(packed, **arrays)
    with written_beside(path) as partial:
        partial.write_bytes(packed.getvalue())


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """``lines`` end in a line feed each."""
    with written_beside(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def each_line(path: str | Path) -> Iterator[str]:
    """As :func:`read_lines`, one at a time, for files of millions of lines; they end at line feeds alone, or at a
    carriage return and a line feed.
    """
    start = 0  # of the line, in bytes
    with Path(path).open("rb") as file:
        for line in file:
            with _told_if_not_utf8(path, start):
                text = line.decode("utf-8")
            yield (text if start else text.removeprefix("\ufeff")).removesuffix("\n").removesuffix("\r")
            start += len(line)


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file in UTF-8. Raises DataError on another encoding."""
    return read_text(path).splitlines()


def read_text(path: str | Path) -> str:
    """Raises DataError on another encoding than UTF-8."""
    with _told_if_not_utf8(path):
        return Path(path).read_text(encoding="utf-8-sig")  # Windows may write a byte order mark


@contextmanager
def _told_if_not_utf8(path: str | Path, start: int = 0) -> Iterator[None]:
    """``start``: where in the file begins what is decoded, in bytes."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {start + error.start})") from error


def digest(path: str | Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


@cache
def _remove_partial_files(folder: Path) -> None:
    """Remove temporary files of processes that no longer run; once in a process, since a folder may hold thousands."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file()]
    for name in names:
        match = re.fullmatch(r"\..+\.partial-(\d+(@[\w-]+)?)(\.\w+)?", name, re.ASCII)
        if match and is_gone(match[1]):
            (folder / name).unlink(missing_ok=True)


def this_process() -> str:
    """A name for this process among those of all hosts that share a folder, such as ``4711@node7``."""
    return f"{os.getpid()}@{_host()}"


def is_gone(process: str) -> bool:
    """Whether a process of this host, as of :func:`this_process`, has ended; of another host's nothing is known."""
    number, _, host = process.partition("@")
    return number.isdecimal() and host in ("", _host()) and not is_running(int(number))


def _host() -> str:
    return re.sub(r"[^\w-]", "-", os.uname().nodename, flags=re.ASCII)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
