"""How much one system is ahead of another on the same utterances and gaps.

python -m evaluation.compare exp/a/gaps_800ms exp/av/gaps_800ms
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.errors import DataError
from avsi.program import print_table, run_program

from .restored import RestoredSet
from .score import METRICS

RESAMPLES = 10000
LOWER_IS_BETTER = ("l1",)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    first: Annotated[Path, typer.Argument(help="A folder that evaluation.score has scored: the system to beat.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same set and gaps.")],
    require: Annotated[
        list[str], typer.Option(help="Fail unless the second is better in this metric and the interval is clear of 0.")
    ] = [],  # noqa: B006
) -> None:
    """Print the mean difference of each metric over the utterances that both have, and its 95 % interval."""
    unknown = [metric for metric in require if metric not in METRICS]
    if unknown:
        raise DataError(f"--require {unknown[0]}: expected one of {', '.join(METRICS)}")
    sets = [RestoredSet.read(folder) for folder in (first, second)]
    if sets[0].about["corpus"] != sets[1].about["corpus"] or sets[0].gaps != sets[1].gaps:
        raise DataError(f"{first} and {second}: were not made from the same corpus and gaps")
    rows, unmet = [], []
    for metric in METRICS:
        pairs = _pairs(*sets, metric)
        low, high = interval(pairs[:, 1] - pairs[:, 0])
        values = [*pairs.mean(axis=0), (pairs[:, 1] - pairs[:, 0]).mean()] if len(pairs) else 3 * [np.nan]
        shown = ["-" if np.isnan(value) else f"{value:.3f}" for value in (*values, low, high)]
        rows.append([metric, *shown, len(pairs), len(sets[0].gaps) - len(pairs)])
        if metric in require and not (high < 0 if metric in LOWER_IS_BETTER else low > 0):
            unmet.append(metric)
    header = ["metric", "first", "second", "difference", "from", "to", "compared", "not compared"]
    print_table(f"{sets[0].about['corpus']}: {first} and {second}", header, rows)
    if unmet:
        raise DataError(f"{second}: in {unmet[0]} not better than {first}, or not clear of chance")


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The bootstrap 95 % interval of a mean: percentiles over resampled utterances (Efron, 1979).

    It speaks for other utterances of the same speakers.

    Args:
        differences: shape (n_utterances,); of fewer than two nothing can be said, and the interval is NaN.
    """
    if len(differences) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(0)
    means = [rng.choice(differences, len(differences)).mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _pairs(first: RestoredSet, second: RestoredSet, metric: str) -> np.ndarray:
    """The metric's values of the utterances that have one in both, shape (n, 2)."""
    one, two = ({row["id"]: row[metric] for row in restored.scores()} for restored in (first, second))
    shared = sorted(id_ for id_ in one.keys() & two.keys() if one[id_] is not None and two[id_] is not None)
    return np.array([(one[id_], two[id_]) for id_ in shared]).reshape(-1, 2)


if __name__ == "__main__":
    run_program(app)
