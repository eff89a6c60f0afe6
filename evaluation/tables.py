"""Tables of a summary in the shape of the paper's, as Markdown and as LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from avsi.data.protocol import Condition
from avsi.metrics.table import Column

from .intervals import Estimate
from .silence import NOTICED
from .summary import Summary, System, shown
from .systems import ORACLE, UNPROCESSED  # ORACLE: an upper bound, never the best of the systems

SENSES = ("A", "V", "MTL")
UP, DOWN = "↑", "↓"
DECIMALS = 3

INTERVALS = "with 95 % intervals (bootstrap over speakers and utterances) in brackets"
ARROWS = f"{UP} higher is better, {DOWN} lower is better."


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
        note=" ".join([*map(_weighting, filter(lambda column: column.weight, summary.columns)), ARROWS]),
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
        note=_weighting(column) if column.weight else "",
        header=["System"] + [_title(condition) for condition in summary.conditions],
        leading=[[system.name] for system in summary.systems],
        cells=[(condition, column) for condition in summary.conditions],
    )


def system_table(summary: Summary, system: System) -> Table:
    """The means of one system in every metric under each condition."""
    rows, shown = [], []
    for condition in summary.conditions:
        estimates = [summary.estimate(system, condition, column) for column in summary.columns]
        rows.append([_title(condition), *map(_cell, estimates)])
        shown += estimates
    notes = [*map(_weighting, filter(lambda column: column.weight, summary.columns)), ARROWS, _blank(shown)]
    return Table(
        label=f"system-{system.name}",
        caption=" ".join(filter(None, [f"{system.name}: means over {_utterances(shown)} {INTERVALS}.", *notes])),
        header=["Gaps"] + [_heading(column) for column in summary.columns],
        alignment="l" + "r" * len(summary.columns),
        rows=rows,
    )


def difference_table(summary: Summary, first: str, second: str) -> Table:
    """How far one system is above another on the utterances that both have, under each condition in each metric.

    Args:
        first, second: names as in the keys of ``summary.differences``, in their order.
    """
    rows, shown, bold = [], [], set()
    for number, condition in enumerate(summary.conditions):
        rows.append([_title(condition)])
        for place, column in enumerate(summary.columns, start=1):
            difference = summary.differences.get((first, second, condition.name, column.name))
            judged = verdict(difference, column) if difference else ""
            rows[-1].append("\n".join(filter(None, [_cell(difference, "+"), judged])))
            if judged == "better":
                bold.add((number, place))
            shown.append(difference)
    caption = [
        f"Paired differences, {second} minus {first}: means over {_utterances(shown)} {INTERVALS}.",
        f"{ARROWS} {second} is called better (bold) or worse where the interval is clear of 0.",
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
            cells = [shown(estimates[column.name][number]) for column in summary.columns]
            rows.append([speaker, str(clips), system.name, *cells])
        for place, column in enumerate(summary.columns, start=3):
            bold |= {(first + row, place) for row in _best(summary.systems, estimates[column.name], column)}
    return Table(
        label=f"speakers-{condition.name}",
        caption=f"Gaps: {_title(condition)}. Means over the clips of each speaker. {ARROWS} Bold: the best of each.",
        header=["Speaker", "Clips", "System"] + [_heading(column) for column in summary.columns],
        alignment="lrl" + "r" * len(summary.columns),
        rows=rows,
        bold=frozenset(bold),
    )


def to_markdown(table: Table) -> str:
    """The caption and, below it, the table as GitHub reads it."""
    rules = [{"l": "---", "c": ":---:", "r": "---:"}[side] for side in table.alignment]
    rows = [[f"**{cell}**" if bold else cell for cell, bold in row] for row in _cells(table, _markdown)]
    lines = [f"| {' | '.join(cells)} |" for cells in (map(_markdown, table.header), rules, *rows)]
    return "\n".join([_markdown(table.caption), "", *lines, ""])


def to_latex(table: Table) -> str:
    r"""A float for a document with ``\usepackage{booktabs,graphicx}``, made smaller where it is wider than the line.

    With a star after both ``table`` it spans the two columns of a paper.
    """
    rows = [[rf"\textbf{{{cell}}}" if bold else cell for cell, bold in row] for row in _cells(table, _latex)]
    in_lines = any("\n" in cell for row in table.rows for cell in row)
    end = r" \\ \addlinespace[2pt]" if in_lines else r" \\"
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(table.caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9.-]+', '-', table.label)}}}",
        r"\medskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{table.alignment}}}",
        r"\toprule",
        " & ".join(map(_latex, table.header)) + r" \\",
        r"\midrule",
        *(" & ".join(cells) + end for cells in rows),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


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
        for row, estimate in zip(rows, estimates, strict=True):
            row.append(_cell(estimate))
        bold |= {(row, place) for row in _best(summary.systems, estimates, column)}
        shown += estimates
    but = ", but for the oracle's" if any(system.name == ORACLE for system in summary.systems) else ""
    caption = [
        f"{subject} over {_utterances(shown)} {INTERVALS}.",
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
    nothing to be better than.
    """
    means = {
        place: round(estimate.mean, DECIMALS)
        for place, (system, estimate) in enumerate(zip(systems, estimates, strict=True))
        if estimate and system.name != ORACLE and math.isfinite(estimate.mean)
    }
    if len(means) < 2:
        return []
    best = (min if column.lower_is_better else max)(means.values())
    return [place for place, mean in means.items() if mean == best]


