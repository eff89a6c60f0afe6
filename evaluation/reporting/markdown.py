"""Tables as Markdown."""

import re

from .table_model import Table


def to_markdown(table: Table) -> str:
    """The caption and, below it, the table as GitHub reads it."""
    rules = [{"l": "---", "c": ":---:", "r": "---:"}[side] for side in table.alignment]
    rows = [[f"**{cell}**" if bold else cell for cell, bold in row] for row in table.cells(escape_markdown)]
    lines = [f"| {' | '.join(cells)} |" for cells in (map(escape_markdown, table.header), rules, *rows)]
    return "\n".join([escape_markdown(table.caption), "", *lines, ""])


def escape_markdown(text: str) -> str:
    """Escaped, in one line; an underscore within a word needs no escape."""
    return re.sub(r"([\\|*`<~]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text.replace("\n", " "))
