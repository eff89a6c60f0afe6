"""The tables of a report, of a results page and of a model's card: one function each."""

from collections.abc import Iterable

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import Column

from ..statistics.comparisons import clear_of_0, count_comparisons, verdict
from ..statistics.gain_over_silence import NOTICED
from ..statistics.summary import Summary, System
from ..systems.names import ORACLE, UNPROCESSED
from .cells import (
    ARROWS,
    DECIMALS,
    DOWN,
    UP,
    best_places,
    blank_note,
    column_heading,
    column_notes,
    condition_title,
    input_marks,
    interval_text,
    mean_text,
    means_over,
)
from .table_model import Table

SENSES = ("A", "V", "MTL")


def all_tables(summary: Summary, pairs: Iterable[tuple[str, str]]) -> list[Table]:
    """Those of a report; ``pairs``: the pairs of systems whose differences are shown."""
    return [
        *(condition_table(summary, condition) for condition in summary.conditions),
        *(length_table(summary, column) for column in summary.columns if summary.has_lengths),
        *([harm_table(summary)] if summary.harms else []),
        *(voice_table(summary, condition) for condition in summary.conditions if has_voices(summary, condition)),
        *(speaker_table(summary, condition) for condition in summary.conditions if len(summary.by_speaker) > 1),
        *(difference_table(summary, *pair) for pair in pairs),
    ]


def condition_table(summary: Summary, condition: Condition) -> Table:
    """The paper's table: the inputs and tasks of each system, and its mean in every metric under one condition."""
    header, leading = ["System"], [[system.name] for system in summary.systems]
    if any(system.senses for system in summary.systems):
        header += SENSES
        leading = [row + input_marks(system) for row, system in zip(leading, summary.systems, strict=True)]
    return _systems_table(
        summary,
        label=f"condition-{condition.name}",
        subject=f"Gaps: {condition_title(condition)}. Means",
        note=" ".join([*column_notes(summary, summary.columns), ARROWS]),
        header=header + [column_heading(column) for column in summary.columns],
        leading=leading,
        cells=[(condition, column) for column in summary.columns],
    )


def length_table(summary: Summary, column: Column) -> Table:
    """The mean of every system in one metric under each condition."""
    return _systems_table(
        summary,
        label=f"metric-{column.name}",
        subject=f"{column.heading}: means",
        note=" ".join(column_notes(summary, [column])),
        header=["System"] + [condition_title(condition) for condition in summary.conditions],
        leading=[[system.name] for system in summary.systems],
        cells=[(condition, column) for condition in summary.conditions],
    )


def system_table(summary: Summary, system: System) -> Table:
    """The means of one system in every metric under each condition."""
    rows, shown = [], []
    for condition in summary.conditions:
        estimates = [summary.estimate(system, condition, column) for column in summary.columns]
        cells = zip(estimates, summary.columns, strict=True)
        rows.append(
            [
                condition_title(condition),
                *(interval_text(estimate, mark=system.mark(column)) for estimate, column in cells),
            ]
        )
        shown += estimates
    told = [*column_notes(summary, summary.columns), ARROWS, blank_note(shown)]
    return Table(
        label=f"system-{system.name}",
        caption=" ".join(filter(None, [f"{system.name}: means {means_over(summary, shown)}", *told])),
        header=["Gaps"] + [column_heading(column) for column in summary.columns],
        alignment="l" + "r" * len(summary.columns),
        rows=rows,
    )


