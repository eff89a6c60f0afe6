"""From the scores of utterances to a summary: means, intervals and paired differences."""

import warnings
from collections.abc import Iterable

import numpy as np

from avsi.errors import AvsiWarning, DataError
from avsi.metrics.registry import COLUMNS, scored_columns

from ..folder.evaluation import Evaluation
from ..folder.layout import RECOGNIZERS
from ..folder.score_columns import ScoreColumns
from ..systems.description import is_of_sound
from ..systems.names import UNPROCESSED
from .comparisons import comparable
from .gain_over_silence import Values, harm_of, l1_shares
from .intervals import Bootstrap, Estimate, Weighted, estimate_mean
from .summary import Summary, System
from .voices import compare_voices

# Those that compute a column.
_PROGRAMS = {"per": "evaluation.recognize", "per_gaps": "evaluation.recognize", "keywords": "evaluation.keywords"}


def summarize(evaluation: Evaluation, pairs: Iterable[tuple[str, str]] = ()) -> Summary:
    """All scores of an evaluation, with the differences of some pairs of systems.

    Raises:
        DataError: nothing was scored.
    """
    ids, clean = list(evaluation.places), evaluation.clean_scores
    # By set and column, of shape (n_utterances,), NaN where there is no value.
    scores = {of: _of_same_recognizers(columns, clean, of) for of, columns in evaluation.scores.items()}
    harms = {}
    for (system, condition), of in scores.items():
        silent = scores.get((UNPROCESSED, condition), {})
        of |= l1_shares(of, silent)
        if system != UNPROCESSED and (harm := harm_of(of, silent, ids)):
            harms[system, condition] = harm
    columns = scored_columns(list(scores.values()))
    if not columns:
        raise DataError(f"{evaluation.folder}: nothing is scored; run evaluation.score on it")
    values = {(*of, name): weighted for of, found in scores.items() for name, weighted in _weighted(found).items()}
    systems = described_systems(evaluation)
    differences = {}
    for first, second in pairs:
        for name, condition, column in values:
            both = name == first and (second, condition, column) in values
            if both and comparable(systems, first, second, COLUMNS[column]):
                (one, weights), (two, _) = values[first, condition, column], values[second, condition, column]
                differences[first, second, condition, column] = two - one, weights
    speakers = [utterance.speaker for utterance in evaluation.utterances]
    bootstrap, of_clean = Bootstrap(speakers), _weighted(clean.values)
    found = iter(bootstrap.estimates([*values.values(), *of_clean.values(), *differences.values()]))
    return Summary(
        systems=systems,
        conditions=evaluation.conditions,
        columns=columns,
        estimates=dict(zip(values, found, strict=False)),
        clean=dict(zip(of_clean, found, strict=False)),
        differences=dict(zip(differences, found, strict=False)),
        by_speaker={
            speaker: {of: _estimate_of(*weighted, mine) for of, weighted in values.items()}
            for speaker, mine in _places_by_speaker(speakers).items()
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


def _of_same_recognizers(columns: ScoreColumns, clean: ScoreColumns, of: tuple[str, str]) -> Values:
    """The values of a set, without the results of a recogniser other than that of the clean speech."""
    values = dict(columns.values)
    for name, key in RECOGNIZERS.items():
        known = {*clean.recognizers.get(key, ())} - {None}
        if not known or name not in values or key not in columns.recognizers:
            continue
        others = np.array([recognizer not in (None, *known) for recognizer in columns.recognizers[key]])
        if others.any():
            warnings.warn(
                f"{', '.join(of)}: its {COLUMNS[name].label} is of another recogniser than that of the clean speech, "
                f"and is left out; run {_PROGRAMS[name]} again",
                AvsiWarning,
                stacklevel=3,
            )
            values[name] = np.where(others, np.nan, values[name])
            if not np.isfinite(values[name]).any():
                del values[name]
    return values


def _weighted(values: Values) -> dict[str, Weighted]:
    """By name of each column, in the order of tables, its values and their weights."""
    lacking = np.zeros(len(next(iter(values.values()), ())))
    return {
        column.name: (values[column.name], np.nan_to_num(values.get(column.weight, lacking)) if column.weight else None)
        for column in scored_columns([values])
    }


def _places_by_speaker(speakers: list[str]) -> dict[str, np.ndarray]:
    """The places of the utterances of each, in the order of their names."""
    names, of, counts = np.unique(speakers, return_inverse=True, return_counts=True)
    places = np.split(np.argsort(of, kind="stable"), np.cumsum(counts)[:-1])
    return dict(zip(map(str, names), places, strict=True))


def _estimate_of(values: np.ndarray, weights: np.ndarray | None, mine: np.ndarray) -> Estimate:
    return estimate_mean(values[mine], None if weights is None else weights[mine])


def _senses(about: dict) -> tuple[bool, bool, bool] | None:
    return tuple(about["senses"]) if "senses" in about else None
