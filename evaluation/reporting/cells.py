"""The texts of tables: figures in cells, headings, and the sentences of captions."""

import math
from collections.abc import Iterable

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import Column

from ..statistics.intervals import Estimate
from ..statistics.summary import OF_SOUND, Summary, System
from ..systems.names import ORACLE

UP, DOWN = "↑", "↓"
DECIMALS = 3
ARROWS = f"{UP} higher is better, {DOWN} lower is better."
OF_SOUND_NOTE = f"{OF_SOUND} Of the sound's spectrum, since the system predicts none: compare it by LSD."


def mean_text(estimate: Estimate | None, mark: str = "") -> str:
    """A mean in one line, with its mark and the number of utterances without a value."""
    if estimate is None:
        return ""
    mean = "-" if math.isnan(estimate.mean) else f"{estimate.mean:.{DECIMALS}f}{mark}"
    return f"{mean} ({estimate.missing} not scored)" if estimate.missing else mean


def interval_text(estimate: Estimate | None, sign: str = "z", mark: str = "", decimals: int = DECIMALS) -> str:
    """A mean and its interval in lines, such as ``0.458 [0.440, 0.476] (2 not scored)``.

    Args:
        sign: ``+`` for a sign before every number, so that a hair below 0 is -0.000; ``z`` for none before 0.000.
        mark: stands after the mean.
    """
    if estimate is None:
        return ""
    mean, low, high = (f"{value:{sign}.{decimals}f}" for value in (estimate.mean, estimate.low, estimate.high))
    parts, remarks = [mean + mark], []
    if math.isnan(estimate.mean):
        parts = ["-"]
    elif math.isnan(estimate.low):
        remarks.append("no interval")
    else:
        parts.append(f"[{low}, {high}]")
    if estimate.missing:
        remarks.append(f"{estimate.missing} not scored")
    return "\n".join([*parts, f"({', '.join(remarks)})"] if remarks else parts)


def best_places(systems: list[System], estimates: list[Estimate | None], column: Column) -> list[int]:
    """The places of the best means after rounding, so that equal figures are treated alike; none of a single mean. The
    oracle does not count, nor do means with a mark, which are of the sound's spectrum.
    """
    means = {
        place: round(estimate.mean, DECIMALS)
        for place, (system, estimate) in enumerate(zip(systems, estimates, strict=True))
        if estimate and system.name != ORACLE and not system.mark(column) and math.isfinite(estimate.mean)
    }
    if len(means) < 2:
        return []
    best = (min if column.lower_is_better else max)(means.values())
    return [place for place, mean in means.items() if mean == best]


def column_notes(summary: Summary, columns: Iterable[Column]) -> list[str]:
    """The notes that explain these columns."""
    of_prediction = [column for column in columns if column.of_prediction]
    found = [f"{column.label}: utterances weigh by their {column.weight}." for column in columns if column.weight]
    if of_prediction and summary.stats:
        found.append(f"The unit of L1, and the mean fill, are from {summary.stats}.")
    if any(system.mark(column) for system in summary.systems for column in of_prediction):
        found.append(OF_SOUND_NOTE)
    return found + [column.caution for column in columns if column.caution]


def input_marks(system: System) -> list[str]:
    return ["x" if has else "" for has in system.senses or (False, False, False)]


def condition_title(condition: Condition) -> str:
    return condition.name if condition.gap_ms is None else f"{condition.gap_ms:g} ms"


def column_heading(column: Column) -> str:
    """Label, arrow and unit in lines, such as ``LSD ↓ (dB)``; the arrow points to better values."""
    label = f"{column.label} {DOWN if column.lower_is_better else UP}"
    return f"{label}\n({column.unit})" if column.unit else label


def means_over(summary: Summary, estimates: Iterable[Estimate | None]) -> str:
    """The utterances and the bootstrap units of means, for a caption."""
    drawn = "speakers and utterances" if summary.speakers > 1 else "the utterances of one speaker"
    return f"over {_utterances(estimates)} with 95 % intervals (bootstrap over {drawn}) in brackets."


def _utterances(estimates: Iterable[Estimate | None]) -> str:
    """The number of utterances of each mean, such as ``60 utterances``: the same for all means of a summary."""
    count = max((estimate.scored + estimate.missing for estimate in estimates if estimate), default=0)
    return f"{count} utterance{'' if count == 1 else 's'}"


def blank_note(estimates: Iterable[Estimate | None]) -> str:
    return "Blank cells were not measured." if None in estimates else ""
