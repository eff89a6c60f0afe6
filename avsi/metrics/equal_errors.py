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


def equal_errors(alike: np.ndarray, unlike: np.ndarray) -> EqualErrors:
    """The equal error rate. Where no threshold makes both shares equal, that where they are nearest, and their mean.

    Args:
        alike, unlike: the scores of the pairs, each of shape (n,).

    Raises:
        UndefinedMetric: no pair of one kind.
    """
    if not len(alike) or not len(unlike):
        raise UndefinedMetric("equal error rate: needs alike and unlike pairs")
    alike, unlike = np.sort(alike), np.sort(unlike)
    scores = np.unique(np.concatenate([alike, unlike]))
    refused = np.searchsorted(alike, scores) / len(alike)  # below the threshold
    accepted = 1 - np.searchsorted(unlike, scores) / len(unlike)
    best = np.abs(refused - accepted).argmin()
    return EqualErrors(float(refused[best] + accepted[best]) / 2, float(scores[best]))
