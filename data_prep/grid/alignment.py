"""GRID's ``.align`` files: when each word is said."""

from pathlib import Path

from avsi.errors import DataError
from avsi.files import read_lines

ALIGN_UNITS_PER_S = 25000
SILENCES = ("sil", "sp")


def read_alignment(path: Path) -> tuple[tuple[float, float, str], ...]:
    """(start_s, duration_s, word) of each word of an ``.align`` file, silences left out.

    Raises:
        DataError: a line that is not ``<start> <end> <word>``, or times that go back.
    """
    words = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            start, end, word = line.split()
            start_s, end_s = int(start) / ALIGN_UNITS_PER_S, int(end) / ALIGN_UNITS_PER_S
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<start> <end> <word>', found '{line}'") from None
        if end_s < start_s or (words and start_s < words[-1][0]):
            raise DataError(f"{path}:{number}: times go back in '{line}'")
        if word not in SILENCES:
            words.append((start_s, end_s - start_s, word))
    return tuple(words)
