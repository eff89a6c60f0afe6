"""Which channels of a recording are damaged: what all have is one damage, what some have is told by channel."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..audio.samples import resample, to_float
from ..audio.transfer import follow
from ..data.damage import Damage
from ..media.sound_reading import Sound
from ..timebase import to_samples
from . import silence

NEAR_S = 0.01
# Damage that all channels have at so nearly the same time is one.
SAME_TIME = 0.5
# A channel is softer than another one tells by at least so much, and is compared around that at this rate.
SOFTER_DB, AROUND_S, COMPARED_HZ = 10.0, 3.0, 8000


def by_channels(
    found: Sequence[Damage], goes_on: Sequence[Sequence[bool]], own: Sequence[Sequence[Damage]]
) -> list[Damage]:
    """What was found in the mean of the channels, told of those that have it; and what was found in some alone.

    Args:
        found: in the mean.
        goes_on: of each in turn, whether each channel has it, too.
        own: what was found in each channel.
    """
    everywhere, told = list[Damage](), list[Damage]()
    for damage, has in zip(found, goes_on, strict=True):
        if all(has) or not any(has):
            everywhere.append(damage)
            continue
        for channel in (number for number, this in enumerate(has) if this):
            if not any(_touch(damage, each) for each in own[channel]):
                told.append(replace(damage, channel=channel))
    left = [[each for each in of if not any(_touch(each, damage) for damage in everywhere)] for of in own]
    return [*everywhere, *told, *over_channels(left)]


def _touch(one: Damage, two: Damage) -> bool:
    return one.start_s < two.end_s and two.start_s < one.end_s


def is_missed(sound: Sound, damage: Damage) -> bool:
    """Whether another channel tells that there was sound where one is too soft: between two speakers with a microphone
    each, what is soft in one is the other's turn.
    """
    begin_s, end_s = max(damage.start_s - AROUND_S, 0.0), damage.end_s + AROUND_S
    begin, end = (min(to_samples(at_s, sound.rate), sound.n_samples) for at_s in (begin_s, end_s))
    samples = resample(to_float(sound.read(begin, end)), sound.rate, COMPARED_HZ)
    start, stop = (to_samples(at_s - begin_s, COMPARED_HZ) for at_s in (damage.start_s, damage.end_s))
    whole, channel = np.ones(len(samples), bool), samples[:, damage.channel or 0]
    whole[start:stop] = False
    soft = float(np.sum(channel[start:stop] ** 2))
    for other in samples.T[[number != damage.channel for number in range(samples.shape[1])]]:
        told = follow(channel, other, whole, COMPARED_HZ)
        if told and told.tells(np.where(whole, channel, 0.0), (start, stop), COMPARED_HZ):
            return float(np.sum(told.samples[start:stop] ** 2)) > soft * 10 ** (SOFTER_DB / 10)
    return False


def over_channels(by_channel: Sequence[Sequence[Damage]], duration_s: float = math.inf) -> list[Damage]:
    """What all channels have becomes one, without a channel. A channel that is silent throughout is not in use, unless
    all are.
    """
    unused = [
        len(found) == 1 and found[0].kind == silence.NAME and found[0].end_s - found[0].start_s >= duration_s
        for found in by_channel
    ]
    used = [found for found, out in zip(by_channel, unused, strict=True) if not out or all(unused)]
    rest, joined = [_Unmatched(found) for found in used[1:]], list[Damage]()
    for damage in used[0]:
        same = [found.same(damage) for found in rest]
        numbers = [number for number in same if number is not None]
        if len(numbers) < len(rest):
            joined.append(damage)
            continue
        every = [damage, *(found.left.pop(number) for found, number in zip(rest, numbers, strict=True))]
        start_s, end_s = min(each.start_s for each in every), max(each.end_s for each in every)
        sure = max(each.sure for each in every)
        joined.append(replace(damage, start_s=start_s, end_s=end_s, sure=sure, channel=None))
    return [*joined, *(damage for found in rest for damage in found.left.values())]


class _Unmatched:
    """The damage of a channel that no other channel's is the same as.

    Attributes:
        left: by its number.
    """

    def __init__(self, found: Sequence[Damage]) -> None:
        self.left = dict(enumerate(found))
        self._starts: dict[str, list[tuple[float, int]]] = {}  # by kind, in the order of time, with the number
        for number, damage in self.left.items():
            self._starts.setdefault(damage.kind, []).append((damage.start_s, number))
        for starts in self._starts.values():
            starts.sort()

    def same(self, damage: Damage) -> int | None:
        """The number of the first that is damage of the same kind at nearly the same time."""
        starts, length_s = self._starts.get(damage.kind, []), damage.end_s - damage.start_s
        # Two that share half of what they cover start no further apart than one lasts.
        first = bisect_left(starts, damage.start_s - length_s - NEAR_S, key=lambda each: each[0])
        last = bisect_right(starts, damage.start_s + length_s + NEAR_S, key=lambda each: each[0])
        near = (number for _, number in starts[first:last] if number in self.left)
        return min((number for number in near if overlap(damage, self.left[number]) >= SAME_TIME), default=None)


def overlap(one: Damage, two: Damage) -> float:
    """What they share, as a part of what they cover together."""
    shared = min(one.end_s, two.end_s) - max(one.start_s, two.start_s)
    return max(0.0, shared) / (max(one.end_s, two.end_s) - min(one.start_s, two.start_s))
