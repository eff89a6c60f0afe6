"""Tables as LaTeX."""

from __future__ import annotations

import re

from ..statistics.summary import OF_SOUND
from .tables import DOWN, UP, Table, _cells


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
        OF_SOUND: r"$\dagger$",
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
