"""Curves over the length of the gap: a panel for each metric, a line for each system."""

import io
import math
from itertools import cycle

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import L1_SHARE, Column

from ..statistics.summary import Summary, System

WIDTH, PANEL_HEIGHT = 3.4, 1.55  # inches; IEEE's columns are 3.4 to 3.5 wide
LEGEND_LINE, LEGEND_MARK, LEGEND_LETTER = 0.135, 0.35, 0.055  # inches: what stands before a name, and a letter of it
LEGEND_IN_PANEL = 10  # systems at most
DPI = 200
LENGTHS_LABELLED = 5  # at most, on an axis
OFF_THE_PANEL = 2  # times as bad as all others: such a line may leave its panel, so that the others stay apart
STYLE = {
    "font.family": "STIXGeneral",  # comes with matplotlib, and goes with the Times of papers
    "font.size": 8,
    "axes.labelsize": 7.5,
    "axes.titlesize": 7.5,
    "axes.titlepad": 3,
    "axes.labelpad": 1,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.4,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.8,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0,
    "legend.handlelength": 2.6,
    "legend.labelspacing": 0.25,
    "legend.columnspacing": 1.2,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.02,
    "text.parse_math": False,  # a name is a name, even with dollars
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
}
# Colours by Okabe and Ito (2008); markers for print without colour. The lists differ in length, so that pairs repeat
# late.
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MODEL_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
OTHER_GREYS = ("0.65", "0.5", "0.35", "0.0")
OTHER_DASHES = ((0, (1, 1)), (0, (4, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (2, 1)))
OTHER_MARKERS = ("x", "+", "1", "*", "2")


def length_curves(summary: Summary, file_format: str) -> bytes:
    """A picture in ``pdf`` or ``png``: means over the length of the gap in ms, with their intervals shaded.

    Conditions that are no length are left out. Models have coloured, solid lines; other systems grey, dashed ones. A
    system with one length is a point. A line far above all others may leave its panel. Metrics of predicted spectra are
    drawn only for systems that predict one. Tables, not curves, show how many utterances have no value.

    Raises:
        ValueError: no condition is a length.
    """
    picture = io.BytesIO()
    with style.context(["default", STYLE]):
        # Without a date: the same summary makes the same file.
        draw(summary).savefig(picture, format=file_format, dpi=DPI, metadata={"CreationDate": None})
    return picture.getvalue()


def draw(summary: Summary) -> Figure:
    """The figure that ``length_curves`` saves, in the current style."""
    lengths = sorted((c for c in summary.conditions if c.gap_ms is not None), key=lambda c: c.gap_ms)
    if not lengths:
        raise ValueError("no condition is a length of gaps")
    columns = [column for column in summary.columns if column != L1_SHARE]  # whose curve has the shape of L1's
    names, count = [system.name for system in summary.systems], len(columns)
    across = min(count, 2)
    down = math.ceil(count / across)
    legend_columns = max(1, int(WIDTH / (LEGEND_MARK + LEGEND_LETTER * max(map(len, names)))))
    legend_in_panel = count < down * across and len(names) <= LEGEND_IN_PANEL
    legend_height = 0 if legend_in_panel else math.ceil(len(names) / legend_columns) * LEGEND_LINE
    figure = Figure(figsize=(WIDTH, down * PANEL_HEIGHT + legend_height), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, column in zip(panels, columns, strict=False):
        _draw_panel(panel, summary, column, lengths)
    for panel in panels[count:]:
        panel.set_axis_off()
    if legend_in_panel:
        panels[-1].legend(panels[0].lines, names, loc="center")
    else:
        figure.legend(panels[0].lines, names, loc="outside lower center", ncols=legend_columns)
    return figure


def _draw_panel(panel: Axes, summary: Summary, column: Column, lengths: list[Condition]) -> None:
    tops = {}
    for system, look in zip(summary.systems, _line_styles(summary.systems), strict=True):
        shown = [] if system.mark(column) else lengths
        found = [(c.gap_ms, summary.estimates.get((system.name, c.name, column.name))) for c in shown]
        points = [(gap_ms, e.mean, e.low, e.high) for gap_ms, e in found if e and math.isfinite(e.mean)]
        gap_ms, mean, low, high = np.array(points).reshape(-1, 4).T
        panel.plot(gap_ms, mean, **look)
        if len(points) == 1:
            panel.vlines(gap_ms, low, high, color=look["color"], linewidth=1)
        else:
            panel.fill_between(gap_ms, low, high, color=look["color"], alpha=0.18, linewidth=0)
        if len(points):
            tops[system.name] = mean.max()
    *others, worst = sorted(tops, key=tops.get) or [""]
    if others and column.lower_is_better and tops[worst] > OFF_THE_PANEL * tops[others[-1]] > 0:
        panel.set_ylim(top=1.25 * tops[others[-1]])
        panel.text(0.5, 0.98, f"↑ {worst}", transform=panel.transAxes, ha="center", va="top", fontsize=6.5)
    panel.set_xscale("log")
    panel.set_xlim(lengths[0].gap_ms / 1.15, lengths[-1].gap_ms * 1.15)
    panel.set_xticks(_labelled([c.gap_ms for c in lengths]))
    panel.set_xticks([c.gap_ms for c in lengths], minor=True)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_formatter("")
    panel.yaxis.set_major_locator(MaxNLocator(4))
    panel.set_xlabel("Gap length, ms")
    direction = "lower" if column.lower_is_better else "higher"
    what = ", ".join(filter(None, (column.label, column.unit)))
    panel.set_title(f"{what}\n({direction} is better)", loc="left", linespacing=1)


def _line_styles(systems: list[System]) -> list[dict]:
    """The style of each system's line."""
    colours, markers = cycle(MODEL_COLOURS), cycle(MODEL_MARKERS)
    greys, dashes, crosses = cycle(OTHER_GREYS), cycle(OTHER_DASHES), cycle(OTHER_MARKERS)
    return [
        {
            "color": next(colours),
            "marker": next(markers),
            "linestyle": "-",
            "zorder": 3,
            "markeredgecolor": "white",
            "markeredgewidth": 0.3,
        }
        if system.senses
        else {"color": next(greys), "marker": next(crosses), "linestyle": next(dashes), "zorder": 2}
        for system in systems
    ]


def _labelled(lengths_ms: list[float]) -> list[float]:
    """Those of sorted lengths that have room for a label on a logarithmic axis, from the longest down."""
    step = (lengths_ms[-1] / lengths_ms[0]) ** (0.95 / (LENGTHS_LABELLED - 1))
    labelled = lengths_ms[-1:]
    for length_ms in reversed(lengths_ms):
        if labelled[0] / length_ms >= step and length_ms != labelled[0]:
            labelled.insert(0, length_ms)
    return labelled
