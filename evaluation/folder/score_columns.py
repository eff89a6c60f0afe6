"""The scores of a set by column: some 8 bytes a value, where rows take 2 kB for each utterance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avsi.metrics.registry import COLUMNS

from .layout import RECOGNIZERS
from .rows import read_rows

_KEPT = {*COLUMNS, *filter(None, (column.weight for column in COLUMNS.values()))}
_RECOGNIZERS = {*RECOGNIZERS.values()}


@dataclass(frozen=True)
class ScoreColumns:
    """What the rows of a set say, in the order of the clean set's utterances.

    Attributes:
        values: by name of a column or its weight, shape (n_utterances,), float64, NaN where there is no value; those
            that occur in a row, with a value or without.
        recognizers: by the key that names a recogniser, what each row says, shape (n_utterances,), None for nothing.
        failed: by utterance id, and then by column, why there is no value; utterances that lack none are absent.
        scored: which utterances have a row, shape (n_utterances,), bool.
    """

    values: dict[str, np.ndarray]
    recognizers: dict[str, np.ndarray]
    failed: dict[str, dict[str, str]]
    scored: np.ndarray

    def of(self, place: int) -> dict[str, float | None]:
        """The scores of an utterance, by name of the column; None where there is no value."""
        found = {name: float(self.values[name][place]) for name in COLUMNS if name in self.values}
        return {name: None if np.isnan(value) else value for name, value in found.items()}


def read_columns(folder: Path, places: Mapping[str, int], *files: str) -> ScoreColumns:
    """The columns of those of ``SCORES``, ``PHONES`` and ``WORDS`` that are asked for and there.

    Args:
        places: those of the utterances, by id; rows of others are left out.
    """
    count = len(places)
    values: defaultdict[str, np.ndarray] = defaultdict(lambda: np.full(count, np.nan))
    recognizers: defaultdict[str, np.ndarray] = defaultdict(lambda: np.full(count, None))
    failed: dict[str, dict[str, str]] = {}
    scored = np.zeros(count, bool)
    named: dict[str, str] = {}  # each name of a recogniser once
    for name in files:
        for row in read_rows(folder / name):
            id_ = row["id"]
            if (place := places.get(id_)) is None:
                continue
            scored[place] = True
            for key in _KEPT & row.keys():
                value = row[key]
                values[key][place] = np.nan if value is None else value
            for key in _RECOGNIZERS & row.keys():
                recognizers[key][place] = named.setdefault(row[key], row[key])
            if row["failed"]:
                failed[id_] = failed.get(id_, {}) | row["failed"]
    return ScoreColumns(dict(values), dict(recognizers), failed, scored)
