"""The random order of the utterances in an epoch."""

from collections import Counter

import numpy as np

from ..config import TrainingConfig


def draw_order(speakers: list[str], settings: TrainingConfig, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the order of one epoch's utterances: (index, how often it occurred before in this epoch) of each.

    With ``balance`` 1 every utterance occurs once before any is repeated. Else utterances are drawn independently, and
    a speaker's probability is proportional to its number of utterances to that power (as that of languages in Conneau
    et al., 2020, section 3.1).

    Args:
        speakers: the speaker of each utterance.
    """
    length = settings.epoch_utterances or len(speakers)
    if settings.balance == 1:
        rounds = -(-length // len(speakers))
        places = np.concatenate([rng.permutation(len(speakers)) for _ in range(rounds)])[:length]
    else:
        _, speaker, count = np.unique(speakers, return_inverse=True, return_counts=True)
        weight = count[speaker] ** (settings.balance - 1)
        places = rng.choice(len(speakers), length, p=weight / weight.sum())
    seen: Counter[int] = Counter()
    pairs = []
    for place in places.tolist():
        pairs.append((place, seen[place]))
        seen[place] += 1
    return pairs
