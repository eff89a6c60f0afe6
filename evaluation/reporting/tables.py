"""Tables of a summary in the shape of the paper's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from avsi.data.protocol import Condition
from avsi.metrics.registry import Column

from ..statistics.gain_over_silence import NOTICED
from ..statistics.intervals import Estimate
from ..statistics.summary import OF_SOUND, Summary, System, shown
from ..statistics.verdicts import clear_of_0, count_judged, verdict
from ..systems.names import ORACLE, UNPROCESSED

SENSES = ("A", "V", "MTL")
UP, DOWN = "↑", "↓"
DECIMALS = 3
ARROWS = f"{UP} higher is better, {DOWN} lower is better."
OF_SOUND_NOTE = f"{OF_SOUND} Of the sound's spectrum, since the system predicts none: compare it by LSD."


@dataclass(frozen=True)
class Table:
    """A table of plain text, escaped for no format yet. A line break in a cell is a space in Markdown.

    Attributes:
        label: what LaTeX calls it, after ``tab:``.
        alignment: ``l``, ``c`` or ``r`` for each column.
        rows: each as long as the header.
        bold: (row, column) of each cell in bold.
    """

    label: str
    caption: str
    header: list[str]
    alignment: str
    rows: list[list[str]]
    bold: frozenset[tuple[int, int]] = frozenset()


def condition_table(summary: Summary, condition: Condition) -> Table:
    """The paper's table: what each system hears, sees and learnt, and its mean in every metric under one condition."""
    header, leading = ["System"], [[system.name] for system in summary.systems]
    if any(system.senses for system in summary.systems):
        header += SENSES
        leading = [row + _marks(system) for row, system in zip(leading, summary.systems, strict=True)]
    return _systems_table(
        summary,
        label=f"condition-{condition.name}",
        subject=f"Gaps: {_title(condition)}. Means",
        note=" ".join([*notes(summary, summary.columns), ARROWS]),
        header=header + [_heading(column) for column in summary.columns],
        leading=leading,
        cells=[(condition, column) for column in summary.columns],
    )


def length_table(summary: Summary, column: Column) -> Table:
    """The mean of every system in one metric under each condition."""
    return _systems_table(
        summary,
        label=f"metric-{column.name}",
        subject=f"{column.heading}: means",
        note=" ".join(notes(summary, [column])),
        header=["System"] + [_title(condition) for condition in summary.conditions],
        leading=[[system.name] for system in summary.systems],
        cells=[(condition, column) for condition in summary.conditions],
    )


def system_table(summary: Summary, system: System) -> Table:
    """The means of one system in every metric under each condition."""
    rows, shown = [], []
    for condition in summary.conditions:
        estimates = [summary.estimate(system, condition, column) for column in summary.columns]
        cells = zip(estimates, summary.columns, strict=True)
        rows.append([_title(condition), *(_cell(estimate, mark=system.mark(column)) for estimate, column in cells)])
        shown += estimates
    told = [*notes(summary, summary.columns), ARROWS, _blank(shown)]
    return Table(
        label=f"system-{system.name}",
        caption=" ".join(filter(None, [f"{system.name}: means {_over(summary, shown)}", *told])),
        header=["Gaps"] + [_heading(column) for column in summary.columns],
        alignment="l" + "r" * len(summary.columns),
        rows=rows,
    )


def difference_table(summary: Summary, first: str, second: str) -> Table:
    """How far one system is above another on the utterances that both have, under each condition in each metric.

    Args:
        first, second: names as in the keys of ``summary.differences``, in their order.
    """
    rows, bold = [], set()
    names = [[(first, second, c.name, column.name) for column in summary.columns] for c in summary.conditions]
    shown = [summary.differences.get(of) for line in names for of in line]
    comparisons = count_judged(shown)
    for number, (condition, line) in enumerate(zip(summary.conditions, names, strict=True)):
        rows.append([_title(condition)])
        for place, (column, of) in enumerate(zip(summary.columns, line, strict=True), start=1):
            difference = summary.differences.get(of)
            judged = verdict(difference, column, summary.units, comparisons) if difference else ""
            rows[-1].append("\n".join(filter(None, [_cell(difference, "+"), judged])))
            if judged == "better":
                bold.add((number, place))
    caption = [
        f"Paired differences, {second} minus {first}: means {_over(summary, shown)}",
        *notes(summary, summary.columns),
        ARROWS,
        f"{second} is called better (bold) or worse where {clear_of_0(comparisons)}.",
        _blank(shown),
    ]
    return Table(
        label=f"difference-{first}-{second}",
        caption=" ".join(filter(None, caption)),
        header=["Gaps"] + [_heading(column) for column in summary.columns],
        alignment="l" + "r" * len(summary.columns),
        rows=rows,
        bold=frozenset(bold),
    )


def harm_table(summary: Summary) -> Table:
    """How many clips each system made less intelligible than silence, and the worst of them, under each condition."""
    rows = []
    for system in summary.systems:
        if system.name != UNPROCESSED:
            harms = [summary.harms.get((system.name, condition.name)) for condition in summary.conditions]
            cells = [f"{of.clips} of {of.scored}\n({of.worst:+.{DECIMALS}f} {of.id})" if of else "" for of in harms]
            rows.append([system.name, *cells])
    return Table(
        label="harm",
        caption=f"Clips whose STOI is more than {NOTICED:g} below that with the gaps left silent, of those scored; in "
        "brackets the lowest difference and its clip.",
        header=["System"] + [_title(condition) for condition in summary.conditions],
        alignment="l" + "r" * len(summary.conditions),
        rows=rows,
    )