def _cell(estimate: Estimate | None, sign: str = "z") -> str:
    """Such as ``0.458 [0.440, 0.476] (2 not scored)``, in lines.

    Args:
        sign: ``+`` for a sign before every number, so that a hair below 0 is -0.000; ``z`` for none before 0.000.
    """
    if estimate is None:
        return ""
    mean, low, high = (f"{value:{sign}.{DECIMALS}f}" for value in (estimate.mean, estimate.low, estimate.high))
    parts, notes = [mean], []
    if math.isnan(estimate.mean):
        parts = ["-"]
    elif math.isnan(estimate.low):
        notes.append("no interval")
    else:
        parts.append(f"[{low}, {high}]")
    if estimate.missing:
        notes.append(f"{estimate.missing} not scored")
    return "\n".join([*parts, f"({', '.join(notes)})"] if notes else parts)


def verdict(difference: Estimate, column: Column) -> str:
    """``better`` or ``worse``; "" where the interval holds 0, or there is none."""
    if difference.low > 0 or difference.high < 0:
        return "better" if (difference.mean < 0) == column.lower_is_better else "worse"
    return ""


def _marks(system: System) -> list[str]:
    return ["x" if has else "" for has in system.senses or (False, False, False)]


def _title(condition: Condition) -> str:
    return condition.name if condition.gap_ms is None else f"{condition.gap_ms:g} ms"


def _heading(column: Column) -> str:
    """Such as ``LSD ↓ (dB)``, in lines; the arrow shows the way to the better."""
    label = f"{column.label} {DOWN if column.lower_is_better else UP}"
    return f"{label}\n({column.unit})" if column.unit else label


def _weighting(column: Column) -> str:
    return f"{column.label}: utterances weigh by their {column.weight}."


def _utterances(estimates: Iterable[Estimate | None]) -> str:
    """How many each mean was sought over, such as ``60 utterances``: all of one summary over the same."""
    count = max((estimate.scored + estimate.missing for estimate in estimates if estimate), default=0)
    return f"{count} utterance{'' if count == 1 else 's'}"


def _blank(estimates: Iterable[Estimate | None]) -> str:
    return "What is blank was not measured." if None in estimates else ""


def _markdown(text: str) -> str:
    """Escaped, in one line; an underscore within a word is one."""
    return re.sub(r"([\\|*`<~]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text.replace("\n", " "))


_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "{}$&#_%"},
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        UP: r"$\uparrow$",
        DOWN: r"$\downarrow$",
    }
)


def _latex(text: str) -> str:
    """Escaped, with minus signs for hyphens before numbers, and small lines below the first. A row that began with
    ``[`` or ``*`` would be an option of the line break above it.
    """
    escaped = text.translate(_LATEX).replace(r" \%", r"~\%")
    first, *others = re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped).split("\n")
    if others:
        lines = r" \\ ".join([first, *(rf"\footnotesize {line}" for line in others)])
        return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{lines}\end{{tabular}}"
    return f"{{}}{first}" if first.startswith(("[", "*")) else first
