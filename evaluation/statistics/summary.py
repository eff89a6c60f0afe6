"""What an evaluation found, in numbers: every system, condition and metric, and every pair of systems."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from avsi.data.protocol import Condition
from avsi.errors import AvsiWarning, DataError
from avsi.metrics.registry import COLUMNS, Column, scored_columns

from ..folder.evaluation import Evaluation
from ..folder.layout import CLEAN, JUDGES, PHONES, SCORES, WORDS
from ..folder.rows import merged_rows
from ..systems.description import is_of_sound
from ..systems.names import UNPROCESSED
from .gain_over_silence import Harm, add_shares, harm_of
from .intervals import Bootstrap, Estimate, estimate_mean

OF_SOUND = "†"
PROGRAMS = {"per": "evaluation.recognize", "keywords": "evaluation.keywords"}  # that hear anew, by column


@dataclass(frozen=True)
class System:
    """A row of the tables.

    Attributes:
        senses: whether a model hears (A), sees (V) and learnt phones too (MTL); None for what is no model.
        of_sound: whether its spectrum is that of the sound it made, since it predicts none.
    """

    name: str
    senses: tuple[bool, bool, bool] | None = None
    of_sound: bool = False

    def mark(self, column: Column) -> str:
        """What tells a figure of the sound's spectrum from those of predictions; "" for all others."""
        return OF_SOUND if self.of_sound and column.of_prediction else ""


@dataclass(frozen=True)
class Summary:
    """Means with intervals over one set of utterances.

    Attributes:
        systems, conditions, columns: those that were scored, in the order in which tables have them.
        estimates: by names of (system, condition, column); a combination that was not scored is absent.
        clean: by column name, of the clean speech itself: what recognisers make of it.
        differences: by names of (system, other system, condition, column), for the pairs that were asked for: how far
        the second is above the first on the utterances that both have (paired). Where but one of both predicts a
        spectrum, there is none of what is measured on it.
        by_speaker: without intervals, by name of the speaker, then as ``estimates``.
        harms: by names of (system, condition), where both it and ``unprocessed`` have STOI.
        speakers: how many there are.
        units: how many of what intervals are drawn over: speakers, or utterances of one speaker.
        stats: where the statistics came from that are the unit of L1, and the mean fill; "" where that is not known.
    """

    systems: list[System]
    conditions: list[Condition]
    columns: list[Column]
    estimates: dict[tuple[str, str, str], Estimate]
    clean: dict[str, Estimate]
    differences: dict[tuple[str, str, str, str], Estimate]
    by_speaker: dict[str, dict[tuple[str, str, str], Estimate]] = field(default_factory=dict)
    harms: dict[tuple[str, str], Harm] = field(default_factory=dict)
    speakers: int = field(kw_only=True)
    units: int = field(kw_only=True)
    stats: str = field(default="", kw_only=True)

    @property
    def has_lengths(self) -> bool:
        """Whether there is anything to draw over the length of the gap."""
        return sum(condition.gap_ms is not None for condition in self.conditions) > 1

    def estimate(self, system: System, condition: Condition, column: Column) -> Estimate | None:
        return self.estimates.get((system.name, condition.name, column.name))


def summarize(evaluation: Evaluation, pairs: Iterable[tuple[str, str]] = ()) -> Summary:
    """Of all scores that there are, with the differences of pairs of systems.

    Raises:
        DataError: nothing was scored.
    """
    tables = {
        (restored.system, restored.condition): restored.rows(SCORES, PHONES, WORDS) for restored in evaluation.sets
    }
    clean = merged_rows(evaluation.folder / CLEAN, PHONES, WORDS)
    for of, rows in tables.items():
        _drop_other_judges(rows, clean, of)
    harms = {}
    for (system, condition), rows in tables.items():
        silent = tables.get((UNPROCESSED, condition), {})
        add_shares(rows, silent)
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
    systems = [System(name, _senses(of), is_of_sound(of)) for name, of in evaluation.about["systems"].items()]
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
        speakers=len(set(speakers)),
        units=bootstrap.units,
        stats=evaluation.about.get("stats", ""),
    )


def _estimate_of(values: np.ndarray, weights: np.ndarray | None, mine: np.ndarray) -> Estimate:
    return estimate_mean(values[mine], None if weights is None else weights[mine])


def comparable(systems: list[System], first: str, second: str, column: Column) -> bool:
    """Whether two systems are measured alike in a metric: on what they predict, or on the sound they made."""
    marks = {system.name: system.mark(column) for system in systems}
    return marks[first] == marks[second]


def telling_pairs(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The pairs of models of which the second has one of hearing, sight and phones more than the first, and no less."""
    senses = {name: about["senses"] for name, about in evaluation.about["systems"].items() if "senses" in about}
    pairs = []
    for pair in combinations(senses, 2):
        first, second = sorted(pair, key=lambda name: sum(senses[name]))
        more = [two - one for one, two in zip(senses[first], senses[second], strict=True)]
        if sorted(more) == [0, 0, 1]:
            pairs.append((first, second))
    return pairs


def shown(estimate: Estimate | None, mark: str = "") -> str:
    """A mean as tables on the terminal have it, its mark, and how many utterances have no value, if any."""
    if estimate is None:
        return ""
    mean = "-" if math.isnan(estimate.mean) else f"{estimate.mean:.3f}{mark}"
    return f"{mean} ({estimate.missing} not scored)" if estimate.missing else mean


def _drop_other_judges(rows: dict[str, dict], clean: dict[str, dict], of: tuple[str, str]) -> None:
    """Leave out what another recogniser heard than the one that heard the clean speech."""
    for name, judge in JUDGES.items():
        judges = {row[judge] for row in clean.values() if judge in row}
        others = [row for row in rows.values() if judges and row.get(judge) not in (None, *judges)]
        if others:
            warnings.warn(
                f"{', '.join(of)}: its {COLUMNS[name].label} was heard by another recogniser than the clean speech's, "
                f"and is left out; run {PROGRAMS[name]} again",
                AvsiWarning,
                stacklevel=3,
            )
        for row in others:
            row.pop(name)


def _column(rows: dict[str, dict], ids: list[str], name: str) -> np.ndarray:
    return np.array([rows.get(id_, {}).get(name) for id_ in ids], float)  # None becomes NaN


def _weights(rows: dict[str, dict], ids: list[str], column: Column) -> np.ndarray | None:
    return np.nan_to_num(_column(rows, ids, column.weight)) if column.weight else None


def _senses(about: dict) -> tuple[bool, bool, bool] | None:
    return tuple(about["senses"]) if "senses" in about else None