def speaker_table(summary: Summary, condition: Condition) -> Table:
    """The mean of every system in every metric under one condition, of each speaker alone."""
    rows, bold = [], set()
    for speaker, found in summary.by_speaker.items():
        first = len(rows)
        estimates = {
            column.name: [found.get((system.name, condition.name, column.name)) for system in summary.systems]
            for column in summary.columns
        }
        clips = max((one.scored + one.missing for of in estimates.values() for one in of if one), default=0)
        for number, system in enumerate(summary.systems):
            cells = [shown(estimates[column.name][number], system.mark(column)) for column in summary.columns]
            rows.append([speaker, str(clips), system.name, *cells])
        for place, column in enumerate(summary.columns, start=3):
            bold |= {(first + row, place) for row in _best(summary.systems, estimates[column.name], column)}
    return Table(
        label=f"speakers-{condition.name}",
        caption=f"Gaps: {_title(condition)}. Means over the clips of each speaker. "
        f"{' '.join([*notes(summary, summary.columns), ARROWS])} Bold: the best of each.",
        header=["Speaker", "Clips", "System"] + [_heading(column) for column in summary.columns],
        alignment="lrl" + "r" * len(summary.columns),
        rows=rows,
        bold=frozenset(bold),
    )


def _cells(table: Table, escape: Callable[[str], str]) -> list[list[tuple[str, bool]]]:
    """The rows, escaped, with whether each cell is bold."""
    return [
        [(escape(cell), (row, place) in table.bold) for place, cell in enumerate(cells)]
        for row, cells in enumerate(table.rows)
    ]


def _systems_table(
    summary: Summary,
    label: str,
    subject: str,
    note: str,
    header: list[str],
    leading: list[list[str]],
    cells: list[tuple[Condition, Column]],
) -> Table:
    """One row for each system: its leading cells, then its mean in each of ``cells``."""
    rows, bold, shown = [list(row) for row in leading], set(), []
    for place, (condition, column) in enumerate(cells, start=len(header) - len(cells)):
        estimates = [summary.estimates.get((system.name, condition.name, column.name)) for system in summary.systems]
        for row, estimate, system in zip(rows, estimates, summary.systems, strict=True):
            row.append(_cell(estimate, mark=system.mark(column)))
        bold |= {(row, place) for row in _best(summary.systems, estimates, column)}
        shown += estimates
    but = ", but for the oracle's" if any(system.name == ORACLE for system in summary.systems) else ""
    caption = [
        f"{subject} {_over(summary, shown)}",
        note,
        f"Bold: the best mean{but}." if bold else "",
        _blank(shown),
    ]
    return Table(
        label=label,
        caption=" ".join(filter(None, caption)),
        header=header,
        alignment="l" + "c" * (len(header) - 1 - len(cells)) + "r" * len(cells),
        rows=rows,
        bold=frozenset(bold),
    )


def _best(systems: list[System], estimates: list[Estimate | None], column: Column) -> list[int]:
    """The places of the best means as they are shown, so that equal figures are treated alike; none where there is
    nothing to be better than. The oracle is no system, and what is measured on the sound has a mark instead.
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


def _cell(estimate: Estimate | None, sign: str = "z", mark: str = "") -> str:
    """Such as ``0.458 [0.440, 0.476] (2 not scored)``, in lines.

    Args:
        sign: ``+`` for a sign before every number, so that a hair below 0 is -0.000; ``z`` for none before 0.000.
        mark: stands after the mean.
    """
    if estimate is None:
        return ""
    mean, low, high = (f"{value:{sign}.{DECIMALS}f}" for value in (estimate.mean, estimate.low, estimate.high))
    parts, notes = [mean + mark], []
    if math.isnan(estimate.mean):
        parts = ["-"]
    elif math.isnan(estimate.low):
        notes.append("no interval")
    else:
        parts.append(f"[{low}, {high}]")
    if estimate.missing:
        notes.append(f"{estimate.missing} not scored")
    return "\n".join([*parts, f"({', '.join(notes)})"] if notes else parts)


def notes(summary: Summary, columns: Iterable[Column]) -> list[str]:
    """What must be known to read these columns."""
    of_prediction = [column for column in columns if column.of_prediction]
    found = [f"{column.label}: utterances weigh by their {column.weight}." for column in columns if column.weight]
    if of_prediction and summary.stats:
        found.append(f"The unit of L1, and the mean fill, are of {summary.stats}.")
    if any(system.mark(column) for system in summary.systems for column in of_prediction):
        found.append(OF_SOUND_NOTE)
    return found + [column.caution for column in columns if column.caution]


def _marks(system: System) -> list[str]:
    return ["x" if has else "" for has in system.senses or (False, False, False)]


def _title(condition: Condition) -> str:
    return condition.name if condition.gap_ms is None else f"{condition.gap_ms:g} ms"


def _heading(column: Column) -> str:
    """Such as ``LSD ↓ (dB)``, in lines; the arrow shows the way to the better."""
    label = f"{column.label} {DOWN if column.lower_is_better else UP}"
    return f"{label}\n({column.unit})" if column.unit else label


def _over(summary: Summary, estimates: Iterable[Estimate | None]) -> str:
    """Over what the means are, and their intervals."""
    drawn = "speakers and utterances" if summary.speakers > 1 else "the utterances of one speaker"
    return f"over {_utterances(estimates)} with 95 % intervals (bootstrap over {drawn}) in brackets."


def _utterances(estimates: Iterable[Estimate | None]) -> str:
    """How many each mean was sought over, such as ``60 utterances``: all of one summary over the same."""
    count = max((estimate.scored + estimate.missing for estimate in estimates if estimate), default=0)
    return f"{count} utterance{'' if count == 1 else 's'}"


def _blank(estimates: Iterable[Estimate | None]) -> str:
    return "What is blank was not measured." if None in estimates else ""
