"""A table before it is written in a format."""

from collections.abc import Callable
from dataclasses import dataclass


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

    def cells(self, escape: Callable[[str], str]) -> list[list[tuple[str, bool]]]:
        """The rows, escaped, with whether each cell is bold."""
        return [
            [(escape(cell), (row, place) in self.bold) for place, cell in enumerate(cells)]
            for row, cells in enumerate(self.rows)
        ]