def difference_table(summary: Summary, first: str, second: str) -> Table:
    """The mean difference of two systems on the utterances that both restored, under each condition in each metric.

    Args:
        first, second: names as in the keys of ``summary.differences``, in their order.
    """
    rows, bold = [], set()
    names = [[(first, second, c.name, column.name) for column in summary.columns] for c in summary.conditions]
    shown = [summary.differences.get(of) for line in names for of in line]
    comparisons = count_comparisons(shown)
    for number, (condition, line) in enumerate(zip(summary.conditions, names, strict=True)):
        rows.append([condition_title(condition)])
        for place, (column, of) in enumerate(zip(summary.columns, line, strict=True), start=1):
            difference = summary.differences.get(of)
            outcome = verdict(difference, column, summary.units, comparisons) if difference else ""
            rows[-1].append("\n".join(filter(None, [interval_text(difference, "+"), outcome])))
            if outcome == "better":
                bold.add((number, place))
    caption = [
        f"Paired differences, {second} minus {first}: means {means_over(summary, shown)}",
        *column_notes(summary, summary.columns),
        ARROWS,
        f"{second} is called better (bold) or worse where {clear_of_0(comparisons)}.",
        blank_note(shown),
    ]
    return Table(
        label=f"difference-{first}-{second}",
        caption=" ".join(filter(None, caption)),
        header=["Gaps"] + [column_heading(column) for column in summary.columns],
        alignment="l" + "r" * len(summary.columns),
        rows=rows,
        bold=frozenset(bold),
    )


def harm_table(summary: Summary) -> Table:
    """The number of clips that each system made less intelligible than silence, and the worst, under each condition."""
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
        header=["System"] + [condition_title(condition) for condition in summary.conditions],
        alignment="l" + "r" * len(summary.conditions),
        rows=rows,
    )


def has_voices(summary: Summary, condition: Condition) -> bool:
    return any(name == condition.name for _, name in summary.voices)


def voice_table(summary: Summary, condition: Condition) -> Table:
    """How alike the voice in what each system restored is to the speaker's own, under one condition."""
    found = {name: alike for (name, of), alike in summary.voices.items() if of == condition.name}
    rows = [
        [name, *(interval_text(estimate) for estimate in (alike.own, alike.original, alike.others))]
        for name, alike in found.items()
    ]
    speakers = max(alike.own.scored + alike.own.missing for alike in found.values())
    return Table(
        label=f"voices-{condition.name}",
        caption=f"Gaps: {condition_title(condition)}. How alike (cosine of the speaker encoder) the voice in the "
        "restored stretches is to the speaker's in the rest of the clean speech, beside that in the original ones, "
        f"and to the other speakers'. Means over {speakers} speakers, whose stretches are joined, with 95 % intervals "
        "(bootstrap over speakers) in brackets.",
        header=["System", f"Own voice {UP}", "Original", f"Other speakers {DOWN}"],
        alignment="lrrr",
        rows=rows,
    )


def speaker_table(summary: Summary, condition: Condition) -> Table:
    """The mean of every system in every metric for each speaker, under one condition."""
    rows, bold = [], set()
    for speaker, found in summary.by_speaker.items():
        first = len(rows)
        estimates = {
            column.name: [found.get((system.name, condition.name, column.name)) for system in summary.systems]
            for column in summary.columns
        }
        clips = max((one.scored + one.missing for of in estimates.values() for one in of if one), default=0)
        for number, system in enumerate(summary.systems):
            cells = [mean_text(estimates[column.name][number], system.mark(column)) for column in summary.columns]
            rows.append([speaker, str(clips), system.name, *cells])
        for place, column in enumerate(summary.columns, start=3):
            bold |= {(first + row, place) for row in best_places(summary.systems, estimates[column.name], column)}
    return Table(
        label=f"speakers-{condition.name}",
        caption=f"Gaps: {condition_title(condition)}. Means over the clips of each speaker. "
        f"{' '.join([*column_notes(summary, summary.columns), ARROWS])} Bold: the best of each.",
        header=["Speaker", "Clips", "System"] + [column_heading(column) for column in summary.columns],
        alignment="lrl" + "r" * len(summary.columns),
        rows=rows,
        bold=frozenset(bold),
    )


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
            row.append(interval_text(estimate, mark=system.mark(column)))
        bold |= {(row, place) for row in best_places(summary.systems, estimates, column)}
        shown += estimates
    but = ", but for the oracle's" if any(system.name == ORACLE for system in summary.systems) else ""
    caption = [
        f"{subject} {means_over(summary, shown)}",
        note,
        f"Bold: the best mean{but}." if bold else "",
        blank_note(shown),
    ]
    return Table(
        label=label,
        caption=" ".join(filter(None, caption)),
        header=header,
        alignment="l" + "c" * (len(header) - 1 - len(cells)) + "r" * len(cells),
        rows=rows,
        bold=frozenset(bold),
    )
