"""An evaluation for people: tables, curves, and a page to listen to.

python -m evaluation.report exp/evaluation/paper
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import ConfigError, DataError
from avsi.files import write_text, written_beside
from avsi.metrics.registry import L1_SHARE, Column
from avsi.program import run_program

from .folder.evaluation import Evaluation
from .folder.layout import REPORT, STFT
from .reporting.browse_page import Ranking, browse_page
from .reporting.curves import length_curves
from .reporting.example_selection import DEFAULT, MOST
from .reporting.examples import examples_of
from .reporting.latex import to_latex
from .reporting.sections import section
from .reporting.tables import Table, condition_table, difference_table, harm_table, length_table, speaker_table
from .statistics.summary import Summary, summarize, telling_pairs

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.score has scored.")],
    examples: Annotated[
        int | None,
        typer.Option(min=0, max=MOST, help="Utterances on the page; by default 24, or three for each condition."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Whose best, median and worst utterances they are; the last model's by default.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="By which metric; STOI by default, where it was scored.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to draw with.")] = 2,
) -> None:
    """Write results.md, tables.tex, summary.csv, curves.pdf, curves.png and index.html into the folder's report/."""
    evaluation = Evaluation.read(folder)
    summary = summarize(evaluation, telling_pairs(evaluation))
    scored = {column.name: column for column in summary.columns if column != L1_SHARE}  # which is no utterance's own
    if metric not in (None, *scored):
        raise ConfigError(f"--metric {metric}: expected one that was scored: {', '.join(scored)}")
    column = scored.get(metric or "stoi", summary.columns[0])
    models, judged = _judged(summary, column, evaluation.known(system) if system else None)
    out = folder / REPORT
    out.mkdir(exist_ok=True)
    picture = None
    if summary.has_lengths:
        for kind in ("png", "pdf"):
            picture = f"curves.{kind}" if kind == "png" else picture
            with written_beside(out / f"curves.{kind}") as partial:
                partial.write_bytes(length_curves(summary, kind))
    write_text(out / "results.md", section(evaluation, summary, picture))
    write_text(out / "tables.tex", "\n".join(map(to_latex, _tables(evaluation, summary))))
    write_text(out / "summary.csv", _csv(summary))
    written = ["results.md", "tables.tex", "summary.csv", *(["curves.png", "curves.pdf"] if picture else [])]
    count = min(MOST, max(DEFAULT, 3 * len(summary.conditions))) if examples is None else examples
    if chosen := examples_of(evaluation, judged, column, count) if count else []:
        total = len(evaluation.utterances) * len(evaluation.conditions)
        about = f"{evaluation.about['corpus']}, {evaluation.about['datadir']}: {len(chosen)} of {total} restorations."
        about = " ".join(filter(None, [about, evaluation.caution]))
        beside = list(dict.fromkeys([*models[:1], judged]))
        title = f"Restored speech: {folder.resolve().name}"
        page = browse_page(title, about, chosen, STFT.sample_rate, Ranking(judged, column), beside, jobs)
        write_text(out / "index.html", page)
        written.append("index.html")
    print(f"{out}: {', '.join(written)}")


def _judged(summary: Summary, column: Column, wanted: str | None) -> tuple[list[str], str]:
    """(the models that have values of a metric, the system whose cases are shown). Raises DataError without any."""
    having = {system for system, _, name in summary.estimates if name == column.name}
    with_values = [system for system in summary.systems if system.name in having]
    models = [system.name for system in with_values if system.senses]
    names = [system.name for system in with_values if wanted in (None, system.name)]
    if not names:
        raise DataError(f"{wanted} was not scored in {column.name}")
    return models, wanted or (models or names)[-1]


def _tables(evaluation: Evaluation, summary: Summary) -> list[Table]:
    """A table for each condition, one for each metric over the lengths of the gap, one of what became worse than
    silence, one of the speakers for each condition, one for each pair of models.
    """
    return [
        *(condition_table(summary, condition) for condition in summary.conditions),
        *(length_table(summary, column) for column in summary.columns if summary.has_lengths),
        *([harm_table(summary)] if summary.harms else []),
        *(speaker_table(summary, condition) for condition in summary.conditions if len(summary.by_speaker) > 1),
        *(difference_table(summary, *pair) for pair in telling_pairs(evaluation)),
    ]


def _csv(summary: Summary) -> str:
    """A line for each estimate; empty where there is no value. The last column says yes of what was measured on the
    sound, since the system predicts no spectrum.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "condition", "metric", "mean", "low", "high", "scored", "missing", "of_sound"])
    marked = {
        (system.name, column.name): system.mark(column) for system in summary.systems for column in summary.columns
    }
    for of, estimate in summary.estimates.items():
        numbers = ["" if math.isnan(x) else f"{x:.6f}" for x in (estimate.mean, estimate.low, estimate.high)]
        of_sound = "yes" if marked[of[0], of[2]] else ""
        writer.writerow([*of, *numbers, estimate.scored, estimate.missing, of_sound])
    return text.getvalue()


if __name__ == "__main__":
    run_program(app)
