"""Restored speech against silent gaps: the L1 relative to a mean fill, and the clips that became less intelligible."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avsi.metrics.registry import L1_SHARE, MEAN_FILL

NOTICED = 0.02  # a clip counts as harmed where its STOI is further than this below that with silent gaps
Values = dict[str, np.ndarray]  # by column, shape (n_utterances,), NaN where there is no value


@dataclass(frozen=True)
class Harm:
    """The clips that one system made less intelligible than silence, under one condition.

    Attributes:
        clips, scored: how many became less intelligible, and how many have both STOIs.
        worst: the lowest difference in STOI.
        id: the utterance with that difference.
    """

    clips: int
    scored: int
    worst: float
    id: str


def l1_shares(scores: Values, silent: Values) -> Values:
    """The column ``avsi.metrics.registry.L1_SHARE`` and its weight; nothing where either set has no L1.

    Args:
        silent: the scores of ``unprocessed``, whose L1 is that of the training mean on the same bins.
    """
    if "l1" not in scores or "l1" not in silent:
        return {}
    filled = np.where(silent["l1"] == 0, np.nan, silent["l1"])
    return {MEAN_FILL: filled, L1_SHARE.name: scores["l1"] / filled} if np.isfinite(filled).any() else {}


def harm_of(scores: Values, silent: Values, ids: Sequence[str]) -> Harm | None:
    """None where no utterance has both STOIs."""
    if "stoi" not in scores or "stoi" not in silent:
        return None
    gains = scores["stoi"] - silent["stoi"]
    known = np.isfinite(gains)
    if not known.any():
        return None
    worst = int(np.nanargmin(gains))
    return Harm(int((gains < -NOTICED).sum()), int(known.sum()), float(gains[worst]), ids[worst])
