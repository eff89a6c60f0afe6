"""Which differences are clear of chance."""

from __future__ import annotations

import math
from collections.abc import Iterable

from avsi.metrics.registry import Column

from .intervals import Estimate, jointly


def verdict(difference: Estimate, column: Column, units: int, comparisons: int) -> str:
    """``better`` or ``worse``; "" where the interval, widened for the number of comparisons, holds 0, or there is none.

    Args:
        units: what ``difference`` was drawn over, as :attr:`evaluation.statistics.summary.Summary.units`.
    """
    joint = jointly(difference, units, comparisons)
    if joint.low > 0 or joint.high < 0:
        return "better" if (difference.mean < 0) == column.lower_is_better else "worse"
    return ""


def count_judged(differences: Iterable[Estimate | None]) -> int:
    """How many have an interval, so that they can be called better or worse; 1 of none."""
    return max(1, sum(difference is not None and math.isfinite(difference.low) for difference in differences))


def clear_of_0(comparisons: int) -> str:
    """By what a difference is called better or worse."""
    if comparisons < 2:
        return "the interval is clear of 0"
    return f"the interval, widened for {comparisons} comparisons (Bonferroni), is clear of 0"
