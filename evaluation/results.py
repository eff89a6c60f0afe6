"""A page of results in Markdown, with a section for each evaluation: tables, curves, and how figures were made.

python -m evaluation.results exp/evaluation/paper --out RESULTS.md
"""

import warnings
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import AvsiWarning, DataError
from avsi.files import write_text, written_beside
from avsi.program import run_program

from .folder.evaluation import Evaluation
from .reporting.curves import length_curves
from .reporting.sections import section
from .statistics.comparisons import ablation_pairs
from .statistics.summarize import summarize

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Evaluations that evaluation.score has scored.")],
    out: Annotated[Path, typer.Option(help="The page to write; pictures lie beside it.")],
) -> None:
    """Write a section for each evaluation."""
    sections = []
    for folder in folders:
        evaluation = Evaluation.read(folder)
        try:
            summary = summarize(evaluation, ablation_pairs(evaluation))
        except DataError as error:
            warnings.warn(str(error), AvsiWarning, stacklevel=2)
            continue
        picture = None
        if summary.has_lengths:
            picture = out.with_name(f"{out.stem}_{folder.resolve().name}.png")
            with written_beside(picture) as partial:
                partial.write_bytes(length_curves(summary, "png"))
        sections.append(section(evaluation, summary, picture.name if picture else None))
    if not sections:
        raise DataError("none of these has scores that can be shown; the notes above say why")
    write_text(out, "\n".join(["# Results", "", *sections]))
    print(f"{out}: {len(sections)} evaluation(s)")


if __name__ == "__main__":
    run_program(app)
