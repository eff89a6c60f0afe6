"""How much one system is ahead of another on the same utterances and gaps.

python -m evaluation.compare exp/a/gaps_800ms exp/av/gaps_800ms
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.errors import DataError
from avsi.metrics.table import METRICS, scored_metrics
from avsi.program import print_table, run_program

from .restored import RestoredSet

RESAMPLES = 10000

app = typer.Typer(add_completion=False)


@app.command()
def main(
    first: Annotated[Path, typer.Argument(help="A folder that evaluation.score has scored: the system to beat.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same set and gaps.")],
    require: Annotated[
        list[str], typer.Option(help="Fail unless the second is better in this metric, with 95 % confidence.")
    ] = [],  # noqa: B006
) -> None:
    """Print the mean difference of each metric over the utterances that both have, and its 95 % interval."""
    sets = [RestoredSet.read(folder) for folder in (first, second)]
    if sets[0].about["corpus"] != sets[1].about["corpus"] or sets[0].gaps != sets[1].gaps:
        raise DataError(f"{first} and {second}: were not made from the same corpus and gaps")
    scores = [restored.scores() for restored in sets]
    names = [metric.name for metric in scored_metrics(scores[0]) if metric in scored_metrics(scores[1])]
    if not names:
        raise DataError(f"{first} and {second}: no metric was scored in both")
    unknown = [name for name in require if name not in names]
    if unknown:
        raise DataError(f"--require {unknown[0]}: expected one of {', '.join(names)}, which were scored in both")
    rows, better = [], []
    for name in names:
        one, two = (_values(table, name) for table in scores)
        shared = sorted(one.keys() & two.keys())
        figures, direction = ["-"] * 5, "lower" if METRICS[name].lower_is_better else "higher"
        if shared:
            a, b = np.array([(one[id_], two[id_]) for id_ in shared]).T
            low, high = interval(b - a)
            figures = [f"{x:.3f}" for x in (a.mean(), b.mean(), (b - a).mean(), low, high)]
            if high < 0 if METRICS[name].lower_is_better else low > 0:
                better.append(name)
        rows.append([name, *figures, len(shared), direction])
    header = ["metric", "first", "second", "difference", "from", "to", "utterances", "better"]
    print_table(f"{sets[0].about['corpus']}: {first} and {second}", header, rows)
    for name in require:
        if name not in better:
            raise DataError(f"{second} is not better than {first} in {name}, or not beyond doubt")


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The bootstrap 95 % interval of a mean: percentiles over resampled utterances (Efron, 1979).

    Args:
        differences: shape (n_utterances,).
    """
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(differences), size=(RESAMPLES, len(differences)))
    low, high = np.percentile(differences[chosen].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _values(rows: list[dict], name: str) -> dict[str, float]:
    return {row["id"]: row[name] for row in rows if row[name] is not None}


if __name__ == "__main__":
    run_program(app)
