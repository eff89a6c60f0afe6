"""The random order of the utterances in an epoch, and how its steps are shared out among processes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..config import TrainingConfig

Place = TypeVar("Place", int, tuple[int, int])


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


def sort_in_pools(
    pairs: list[tuple[int, int]], lengths: Sequence[float], step: int, pool_steps: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """The same pairs, those of ``pool_steps`` steps at a time sorted by length, so that little of a batch is padding;
    then the steps in a random order. A last step of fewer utterances stays the last.

    Args:
        pairs: as of :func:`draw_order`.
        lengths: of each utterance.
        step: the utterances of one step.
    """
    ordered = []
    for first in range(0, len(pairs), step * pool_steps):
        ordered += sorted(pairs[first : first + step * pool_steps], key=lambda pair: lengths[pair[0]])
    whole = len(ordered) // step
    steps = [ordered[number * step : (number + 1) * step] for number in rng.permutation(whole).tolist()]
    return [pair for each in (*steps, ordered[whole * step :]) for pair in each]


@dataclass(frozen=True)
class Shares:
    """How the places of an epoch are divided into steps, and those of a step among processes.

    Attributes:
        n_places: in the epoch.
        step: the places of one step, of all processes together.
        process, processes: which process this is, from 0, and how many there are.
    """

    n_places: int
    step: int
    process: int = 0
    processes: int = 1

    def batches(self, places: Sequence[Place]) -> list[list[Place]]:
        """This process's places of each step: of successive parts of it, the one whose turn it is. Where none is left,
        the first place of the step stands in, since all processes must take part in each step.
        """
        share = -(-self.step // self.processes)
        batches = []
        for first in range(0, self.n_places, self.step):
            whole = places[first : first + self.step]
            batches.append(list(whole[self.process * share : (self.process + 1) * share] or whole[:1]))
        return batches

    def has_own(self, number: int) -> bool:
        """Whether this process has places of its own in a step; those that stand in must not count."""
        return self.process * -(-self.step // self.processes) < self.size(number)

    def size(self, number: int) -> int:
        """How many places a step has, of all processes together."""
        return min(self.step, self.n_places - number * self.step)
