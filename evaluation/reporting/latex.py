"""Tables as LaTeX."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ..statistics.summary import OF_SOUND
from .cells import DOWN, UP
from .table_model import Table


def to_latex(table: Table) -> str:
    r"""A float for a document with ``\usepackage{booktabs,graphicx}``, made smaller where it is wider than the line.

    With a star after both ``table`` it spans the two columns of a paper.
    """
    return _template().render(
        caption=_latex(table.caption),
        label=re.sub("[^A-Za-z0-9.-]+", "-", table.label),
        alignment=table.alignment,
        header=map(_latex, table.header),
        rows=[[rf"\textbf{{{cell}}}" if bold else cell for cell, bold in cells] for cells in table.cells(_latex)],
        in_lines=any("\n" in cell for cells in table.rows for cell in cells),
    )


@cache
def _template() -> Template:
    # Jinja's own signs mean something in LaTeX.
    environment = Environment(
        *("<%", "%>", "<<", ">>", "<#", "#>"),
        loader=PackageLoader("evaluation.reporting"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("table.tex")


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
    """Escaped, with minus signs for hyphens before numbers, and small lines below the first. A leading ``[`` or ``*``
    is hidden from the line break above, which would take it for an option.
    """
    escaped = text.translate(_LATEX).replace(r" \%", r"~\%")
    first, *others = re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped).split("\n")
    if others:
        lines = r" \\ ".join([first, *(rf"\footnotesize {line}" for line in others)])
        return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{lines}\end{{tabular}}"
    return f"{{}}{first}" if first.startswith(("[", "*")) else first
