"""How well stretches of time that were found agree with those that are there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .checks import UndefinedMetric

Stretch = tuple[float, float]  # (start, end) in seconds
LEAST_OVERLAP = 0.5


class Match(NamedTuple):
    """A stretch that is there and one that was found for it: their places in the two lists."""

    true: int
    found: int


def match_events(
    true: Sequence[Stretch], found: Sequence[Stretch], least_overlap: float = LEAST_OVERLAP
) -> list[Match]:
    """Pairs whose intersection over union is above ``least_overlap``, each stretch in at most one: as many pairs as
    can be, of those the ones with the largest sum of overlaps; in the order of ``true``.
    """
    from scipy.optimize import linear_sum_assignment

    if not true or not found:
        return []
    one, two = np.array(true, float)[:, None], np.array(found, float)[None]
    shared = (np.minimum(one[..., 1], two[..., 1]) - np.maximum(one[..., 0], two[..., 0])).clip(0)
    overlap = shared / (np.maximum(one[..., 1], two[..., 1]) - np.minimum(one[..., 0], two[..., 0]))
    matches = overlap > least_overlap
    rows, columns = linear_sum_assignment(np.where(matches, 1 + overlap / len(true), 0), maximize=True)
    return [Match(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if matches[a, b]]


def join_events(found: Sequence[Stretch]) -> list[Stretch]:
    """Stretches of which some overlap or touch, as those that they cover together, in order."""
    joined = list[Stretch]()
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def event_f1(matched: float, there: float, found: float) -> float:
    """The harmonic mean of recall and precision (Mesaros, Heittola and Virtanen, 2016), from how many stretches were
    matched, how many are there and how many were found. Raises UndefinedMetric where none is there and none was found.
    """
    if not there + found:
        raise UndefinedMetric("event F1: there is nothing to find, and nothing was found")
    return 2 * matched / (there + found)
