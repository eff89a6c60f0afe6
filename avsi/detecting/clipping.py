"""Flat tops: samples that pile up at the extreme of a channel, at full scale or below."""

from __future__ import annotations

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .levels import Levels

NAME = "clipping"
FLAT = 3  # equal samples in succession at an extreme
NEAR = 0.97  # of the extreme, at which a flat top lies
LEAST = 0.05  # of full scale: what is softer is never clipped
# So many flat tops within a tenth of a second, or none is reported: one may be a chance of a coarse resolution.
MANY, TOGETHER_S, BRIDGED_S = 3, 0.1, 0.05


class ClippingFinder:
    """Looks for flat tops in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._rest, self._reached = np.zeros(0), 0
        self._extremes = [0.0, 0.0]  # the lowest, the highest
        self._places: list[np.ndarray] = []
        self._values: list[np.ndarray] = []

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones of the channel, shape (n,), full scale 1.0."""
        if not len(samples):
            return
        low, high = float(samples.min()), float(samples.max())
        self._extremes = [min(self._extremes[0], low), max(self._extremes[1], high)]
        joined = np.concatenate([self._rest, samples])
        first = self._reached - len(self._rest)
        n = len(joined) - FLAT + 1
        if n > 0:
            # Only a top that is now near the extreme can be in the end.
            flat = (joined[:n] > max(NEAR * self._extremes[1], LEAST)) | (
                joined[:n] < min(NEAR * self._extremes[0], -LEAST)
            )
            for later in range(1, FLAT):
                flat &= joined[later : n + later] == joined[:n]
            places = np.flatnonzero(flat)
            self._places.append(first + places)
            self._values.append(joined[places])
        self._rest = joined[max(n, 0) :]
        self._reached += len(samples)

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]:
        """Where there are flat tops, in seconds from the first sample; what is flat is so at any level."""
        if not self._places:
            return []
        places, values = np.concatenate(self._places), np.concatenate(self._values)
        low, high = self._extremes
        flat = (values > max(NEAR * high, LEAST)) | (values < min(NEAR * low, -LEAST))
        places = places[flat]
        cuts = np.flatnonzero(np.diff(places) > FLAT)
        firsts = places[np.concatenate([[0], cuts + 1])] if len(places) else places
        lasts = places[np.concatenate([cuts, [len(places) - 1]])] if len(places) else places
        tops = zip(firsts.tolist(), (lasts + FLAT).tolist(), strict=True)
        bridged = to_samples(BRIDGED_S, self._rate)
        grouped: list[list[tuple[int, int]]] = []
        for top in tops:
            if grouped and top[0] - grouped[-1][-1][1] <= bridged:
                grouped[-1].append(top)
            else:
                grouped.append([top])
        damages = []
        for group in grouped:
            start, stop = group[0][0], group[-1][1]
            dense = len(group) >= MANY * max(1.0, to_seconds(stop - start, self._rate) / (4 * TOGETHER_S))
            if len(group) >= MANY and dense:
                times_s = to_seconds(start, self._rate), to_seconds(stop, self._rate)
                damages.append(Damage(*times_s, NAME, 1.0, NAME, channel))
        return damages
