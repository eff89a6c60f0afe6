"""Score restored speech, utterance by utterance.

python -m evaluation.score exp/evaluation
"""

import json
import time
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.cluster import OnCluster
from avsi.errors import AvsiWarning, DataError
from avsi.files import write_lines
from avsi.folders import locked
from avsi.metrics.registry import DEFAULT, METRICS, choose_metrics
from avsi.program import in_parallel, print_table, progress, run_program

from .folder.evaluation import Evaluation
from .folder.layout import SCORES
from .folder.restored_set import RestoredSet
from .folder.rows import line_of, read_rows
from .folder.score_columns import read_columns
from .reporting.cells import column_notes, mean_text
from .statistics.summarize import summarize
from .statistics.utterance_scores import score_utterance

SAVE_EVERY_S, SAVE_SHARE = 10, 0.05  # what is scored is saved so often, and in at most this share of the time
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
    todo = [(one, of) for one in evaluation.sets if (of := _lacking(evaluation, one, names, again)).any()]
    counts = [int(lacking.any(axis=1).sum()) for _, lacking in todo]
    scored = progress(in_parallel(jobs, _tasks(evaluation, todo, names)), sum(counts), "scores")
    for (restored, _), count in zip(todo, counts, strict=True):
        _add_rows(restored.folder / SCORES, list(evaluation.places), islice(scored, count))
    next(scored, None)  # the bar's end


def _lacking(evaluation: Evaluation, restored: RestoredSet, names: list[str], again: bool) -> np.ndarray:
    """Which values are to be computed; bool of shape (n_utterances, n_metrics)."""
    restored.check_lists()
    scores = read_columns(restored.folder, evaluation.places, SCORES)
    lacking = np.ones((len(evaluation.places), len(names)), bool)
    for number, name in enumerate(names):
        if name in scores.values and not again:
            lacking[:, number] = np.isnan(scores.values[name])
    return lacking


def _tasks(evaluation: Evaluation, todo: list[tuple[RestoredSet, np.ndarray]], names: list[str]) -> Iterator[tuple]:
    """Made as they are handed out, a set at a time."""
    std = evaluation.stats.audio_std
    for of, lacking in todo:
        restored = of.without_lists()  # those that it reads go with it
        for place in np.flatnonzero(lacking.any(axis=1)):
            utterance = evaluation.utterances[place]
            missing = [name for name, is_missing in zip(names, lacking[place], strict=True) if is_missing]
            yield score_utterance, utterance, restored.of(utterance.id), std, missing


def _add_rows(path: Path, ids: list[str], new: Iterator[dict]) -> None:
    """Write new rows as they come, joined with those that are there, in the order of ``ids``.

    All are written each time, so that the file is always whole, and the more seldom the longer that takes.
    """
    lines = {row["id"]: line_of(row) for row in read_rows(path)}  # of a tenth of the size of rows
    saved_s, took_s = time.monotonic(), 0.0

    def save() -> None:
        nonlocal saved_s, took_s
        started_s = time.monotonic()
        write_lines(path, (lines[id_] for id_ in ids if id_ in lines))
        saved_s = time.monotonic()
        took_s = saved_s - started_s

    try:
        for row in new:
            lines[row["id"]] = line_of(_merged(json.loads(lines.get(row["id"], "{}")), row))
            if time.monotonic() - saved_s > max(SAVE_EVERY_S, took_s / SAVE_SHARE):
                save()
    finally:  # after Ctrl-C too
        save()


def _tell_failures(evaluation: Evaluation) -> None:
    """A note for each set with missing scores, with an example."""
    for one in evaluation.sets:
        reasons = {
            id_: (metric, reason)
            for id_, why in evaluation.scores[one.system, one.condition].failed.items()
            for metric, reason in why.items()
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
        scores = evaluation.scores[one.system, one.condition]
        for name in names:
            lacking = np.flatnonzero(np.isnan(scores.values[name]))
            if len(lacking) > max_left_out * total:
                id_ = evaluation.utterances[lacking[0]].id
                too_many.append(
                    f"{one}: {len(lacking)} of {total} utterances have no {name}, more than --max-left-out "
                    f"{max_left_out:g}, such as {id_}: {scores.failed[id_][name]}"
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
