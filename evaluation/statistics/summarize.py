"""From rows of scores to a summary: means, intervals and paired differences."""

import warnings
from collections.abc import Iterable

import numpy as np

from avsi.errors import AvsiWarning, DataError
from avsi.metrics.registry import COLUMNS, Column, scored_columns

from ..folder.evaluation import Evaluation
from ..folder.layout import RECOGNIZERS
from ..systems.description import is_of_sound
from ..systems.names import UNPROCESSED
from .comparisons import comparable
from .gain_over_silence import add_l1_ratios, harm_of
from .intervals import Bootstrap, Estimate, estimate_mean
from .summary import Summary, System
from .voices import compare_voices

# Those that compute a column.
_PROGRAMS = {"per": "evaluation.recognize", "per_gaps": "evaluation.recognize", "keywords": "evaluation.keywords"}


def summarize(evaluation: Evaluation, pairs: Iterable[tuple[str, str]] = ()) -> Summary:
    """All scores of an evaluation, with the differences of some pairs of systems.

    Raises:
        DataError: nothing was scored.
    """
    tables = {of: {id_: dict(row) for id_, row in rows.items()} for of, rows in evaluation.rows.items()}
    clean = evaluation.clean_rows
    for of, rows in tables.items():
        _drop_other_recognizers(rows, clean, of)
    harms = {}
    for (system, condition), rows in tables.items():
        silent = tables.get((UNPROCESSED, condition), {})
        add_l1_ratios(rows, silent)
        if system != UNPROCESSED and (harm := harm_of(rows, silent)):
            harms[system, condition] = harm
    columns = scored_columns([row for rows in tables.values() for row in rows.values()])
    if not columns:
        raise DataError(f"{evaluation.folder}: nothing is scored; run evaluation.score on it")
    ids = [utterance.id for utterance in evaluation.utterances]
    speakers = np.array([utterance.speaker for utterance in evaluation.utterances])
    # (values, weights) of shape (n_utterances,), NaN where there is none.
    values = {
        (*of, column.name): (_column(rows, ids, column.name), _weights(rows, ids, column))
        for of, rows in tables.items()
        for column in scored_columns(list(rows.values()))
    }
    bootstrap = Bootstrap(list(speakers))
    systems = described_systems(evaluation)
    differences = {}
    for first, second in pairs:
        for name, condition, column in values:
            both = name == first and (second, condition, column) in values
            if both and comparable(systems, first, second, COLUMNS[column]):
                (one, weights), (two, _) = values[first, condition, column], values[second, condition, column]
                differences[first, second, condition, column] = bootstrap.estimate(two - one, weights)
    return Summary(
        systems=systems,
        conditions=evaluation.conditions,
        columns=columns,
        estimates={of: bootstrap.estimate(*arrays) for of, arrays in values.items()},
        clean={
            column.name: bootstrap.estimate(_column(clean, ids, column.name), _weights(clean, ids, column))
            for column in scored_columns(list(clean.values()))
        },
        differences=differences,
        by_speaker={
            str(speaker): {of: _estimate_of(*arrays, speakers == speaker) for of, arrays in values.items()}
            for speaker in np.unique(speakers)
        },
        harms=harms,
        voices=compare_voices(evaluation),
        speakers=len(set(speakers)),
        units=bootstrap.units,
        stats=evaluation.about.get("stats", ""),
    )


def described_systems(evaluation: Evaluation) -> list[System]:
    """The rows of its tables."""
    return [System(name, _senses(of), is_of_sound(of)) for name, of in evaluation.about["systems"].items()]


def _drop_other_recognizers(rows: dict[str, dict], clean: dict[str, dict], of: tuple[str, str]) -> None:
    """Leave out the results of a recogniser other than that of the clean speech."""
    for name, key in RECOGNIZERS.items():
        known = {row[key] for row in clean.values() if key in row}
        others = [row for row in rows.values() if known and name in row and row.get(key) not in (None, *known)]
        if others:
            warnings.warn(
                f"{', '.join(of)}: its {COLUMNS[name].label} is of another recogniser than that of the clean speech, "
                f"and is left out; run {_PROGRAMS[name]} again",
                AvsiWarning,
                stacklevel=3,
            )
        for row in others:
            row.pop(name)


def _estimate_of(values: np.ndarray, weights: np.ndarray | None, mine: np.ndarray) -> Estimate:
    return estimate_mean(values[mine], None if weights is None else weights[mine])


def _column(rows: dict[str, dict], ids: list[str], name: str) -> np.ndarray:
    return np.array([rows.get(id_, {}).get(name) for id_ in ids], float)  # None becomes NaN


def _weights(rows: dict[str, dict], ids: list[str], column: Column) -> np.ndarray | None:
    return np.nan_to_num(_column(rows, ids, column.weight)) if column.weight else None


def _senses(about: dict) -> tuple[bool, bool, bool] | None:
    return tuple(about["senses"]) if "senses" in about else None
