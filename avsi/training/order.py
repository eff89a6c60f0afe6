"""The random order of the utterances in an epoch."""

from collections import Counter

import numpy as np

from ..config import TrainingConfig


def draw_order(
    speakers: list[str], filmed: list[bool], settings: TrainingConfig, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Draw the order of one epoch's utterances: (index, how often it occurred before in this epoch) of each.

    With ``balance`` 1 and no share ``filmed`` every utterance occurs once before any is repeated. Else utterances are
    drawn independently, and a speaker's probability is proportional to its number of utterances to the power
    ``balance`` (as that of languages in Conneau et al., 2020, section 3.1), among those with a video, which are drawn
    with the probability ``filmed``, and among the others.

    Args:
        speakers: the speaker of each utterance.
        filmed: whether each has a video.
    """
    length = settings.epoch_utterances or len(speakers)
    share = settings.filmed
    if settings.balance == 1 and not share:
        rounds = -(-length // len(speakers))
        places = np.concatenate([rng.permutation(len(speakers)) for _ in range(rounds)])[:length]
    else:
        _, speaker, count = np.unique(speakers, return_inverse=True, return_counts=True)
        weight = count[speaker] ** (settings.balance - 1)
        if share and any(filmed) and not all(filmed):
            seen = np.array(filmed)
            weight = np.where(seen, share * weight / weight[seen].sum(), (1 - share) * weight / weight[~seen].sum())
        places = rng.choice(len(speakers), length, p=weight / weight.sum())
    before: Counter[int] = Counter()
    pairs = []
    for place in places.tolist():
        pairs.append((place, before[place]))
        before[place] += 1
    return pairs
