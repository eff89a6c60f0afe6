"""Opinions of how likely something is, joined by their log odds."""

from collections.abc import Sequence

import numpy as np

LEAST_CHANCE = 1e-4  # nobody is surer


def log_odds(chance: np.ndarray | float) -> np.ndarray:
    """Of probabilities, within bounds; of the same shape."""
    within = np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.log(within / (1 - within))


def joined(chances: Sequence[float], weights: Sequence[float]) -> float:
    """One probability of several, by a weight for the log odds of each and, last, a constant."""
    facts = (*log_odds(np.array(chances)), 1.0)
    return round(float(1 / (1 + np.exp(-np.dot(facts, weights)))), 3)
