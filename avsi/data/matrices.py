"""Matrices in Kaldi archives, read safely: kaldiio alone would run a command given instead of a path, and unpickle
data found instead of a matrix.
"""

import io
import mmap
import re
import struct
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import kaldiio
import numpy as np
from kaldiio.matio import read_matrix_or_vector

from ..errors import AvsiWarning, DataError

# A matrix begins with its kind, rows and columns; a compressed one has its minimum and range before rows and columns.
HEADER = re.compile(rb"\0B(?:([FD]M) \x04(.{4})\x04(.{4})|(CM[23]?) .{8}(.{4})(.{4}))", re.DOTALL)
MAX_HEADER_BYTES = 22
BYTES = {b"FM": (0, 4), b"DM": (0, 8), b"CM": (8, 1), b"CM2": (0, 2), b"CM3": (0, 1)}  # per column, and per value
MARK = b" \0BFM \4"  # between the key and the size of a matrix that `append_matrix` wrote
KEY = re.compile(rb"[^\0-\x20]{1,255}")


def check_path(text: str, expected: str = "<path>") -> None:
    """Raise DataError for a list entry that is no path, but a command or standard input in Kaldi's notation."""
    found = (
        "a command" if text.startswith("|") or text.endswith("|") else {"-": "standard input", "": "nothing"}.get(text)
    )
    if found:
        raise DataError(f"expected '<utt> {expected}', found {found}")


def check_place(text: str) -> tuple[Path, int]:
    """Path and offset from ``path:offset``. Raises DataError for anything else."""
    check_path(text, "<path>:<offset>")
    match = re.fullmatch(r"(.+):(\d{1,18})", text, re.ASCII)
    if not match:
        raise DataError(f"expected '<utt> <path>:<offset>', found '{text}'")
    return Path(match[1]), int(match[2])


def read_matrix(place: str) -> np.ndarray:
    """The matrix at ``path:offset``; float32 or float64, shape (rows, columns).

    Raises:
        DataError: no such file, or no complete binary matrix at that offset.
    """
    path, offset = check_place(place)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open("rb") as file:
        try:
            return _matrix_at(file, offset, path.stat().st_size)[0]
        except ValueError as error:
            raise DataError(f"{place}: {error}") from None


def append_matrix(file: BinaryIO, id_: str, matrix: np.ndarray) -> int:
    """Append a float32 matrix to an open archive, and return the offset for :func:`read_matrix`."""
    offset = file.seek(0, io.SEEK_END) + len(id_.encode()) + 1
    kaldiio.save_ark(file, {id_: matrix})
    file.flush()
    return offset


def find_matrices(file: BinaryIO, ids: Iterable[str], check: Callable[[np.ndarray], object]) -> dict[str, int]:
    """The offsets of the float32 matrices in an archive, the last one of each id, so that a stopped run can continue.

    A half-written matrix at the end is cut off. Damaged data elsewhere is skipped, but not removed, so that the offsets
    of later matrices stay valid.

    Args:
        file: open for reading and writing.
        ids: the ids to look for; matrices of other ids are left alone.
        check: raises DataError for a matrix that cannot be right.
    """
    keys = {id_.encode(): id_ for id_ in ids}
    places: dict[str, int] = {}
    size = file.seek(0, io.SEEK_END)
    if not size:
        return places
    end, previous, damaged = 0, "", 0  # end and id of the last complete matrix
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        mark = data.find(MARK)
        while mark >= 0:
            key = data[end:mark]
            follows = key in keys or bool(KEY.fullmatch(key))
            try:
                matrix, stop = _matrix_at(file, mark + 1, size)
                check(matrix)
            except (ValueError, DataError):
                if follows:  # the matrix before this one is complete
                    previous = ""
                mark = data.find(MARK, mark + 1)
                continue
            if not follows:
                damaged += len(key)
                places.pop(previous, None)  # the header of that matrix may be damaged
                key = next((key[start:] for start in range(-255, 0) if key[start:] in keys), b"")
            previous = keys.get(key, "")
            if previous:
                places[previous] = mark + 1
            end = stop
            mark = data.find(MARK, end)
        half_written = _is_half_written(file, data, end, keys)
    if half_written:
        file.truncate(end)
    elif end < size:
        damaged += size - end
        places.pop(previous, None)
    if damaged:
        warnings.warn(f"{file.name}: {damaged} bytes are damaged, and passed over", AvsiWarning, stacklevel=2)
    return places


def _is_half_written(file: BinaryIO, data: mmap.mmap, start: int, keys: Iterable[bytes]) -> bool:
    """Whether an archive ends, after ``start``, with only the beginning of one matrix, as after a killed run."""
    size = len(data)
    for begin in (key + MARK for key in keys):
        if start + len(begin) >= size:
            if begin.startswith(data[start:size]):
                return True
        elif data[start : start + len(begin)] == begin and data.find(MARK, start + len(begin)) < 0:
            try:
                _matrix_at(file, start + len(begin) - len(MARK) + 1, size)
            except ValueError:
                return True
    return False


def _matrix_at(file: BinaryIO, offset: int, size: int) -> tuple[np.ndarray, int]:
    """A matrix and the offset of its end. Raises ValueError if there is no complete matrix."""
    if offset >= size:
        raise ValueError(f"expected a matrix, found the end of the file at byte {size}")
    file.seek(offset)
    begin = file.read(MAX_HEADER_BYTES)
    header = HEADER.match(begin)
    if not header:
        raise ValueError(f"expected a binary matrix, found bytes {begin[:8]!r}")
    kind, *shape = filter(None, header.groups())
    rows, columns = struct.unpack("<ii", b"".join(shape))
    of_column, of_value = BYTES[kind]
    end = offset + header.end() + columns * (of_column + rows * of_value)
    if rows <= 0 or columns <= 0 or end > size:
        raise ValueError(f"expected a whole matrix, found one of {rows} x {columns} values in a file of {size} bytes")
    file.seek(offset)
    return read_matrix_or_vector(io.BytesIO(file.read(end - offset))), end
