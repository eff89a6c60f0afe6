"""Score restored speech, utterance by utterance.

python -m evaluation.score exp/evaluation
"""

import time
import warnings
from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.errors import AvsiWarning, DataError
from avsi.folders import locked
from avsi.metrics.registry import DEFAULT, METRICS, choose_metrics
from avsi.program import in_parallel, print_table, progress, run_program

from .folder.evaluation import Evaluation
from .folder.layout import SCORES
from .folder.rows import write_rows
from .reporting.cells import column_notes, mean_text
from .statistics.summarize import summarize
from .statistics.utterance_scores import score_utterance

SAVE_EVERY_S = 10
app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.restore wrote.")],
    metrics: Annotated[
        str,
        typer.Option(help=f"Which, separated by commas: all, default ({DEFAULT}), or some of {', '.join(METRICS)}."),
    ] = DEFAULT,
    again: Annotated[bool, typer.Option("--again", help="Compute again the metrics that are there.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to score with.")] = 2,
    cluster: OnCluster = None,
    if_installed: Annotated[
        bool, typer.Option("--if-installed", help="Leave out metrics whose packages are not installed, with a note.")
    ] = False,
    max_left_out: Annotated[
        float, typer.Option(help="Fail where a larger share of a set's utterances has no value in one of the metrics.")
    ] = 0.05,
) -> None:
    """Write scores.jsonl beside the restored sounds: a row for each utterance of the clean set. Metrics that are there
    stay, and a stopped run goes on. Scores are written even where the program fails.
    """
    names = [metric.name for metric in choose_metrics(metrics, if_installed)]
    evaluation = Evaluation.read(folder)
    with locked(folder):
        _score(evaluation, names, again, jobs)
        evaluation.add_run()
    evaluation = Evaluation.read(folder)  # whose rows are the new ones
    _tell_failures(evaluation)
    summary = summarize(evaluation)
    rows = [
        [
            system.name,
            condition.name,
            *(
                mean_text(summary.estimate(system, condition, column), system.mark(column))
                for column in summary.columns
            ),
        ]
        for system in summary.systems
        for condition in summary.conditions
    ]
    header = ["system", "gaps", *(column.label for column in summary.columns)]
    print_table(f"{evaluation.about['corpus']}: {folder}, means", header, rows)
    for note in filter(None, [evaluation.caution, *column_notes(summary, summary.columns)]):
        print(note)
    _check_left_out(evaluation, names, max_left_out)


def _score(evaluation: Evaluation, names: list[str], again: bool, jobs: int) -> None:
    """Add missing values to the rows of each set. Utterances are matched by id: a missing one shifts no other."""
    std, utterances = evaluation.stats.audio_std, evaluation.utterances
    work = []
    for restored in evaluation.sets:
        rows = restored.rows(SCORES)
        lacking = {u.id: [name for name in names if again or rows.get(u.id, {}).get(name) is None] for u in utterances}
        tasks = [(score_utterance, u, restored.of(u.id), std, lacking[u.id]) for u in utterances if lacking[u.id]]
        work.append((restored.folder / SCORES, rows, tasks))
    total = sum(len(tasks) for _, _, tasks in work)
    scored = progress(in_parallel(jobs, [task for _, _, tasks in work for task in tasks]), total, "scores")
    for path, rows, tasks in work:
        saved_s = time.monotonic()
        try:
            for _ in tasks:
                row = next(scored)
                rows[row["id"]] = _merged(rows.get(row["id"], {}), row)
                if time.monotonic() - saved_s > SAVE_EVERY_S:
                    write_rows(path, list(rows.values()))
                    saved_s = time.monotonic()
        finally:  # after Ctrl-C too
            if tasks:
                write_rows(path, [rows[u.id] for u in utterances if u.id in rows])
    next(scored, None)  # the bar's end


def _tell_failures(evaluation: Evaluation) -> None:
    """A note for each set with missing scores, with an example."""
    for one in evaluation.sets:
        reasons = {
            id_: (metric, reason)
            for id_, row in evaluation.rows[one.system, one.condition].items()
            for metric, reason in row["failed"].items()
            if metric in METRICS
        }
        if reasons:
            id_, (metric, reason) = next(iter(reasons.items()))
            told = f"{one}: {len(reasons)} not scored in full, such as {id_}, {metric}: {reason}"
            warnings.warn(told, AvsiWarning, stacklevel=2)


def _check_left_out(evaluation: Evaluation, names: list[str], max_left_out: float) -> None:
    """Raise DataError where too many utterances of a set have no value in one of some metrics."""
    total, too_many = len(evaluation.utterances), []
    for one in evaluation.sets:
        rows = evaluation.rows[one.system, one.condition]
        for name in names:
            lacking = [id_ for id_, row in rows.items() if row.get(name) is None]
            if len(lacking) > max_left_out * total:
                reason = rows[lacking[0]]["failed"][name]
                too_many.append(
                    f"{one}: {len(lacking)} of {total} utterances have no {name}, more than --max-left-out "
                    f"{max_left_out:g}, such as {lacking[0]}: {reason}"
                )
    if too_many:
        pairs = len(evaluation.sets) * len(names)
        raise DataError(
            f"{too_many[0]}; {len(too_many)} of {pairs} pairs of set and metric lack as much; other scores are written"
        )


def _merged(old: dict, new: dict) -> dict:
    """A row in which new values replace old ones, metrics in the table's order."""
    failed = {name: why for name, why in old.get("failed", {}).items() if name not in new} | new["failed"]
    values = {name: row[name] for name in METRICS for row in (old, new) if name in row}
    return {"id": new["id"], "speaker": new["speaker"], **values, "failed": failed}


if __name__ == "__main__":
    run_program(app)
