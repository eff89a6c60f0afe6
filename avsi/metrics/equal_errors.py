"""How well a score tells two kinds of pairs apart."""

from typing import NamedTuple

import numpy as np

from .checks import UndefinedMetric


class EqualErrors(NamedTuple):
    """Where as large a share of alike pairs is refused as of unlike ones is accepted.

    Attributes:
        rate: this share.
        threshold: of the score, from which on pairs are accepted.
    """

    rate: float
    threshold: float


class Trials:
    """Scores of pairs, sorted once: error rates under several weights are then found quickly."""

    def __init__(self, scores: np.ndarray, alike: np.ndarray) -> None:
        """``scores``, ``alike``: the score of each pair and whether it is of one kind, each of shape (n,)."""
        self._order = np.argsort(scores, kind="stable")
        self._scores, self._alike = scores[self._order], alike[self._order]
        self._ends = np.flatnonzero(np.diff(self._scores, append=np.inf))  # the last of each run of equal scores

    def equal_errors(self, weights: np.ndarray | None = None) -> EqualErrors:
        """The equal error rate. Where no threshold makes both shares equal, that where they are nearest (of several
        the best), and their mean.

        Args:
            weights: of each pair, shape (n,); None for equal ones.

        Raises:
            UndefinedMetric: no pair of one kind has a weight.
        """
        weight = np.ones(len(self._scores)) if weights is None else weights[self._order]
        below_alike, below_unlike = (
            np.concatenate([[0.0], np.cumsum(np.where(kind, weight, 0))[self._ends]])
            for kind in (self._alike, ~self._alike)
        )
        if not below_alike[-1] or not below_unlike[-1]:
            raise UndefinedMetric("equal error rate: needs alike and unlike pairs")
        refused, accepted = below_alike / below_alike[-1], 1 - below_unlike / below_unlike[-1]
        apart, mean = np.abs(refused - accepted).round(12), refused + accepted
        best = int(np.lexsort((mean[:-1], apart[:-1]))[0])  # not that above the highest score
        first = 0 if best == 0 else self._ends[best - 1] + 1
        return EqualErrors(float(refused[best] + accepted[best]) / 2, float(self._scores[first]))
