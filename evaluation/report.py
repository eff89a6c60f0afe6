"""Scores of several systems side by side, as a Markdown table.

python -m evaluation.report exp/*/gaps_*
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import DataError
from avsi.metrics.table import METRICS, scored_metrics
from avsi.program import run_program

from .restored import RestoredSet

app = typer.Typer(add_completion=False)


@app.command()
def main(folders: Annotated[list[Path], typer.Argument(help="Folders that evaluation.score has scored.")]) -> None:
    """Print one row per system and one column per gap file and metric."""
    means: dict[tuple[str, str], dict[str, str]] = {}
    corpora: dict[str, Path] = {}
    for folder in folders:
        restored = RestoredSet.read(folder)
        about, rows = restored.about, restored.scores()
        # Folders are <system>/<gaps>; a system's own name may be that of a pretrained model.
        corpora.setdefault(about["corpus"], folder)
        key = folder.resolve().parent.name, Path(about["gaps"]).name
        if key in means:
            raise DataError(f"{folder}: a second folder of system {key[0]} and gaps {key[1]}")
        means[key] = {metric.name: _mean(rows, metric.name) for metric in scored_metrics(rows)}
    if len(corpora) > 1:
        where = ", ".join(f"{corpus} ({folder})" for corpus, folder in corpora.items())
        raise DataError(f"scores on several corpora do not compare: {where}")
    print(f"{next(iter(corpora))}\n\n{markdown(means)}")


def markdown(means: dict[tuple[str, str], dict[str, str]]) -> str:
    """A table for each metric that has been scored, with the systems in the order given and the gap files by length."""
    systems = list(dict.fromkeys(system for system, _ in means))
    gaps = sorted({gap for _, gap in means}, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    lines = []
    for metric in METRICS.values():
        if not any(metric.name in scores for scores in means.values()):
            continue
        lines.append(f"| {metric.heading} | " + " | ".join(gap.removeprefix("gaps_") for gap in gaps) + " |")
        lines.append("|---|" + "---:|" * len(gaps))
        for system in systems:
            cells = [means.get((system, gap), {}).get(metric.name, "") for gap in gaps]
            lines.append(f"| {system} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _mean(rows: list[dict], metric: str) -> str:
    """The mean, and beside it how many utterances could not be scored, if any."""
    values = [row[metric] for row in rows if row[metric] is not None]
    failed = len(rows) - len(values)
    mean = f"{math.fsum(values) / len(values):.3f}" if values else "-"
    return f"{mean} ({failed} not scored)" if failed else mean


if __name__ == "__main__":
    run_program(app)
