"""Rows of scores and of recognisers' results: JSON lines, one an utterance."""

import json
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from avsi.errors import DataError
from avsi.files import each_line, write_lines
from avsi.metrics.registry import COLUMNS

from .json_files import check_types, with_current_keys
from .layout import PHONES, VOICES, WORDS

# The keys that a row must have, besides its id and the reasons for failures; and the keys whose values are numbers.
_OF_VOICES = ("own", "original", "others")
_NEEDED = {PHONES: ("per",), WORDS: ("keywords", "recognized"), VOICES: (*_OF_VOICES, "encoder")}
_NUMBERS = {
    *COLUMNS,
    *(column.weight for column in COLUMNS.values()),
    "substitutions",
    "deletions",
    "insertions",
    *_OF_VOICES,
}


def merged_rows(folder: Path, *files: str, ids: Container[str] | None = None) -> dict[str, dict]:
    """By utterance id, the rows of those of ``SCORES``, ``PHONES`` and ``WORDS`` that are asked for and there, joined.
    A value that is missing is null, with the reason in ``failed``. A row takes 2 kB: for all of many sets there is
    :func:`evaluation.folder.score_columns.read_columns`.

    Args:
        ids: the utterances whose rows are kept; None for all.
    """
    merged: dict[str, dict] = {}
    for name in files:
        for row in read_rows(folder / name):
            if ids is None or row["id"] in ids:
                before = merged.get(row["id"], {})
                merged[row["id"]] = {**before, **row, "failed": before.get("failed", {}) | row["failed"]}
    return merged


def read_rows(path: Path) -> Iterator[dict]:
    """JSON lines, one at a time; none where there is no such file.

    Raises:
        DataError: naming a line that is none, or not what the programs write.
    """
    needed = {"id": str, "failed": dict, **dict.fromkeys(_NEEDED.get(path.name, ()))}
    for number, line in enumerate(each_line(path) if path.is_file() else (), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected a row in JSON, found '{line[:40]}'")
        row = with_current_keys(row)
        check_types(f"{path}:{number}", row, needed)
        for key in _NUMBERS & row.keys():
            if not isinstance(row[key], int | float | None):
                raise DataError(f"{path}:{number}: {key}: expected a number or null, found {str(row[key])[:40]}")
        yield row


def write_rows(path: Path, rows: Iterable[dict]) -> None:
    write_lines(path, map(line_of, rows))


def line_of(row: dict) -> str:
    return json.dumps(row) + "\n"
