"""The report of an evaluation: tables, curves, and a page to listen to.

python -m evaluation.report exp/evaluation/paper
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.errors import ConfigError, DataError
from avsi.files import write_text, written_beside
from avsi.metrics.registry import L1_SHARE, Column
from avsi.program import run_program

from .folder.evaluation import Evaluation
from .folder.layout import REPORT, STFT
from .reporting.browse_page import Ranking, browse_page
from .reporting.curves import length_curves
from .reporting.example_selection import DEFAULT_EXAMPLES, MOST_EXAMPLES
from .reporting.examples import examples_of
from .reporting.latex import to_latex
from .reporting.sections import section
from .reporting.summary_csv import to_csv
from .reporting.tables import all_tables
from .statistics.comparisons import ablation_pairs
from .statistics.summarize import summarize
from .statistics.summary import Summary

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.score has scored.")],
    examples: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_EXAMPLES, help="Utterances on the page; by default 24, or three a condition."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="The system that ranks them as best, median and worst; by default the last model."),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="By which metric; STOI by default, where it was scored.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to draw with.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Write results.md, tables.tex, summary.csv, curves.pdf, curves.png and index.html into the folder's report/."""
    evaluation = Evaluation.read(folder)
    pairs = ablation_pairs(evaluation)
    summary = summarize(evaluation, pairs)
    scored = {column.name: column for column in summary.columns if column != L1_SHARE}  # not a score of an utterance
    if metric not in (None, *scored):
        raise ConfigError(f"--metric {metric}: expected one that was scored: {', '.join(scored)}")
    column = scored.get(metric or "stoi", summary.columns[0])
    models, ranked = _ranked_system(summary, column, evaluation.known(system) if system else None)
    out = folder / REPORT
    out.mkdir(exist_ok=True)
    picture = None
    if summary.has_lengths:
        for kind in ("png", "pdf"):
            picture = f"curves.{kind}" if kind == "png" else picture
            with written_beside(out / f"curves.{kind}") as partial:
                partial.write_bytes(length_curves(summary, kind))
    write_text(out / "results.md", section(evaluation, summary, picture))
    write_text(out / "tables.tex", "\n".join(map(to_latex, all_tables(summary, pairs))))
    write_text(out / "summary.csv", to_csv(summary))
    written = ["results.md", "tables.tex", "summary.csv", *(["curves.png", "curves.pdf"] if picture else [])]
    count = min(MOST_EXAMPLES, max(DEFAULT_EXAMPLES, 3 * len(summary.conditions))) if examples is None else examples
    if chosen := examples_of(evaluation, ranked, column, count) if count else []:
        total = len(evaluation.utterances) * len(evaluation.conditions)
        about = f"{evaluation.about['corpus']}, {evaluation.about['datadir']}: {len(chosen)} of {total} restorations."
        about = " ".join(filter(None, [about, evaluation.caution]))
        beside = list(dict.fromkeys([*models[:1], ranked]))
        title = f"Restored speech: {folder.resolve().name}"
        page = browse_page(title, about, chosen, STFT.sample_rate, Ranking(ranked, column), beside, jobs)
        write_text(out / "index.html", page)
        written.append("index.html")
    print(f"{out}: {', '.join(written)}")


def _ranked_system(summary: Summary, column: Column, wanted: str | None) -> tuple[list[str], str]:
    """(the models that have values of a metric, the system that ranks the examples). Raises DataError without any."""
    having = {system for system, _, name in summary.estimates if name == column.name}
    with_values = [system for system in summary.systems if system.name in having]
    models = [system.name for system in with_values if system.senses]
    names = [system.name for system in with_values if wanted in (None, system.name)]
    if not names:
        raise DataError(f"{wanted} was not scored in {column.name}")
    return models, wanted or (models or names)[-1]


if __name__ == "__main__":
    run_program(app)
