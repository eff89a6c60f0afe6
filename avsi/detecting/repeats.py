"""The same sound again: packets that were played twice or more, one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .levels import Levels

NAME = "repeat"
SHORTEST_S, LONGEST_S = 0.02, 0.49  # of a packet
PROBE_S = 0.016  # so much is looked for in what was before it, every half of that
COARSE_HZ = 4000
ALIKE = 0.92  # correlation, at the coarse rate, from which on it is looked at closely
# How much of the energy of the changes differs in a repeated packet: nothing, or what a codec does to it.
SAME, CODED = 1e-7, 0.02
# A vowel repeats itself, too, and is like itself from one period of the voice to the next.
PERIOD_S, PERIODIC = (0.002, 0.017), 0.2
FRAME_S = 0.002
# A packet is repeated as a whole: what is the same lasts at least this part of its length.
WHOLE = 0.85
SOFT_DB = 30.0  # below speech: nothing is told of pauses
TOGETHER_S = 0.006
AT_ONCE_S = 2.0  # of sound is looked through
BATCH = 64  # probes are looked for at once
LEAST_ENERGY = 1e-8  # of each sample: -80 dB


class RepeatFinder:
    """Looks for repeats in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._step = max(1, rate // COARSE_HZ)
        self._rest, self._first = np.zeros(0), 0
        self._probed = 0  # up to here, from the first sample, in coarse ones
        self._found: list[tuple[int, int, float]] = []

    def take(self, samples: np.ndarray, last: bool = False) -> None:
        """Args: samples: the next ones of the channel, shape (n,); last: whether there are no more."""
        self._rest = np.concatenate([self._rest, samples])
        rate = self._rate / self._step
        # A repeat is looked at as a whole: what follows a probe must be there.
        known = (self._first + len(self._rest)) // self._step
        stop = known if last else known - to_samples(LONGEST_S + PROBE_S, rate)
        if last or stop - self._probed >= AT_ONCE_S * rate:
            self._look(stop)
            kept = max(0, self._probed - to_samples(2 * LONGEST_S + PROBE_S, rate)) * self._step - self._first
            if kept > 0:
                self._rest, self._first = self._rest[kept:], self._first + kept

    def _look(self, stop: int) -> None:
        """Look for what was before everything up to a coarse sample."""
        from scipy.fft import irfft, next_fast_len, rfft

        step, rate = self._step, self._rate / self._step
        offset = self._first // step
        whole = len(self._rest) // step * step
        coarse = self._rest[:whole].reshape(-1, step).mean(axis=1).astype(np.float32)
        probe, reach = to_samples(PROBE_S, rate), to_samples(LONGEST_S, rate) + to_samples(PROBE_S, rate)
        # Before the first sample there is nothing.
        missing = max(0, reach - (self._probed - offset))
        coarse = np.concatenate([np.zeros(missing, np.float32), coarse])
        starts = np.arange(self._probed - offset + missing, stop - offset + missing - probe + 1, max(1, probe // 2))
        if not len(starts):
            return
        n_fft = next_fast_len(reach, real=True)
        energy = np.concatenate([[0.0], np.cumsum(coarse.astype(np.float64) ** 2)])
        energies = (energy[probe:] - energy[:-probe]).astype(np.float32)
        pasts = np.lib.stride_tricks.sliding_window_view(coarse, reach)
        probes = np.lib.stride_tricks.sliding_window_view(coarse, probe)
        olds = np.lib.stride_tricks.sliding_window_view(energies, reach - probe + 1)
        usable = reach - to_samples(SHORTEST_S, rate) + 1
        changes = _Changes.of(self._rest)
        taken = -1
        for first in range(0, len(starts), BATCH):
            batch = starts[first : first + BATCH]
            batch = batch[energies[batch] > LEAST_ENERGY * probe]
            if not len(batch):
                continue
            # The lags of the columns fall from the longest to that of a probe.
            product = irfft(rfft(pasts[batch - reach], n_fft) * rfft(probes[batch], n_fft).conj(), n_fft)
            alike = product[:, :usable] / np.sqrt(np.maximum(olds[batch - reach, :usable], 1e-12))
            best = alike.argmax(axis=1)
            likeness = alike[np.arange(len(batch)), best] / np.sqrt(energies[batch])
            for number in np.flatnonzero(likeness > ALIKE).tolist():
                place = (int(batch[number]) - missing) * step
                if place >= taken:
                    taken = max(taken, self._closely(changes, place, (reach - int(best[number])) * step))
        self._probed = int(starts[-1]) + max(1, probe // 2) + offset - missing

    def _closely(self, changes: _Changes, place: int, lag: int) -> int:
        """Look at every sample near a place that resembles what was ``lag`` samples before; keep what is the same.
        Returns where that ends.
        """
        n = to_samples(PROBE_S, self._rate) - 1
        longest = min(lag + 2 * self._step, place)
        shortest = max(lag - 2 * self._step, to_samples(SHORTEST_S, self._rate))
        power = changes.power(place, n)
        if longest < shortest or power <= 0:
            return place
        differs = changes.differences(place, n, place - longest, place - shortest) / power
        lag, differ = longest - int(differs.argmin()), float(differs.min())
        if differ > 2 * CODED or self._is_periodic(changes, place, n, differ):
            return place
        return self._extend(self._rest, place, lag)

    def _is_periodic(self, changes: _Changes, place: int, n: int, differ: float) -> bool:
        """Whether the sound is as much like itself a period before: a vowel or a tone."""
        limit = SAME if differ < SAME else PERIODIC
        low, high = (to_samples(time_s, self._rate) for time_s in PERIOD_S)
        if place < high:
            return False
        differs = changes.differences(place, n, place - high, place - low)
        return bool((differs < limit * changes.power(place, n)).any())

    def _extend(self, joined: np.ndarray, place: int, lag: int) -> int:
        """Keep the run of frames around a place that are the same as what was before. Returns its end."""
        size = max(4, to_samples(FRAME_S, self._rate))
        first, last = max(lag, place - to_samples(LONGEST_S, self._rate)), len(joined)
        here, past = np.diff(joined[first:last]), np.diff(joined[first - lag : last - lag])
        count = len(here) // size
        power = (here[: count * size].reshape(count, size) ** 2).sum(axis=1)
        error = ((here - past)[: count * size].reshape(count, size) ** 2).sum(axis=1)
        same = error <= 3 * CODED * power + 1e-12
        at = min((place - first) // size + 1, count - 1)
        if not same[at]:
            return place
        start = at - int(np.argmin(np.append(same[: at + 1][::-1], False)))
        stop = at + int(np.argmin(np.append(same[at:], False)))
        begin, end = first + (start + 1) * size, first + stop * size
        if end - begin < WHOLE * lag - size:
            return place
        differs = float(error[start + 1 : stop].sum() / max(power[start + 1 : stop].sum(), 1e-12))
        if differs > CODED:
            return place
        # The last frame may end behind the packet.
        exact = float(error[start + 1 : stop - 1].sum()) <= SAME * float(power[start + 1 : stop - 1].sum())
        begin = self._first_same(joined, begin, lag, size) if exact else begin - size // 2
        self._found.append((self._first + begin, self._first + end, 1.0 if exact else 0.8))
        return end

    @staticmethod
    def _first_same(joined: np.ndarray, begin: int, lag: int, size: int) -> int:
        """The first sample from which on all is the same, up to two frames before."""
        earliest = max(begin - 2 * size, lag)
        differ = np.flatnonzero(joined[earliest:begin] != joined[earliest - lag : begin - lag])
        return earliest + int(differ[-1]) + 1 if len(differ) else earliest

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]:
        """The repeats, in seconds from the first sample."""
        self.take(np.zeros(0), last=True)
        damages: list[Damage] = []
        for start, stop, sure in sorted(self._found):
            start_s, end_s = to_seconds(start, self._rate), to_seconds(stop, self._rate)
            first, last = int(start_s / levels.frame_s), int(end_s / levels.frame_s) + 1
            if np.median((levels.frames_db - levels.speech_db)[first:last]) < -SOFT_DB:
                continue
            if damages and start_s <= damages[-1].end_s + TOGETHER_S:
                earlier = damages.pop()
                start_s, end_s, sure = earlier.start_s, max(end_s, earlier.end_s), max(sure, earlier.sure)
            damages.append(Damage(start_s, end_s, NAME, sure, NAME, channel))
        return damages


@dataclass(frozen=True)
class _Changes:
    """From each sample to the next, and the sum of their squares up to each."""

    samples: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray) -> _Changes:
        changes = np.diff(samples)
        return cls(changes, np.concatenate([[0.0], np.cumsum(changes**2)]))

    def power(self, start: int, n: int) -> float:
        return float(self.sums[start + n] - self.sums[start])

    def differences(self, start: int, n: int, first: int, last: int) -> np.ndarray:
        """The energy of the difference of n changes to those that start at each place from ``first`` to ``last``."""
        here, past = self.samples[start : start + n], self.samples[first : last + n]
        powers = self.sums[first + n : last + n + 1] - self.sums[first : last + 1]
        return np.maximum(powers + self.power(start, n) - 2 * np.correlate(past, here, "valid"), 0.0)
