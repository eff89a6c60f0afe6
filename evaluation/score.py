"""Score what a system restored, utterance by utterance.

python -m evaluation.score exp/av/gaps_800ms
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.data.datadir import read_datadir
from avsi.data.stats import Stats
from avsi.files import write_text
from avsi.metrics.table import DEFAULT, METRICS, choose_metrics, scored_metrics
from avsi.program import in_parallel, print_table, progress, run_program

from .evidence import score_utterance
from .restored import SCORES, RestoredSet

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders that evaluation.restore wrote.")],
    stats: Annotated[Path, typer.Option(help="Training-set statistics: the unit of L1.")] = Path(
        "data/train/stats.npz"
    ),
    metrics: Annotated[
        str, typer.Option(help=f"Which, separated by commas: all, or some of {', '.join(METRICS)}.")
    ] = DEFAULT,
    jobs: Annotated[int, typer.Option(help="Processes to score with.")] = 2,
) -> None:
    """Write scores.jsonl into each folder, with the metrics asked for in place of those there were."""
    names = [metric.name for metric in choose_metrics(metrics)]
    std = Stats.load(stats).audio_std
    for folder in folders:
        restored = RestoredSet.read(folder)
        rows = score_set(restored, std, jobs, names)
        write_text(folder / SCORES, "".join(json.dumps(row) + "\n" for row in rows))
        print_table(f"{restored.about['corpus']}: {folder}", ["metric", "mean", "scored", "not scored"], summary(rows))


def score_set(restored: RestoredSet, std: np.ndarray, jobs: int, names: list[str]) -> list[dict]:
    """One row per utterance of the *clean* set, matched by id: what is missing is counted, and shifts nothing."""
    tasks = [
        (score_utterance, utterance, restored, std, names) for utterance in read_datadir(restored.about["datadir"])
    ]
    return list(progress(in_parallel(jobs, tasks), len(tasks), f"{restored.folder}: scores"))


def summary(rows: list[dict]) -> list[list[object]]:
    """(metric, mean, number scored, number not scored) for each metric."""
    table = []
    for metric in scored_metrics(rows):
        values = [row[metric.name] for row in rows if row[metric.name] is not None]
        mean = math.fsum(values) / len(values) if values else math.nan
        table.append([metric.name, f"{mean:.3f}", len(values), len(rows) - len(values)])
    return table


if __name__ == "__main__":
    run_program(app)
