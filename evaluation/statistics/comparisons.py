"""Comparisons of two systems: which are meaningful, and which differences are significant."""

import math
from collections.abc import Iterable
from itertools import combinations

from avsi.metrics.registry import Column

from ..folder.evaluation import Evaluation
from .intervals import Estimate, jointly
from .summary import System

# In a system's description.
KNOWLEDGE = ("takes_text", "told_of_words", "takes_voice", "told_of_voice", "refined_by")


def ablation_pairs(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The pairs of models that differ in one of sound, video and phones, which only the second has, and are told the
    same of what is said and whose voice it is, and refined alike.
    """
    systems = evaluation.about["systems"]
    senses = {name: about["senses"] for name, about in systems.items() if "senses" in about}
    pairs = []
    for pair in combinations(senses, 2):
        first, second = sorted(pair, key=lambda name: sum(senses[name]))
        more = [two - one for one, two in zip(senses[first], senses[second], strict=True)]
        told = [[systems[name].get(key) for key in KNOWLEDGE] for name in pair]
        if sorted(more) == [0, 0, 1] and told[0] == told[1]:
            pairs.append((first, second))
    return pairs


def comparable(systems: list[System], first: str, second: str, column: Column) -> bool:
    """Whether a metric of two systems is computed alike: from their predicted spectra, or from their sounds."""
    marks = {system.name: system.mark(column) for system in systems}
    return marks[first] == marks[second]


def verdict(difference: Estimate, column: Column, units: int, comparisons: int) -> str:
    """``better`` or ``worse``; "" where the interval, widened for the number of comparisons, holds 0, has no width, or
    there is none.

    Args:
        units: the number of units of the bootstrap, as :attr:`evaluation.statistics.summary.Summary.units`.
    """
    if difference.is_point:
        return ""
    joint = jointly(difference, units, comparisons)
    if joint.low > 0 or joint.high < 0:
        return "better" if (difference.mean < 0) == column.lower_is_better else "worse"
    return ""


def count_comparisons(differences: Iterable[Estimate | None]) -> int:
    """How many have an interval, so that they can be called better or worse; at least 1."""
    return max(1, sum(difference is not None and math.isfinite(difference.low) for difference in differences))


def clear_of_0(comparisons: int) -> str:
    """The rule by which a difference is called better or worse."""
    if comparisons < 2:
        return "the interval is clear of 0"
    return f"the interval, widened for {comparisons} comparisons (Bonferroni), is clear of 0"
