"""Rows of scores and of recognisers' results: JSON lines, one an utterance."""

import json
from pathlib import Path

from avsi.errors import DataError
from avsi.files import read_lines, write_text
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


def merged_rows(folder: Path, *files: str) -> dict[str, dict]:
    """By utterance id, the rows of those of ``SCORES``, ``PHONES`` and ``WORDS`` that are asked for and there, joined.
    A value that is missing is null, with the reason in ``failed``.
    """
    merged: dict[str, dict] = {}
    for name in files:
        for row in read_rows(folder / name) if (folder / name).is_file() else ():
            before = merged.get(row["id"], {})
            merged[row["id"]] = {**before, **row, "failed": before.get("failed", {}) | row["failed"]}
    return merged


def read_rows(path: Path) -> list[dict]:
    """JSON lines. Raises DataError, naming the line, where one is none, or not what the programs write."""
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected a row in JSON, found '{line[:40]}'")
        row = with_current_keys(row)
        check_types(f"{path}:{number}", row, {"id": str, "failed": dict, **dict.fromkeys(_NEEDED.get(path.name, ()))})
        for key in _NUMBERS & {*row}:
            if not isinstance(row[key], int | float | None):
                raise DataError(f"{path}:{number}: {key}: expected a number or null, found {str(row[key])[:40]}")
        rows.append(row)
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
