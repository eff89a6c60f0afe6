"""Summaries with figures that tests can foretell."""

import math
from dataclasses import replace
from itertools import combinations

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import COLUMNS
from evaluation.statistics.intervals import Estimate
from evaluation.statistics.summary import Summary, System

UNPROCESSED, ORACLE = System("unprocessed"), System("oracle")
A, AV, AV_MTL = (
    System("a", (True, False, False)),
    System("av", (True, True, False)),
    System("av_mtl", (True, True, True)),
)
MS_100, MS_800, RANDOM = Condition("100ms", 100.0), Condition("800ms", 800.0), Condition("random")
MEANS = {"unprocessed": (0.9, 0.6), "a": (0.6, 0.8), "av": (0.45, 0.875), "av_mtl": (0.5, 0.875), "oracle": (0.0, 0.99)}
NONE = Estimate(math.nan, math.nan, math.nan, 0, 60)


def around(mean: float, reach: float = 0.01) -> Estimate:
    return Estimate(mean, mean - reach, mean + reach, 60, 0)


def summary(systems: list[System], conditions: list[Condition], columns: tuple[str, ...] = ("l1", "stoi")) -> Summary:
    """Each system has one mean in L1, and another in all else; differences have intervals of 0.02 either way."""
    means = {
        (system.name, column): MEANS[system.name][0 if column == "l1" else 1]
        for system in systems
        for column in columns
    }
    return Summary(
        systems,
        conditions,
        [COLUMNS[column] for column in columns],
        {(name, c.name, column): around(mean) for (name, column), mean in means.items() for c in conditions},
        {},
        {
            (one.name, other.name, c.name, column): around(means[other.name, column] - means[one.name, column], 0.02)
            for one, other in combinations(systems, 2)
            for c in conditions
            for column in columns
        },
        speakers=4,
        units=4,
        stats="data/train/stats.npz",
    )


def with_estimates(of: Summary, changes: dict[tuple[str, str, str], Estimate | None]) -> Summary:
    """With other estimates; None: without one."""
    changed = {**of.estimates, **changes}
    return replace(of, estimates={key: estimate for key, estimate in changed.items() if estimate})
