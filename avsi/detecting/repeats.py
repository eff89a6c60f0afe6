"""The same sound again: packets that were played twice or more, one after another."""

from __future__ import annotations

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .levels import Levels

NAME = "repeat"
SHORTEST_S, LONGEST_S = 0.02, 0.5  # of a packet
PROBE_S = 0.016  # so much is looked for in what was before it, every half of that
COARSE_HZ = 8000
ALIKE = 0.85  # correlation, at the coarse rate, from which on it is looked at closely
# How much of the energy of the changes differs in a repeated packet: nothing, or what a codec does to it.
SAME, CODED = 1e-7, 0.02
# A vowel repeats itself, too, and is like itself from one period of the voice to the next.
PERIOD_S, PERIODIC = (0.002, 0.017), 0.2
FRAME_S = 0.002
# A packet is repeated as a whole: what is the same lasts at least this part of its length.
WHOLE = 0.85
SOFT_DB = 30.0  # below speech: nothing is told of pauses
TOGETHER_S = 0.006


class RepeatFinder:
    """Looks for repeats in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._step = max(1, rate // COARSE_HZ)
        self._rest, self._first = np.zeros(0), 0
        self._found: list[tuple[int, int, float]] = []

    def take(self, samples: np.ndarray, last: bool = False) -> None:
        """Args: samples: the next ones of the channel, shape (n,); last: whether there are no more."""
        joined = np.concatenate([self._rest, samples])
        keep = to_samples(2 * LONGEST_S + 0.1, self._rate)
        if len(joined) > 2 * keep or last:
            self._look(joined)
            start = max(0, len(joined) - keep)
            self._rest, self._first = joined[start:], self._first + start
        else:
            self._rest = joined

    def _look(self, joined: np.ndarray) -> None:
        step = self._step
        whole = len(joined) // step * step
        changes = np.diff(joined[:whole].reshape(-1, step).mean(axis=1), prepend=0.0)
        rate = self._rate / step
        probe, reach = to_samples(PROBE_S, rate), to_samples(LONGEST_S, rate) + to_samples(PROBE_S, rate)
        if len(changes) < reach + probe:
            changes = np.pad(changes, (reach + probe - len(changes), 0))
            shift = len(changes) - whole // step
        else:
            shift = 0
        starts = np.arange(reach, len(changes) - probe + 1, probe // 2)
        if not len(starts):
            return
        past = np.lib.stride_tricks.sliding_window_view(changes, reach)[starts - reach]
        probes = np.lib.stride_tricks.sliding_window_view(changes, probe)[starts]
        n_fft = 1 << (reach + probe - 1).bit_length()
        product = np.fft.irfft(np.fft.rfft(past, n_fft) * np.fft.rfft(probes, n_fft).conj(), n_fft)
        product = product[:, : reach - probe + 1]
        energy = np.concatenate([[0.0], np.cumsum(changes**2)])
        energies = energy[probe:] - energy[:-probe]
        own = energies[starts]
        old = np.lib.stride_tricks.sliding_window_view(energies, reach - probe + 1)[starts - reach]
        alike = product / np.sqrt(np.maximum(own[:, None] * old, 1e-12))
        # The lags of the columns fall from the longest to that of a probe.
        usable = reach - to_samples(SHORTEST_S, rate) + 1
        best = alike[:, :usable].argmax(axis=1)
        likeness = alike[np.arange(len(starts)), best]
        taken = -1
        for number in np.flatnonzero((likeness > ALIKE) & (own > 1e-9)).tolist():
            lag = (reach - int(best[number])) * step
            place = (int(starts[number]) - shift) * step
            if place >= taken:
                taken = max(taken, self._closely(joined, place, lag))

    def _closely(self, joined: np.ndarray, place: int, lag: int) -> int:
        """Look at every sample near a place that resembles what was ``lag`` samples before; keep what is the same.
        Returns where that ends.
        """
        n = to_samples(PROBE_S, self._rate)
        here = np.diff(joined[place : place + n])
        lags = np.arange(lag - 2 * self._step, lag + 2 * self._step + 1)
        lags = lags[(lags <= place) & (lags >= to_samples(SHORTEST_S, self._rate))]
        power = float(here @ here)
        if not len(lags) or power <= 0:
            return place
        differ = [float(((here - np.diff(joined[place - k : place - k + n])) ** 2).sum()) / power for k in lags]
        lag = int(lags[int(np.argmin(differ))])
        if min(differ) > 2 * CODED or self._is_periodic(joined, place, n, min(differ)):
            return place
        return self._extend(joined, place, lag)

    def _is_periodic(self, joined: np.ndarray, place: int, n: int, differ: float) -> bool:
        """Whether the sound is as much like itself a period before: a vowel or a tone."""
        limit = SAME if differ < SAME else PERIODIC
        low, high = (to_samples(time_s, self._rate) for time_s in PERIOD_S)
        first = place - high
        if first < 0:
            return False
        here = joined[place : place + n]
        past = np.lib.stride_tricks.sliding_window_view(joined[first : place - low + n], n)
        here, past = np.diff(here), np.diff(past, axis=1)
        return bool((((past - here) ** 2).sum(axis=1) < limit * (here @ here)).any())

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
        exact = differs < SAME
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
