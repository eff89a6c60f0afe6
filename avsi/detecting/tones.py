"""Steady tones, such as a bleep over a word: sinusoids whose frequency and level stand still, as those of a voice never
do, and that begin and end at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples
from .levels import Levels

NAME = "tone"
WINDOW_S, HOP_S = 0.024, 0.006
LOWEST_HZ, HIGHEST_HZ = 180.0, 7000.0
MIN_TONE_S = 0.035
# From one window to the next, a steady tone moves no more than this, nor by half as much again over its whole length.
STEP_HZ, STEP_PART, STEP_DB = 2.0, 0.004, 1.5
STRONG_DB = 12.0  # looked at are the parts of a spectrum that lie so little below its peak
EDGE_FRAMES, EDGE_DB = 6, 8.0  # within so many windows a tone that begins or ends changes by so much
# A tone is not softer than this below speech: hums and whistles that are heard in each pause are.
SOFT_DB = 20.0
LEAST_BELOW_DB = 70.0  # below full scale: what is softer is not looked at
LEAST_SHARE = 0.1  # of the energy of what is heard
# By logistic regression over 209 tones of 400 to 2000 Hz and 40 ms to 1 s, instead of speech and over it (-3 to 9 dB),
# against 1825 steady vowels of LibriSpeech train-clean-100 and GRID: how long, how much of the energy, how little the
# frequency and the level waver, how high, and a constant.
IS_TONE = (2.48, 3.07, 2.27, 2.41, 1.3, -5.9)
LONGEST_S, HIGH_HZ = 0.3, 400.0
PARTED_S = 0.03  # speech over a tone may hide it for so long
THROUGHOUT = 0.5  # what is heard in so much of a recording belongs to it


@dataclass(frozen=True)
class _Piece:
    """A tone, or a part of one, in seconds from the first sample.

    Attributes:
        steady_s: how long it was seen without an interruption.
        begins, ends: whether its edges were seen.
    """

    start_s: float
    end_s: float
    hz: float
    db: float
    share: float
    wavers_hz: float
    wavers_db: float
    steady_s: float
    begins: bool
    ends: bool


class ToneFinder:
    """Looks for steady tones in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._step = max(1, rate // 16000)
        self._sound_rate, self._rate = rate, rate / self._step
        self._window, self._hop = to_samples(WINDOW_S, self._rate), to_samples(HOP_S, self._rate)
        self._n_fft = 1 << (self._window - 1).bit_length()
        bins = np.fft.rfftfreq(self._n_fft, 1 / self._rate)
        heard = np.flatnonzero((bins >= LOWEST_HZ) & (bins <= min(HIGHEST_HZ, 0.45 * self._rate)))
        self._bins = slice(int(heard[0]), int(heard[-1]) + 1) if len(heard) else slice(0)
        self._hz = bins[self._bins]
        self._taper = np.hanning(self._window + 2)[1:-1]
        self._gain_db = 20 * float(np.log10(self._taper.sum() / 2))  # of a sinusoid of amplitude 1
        self._least_db = self._gain_db - LEAST_BELOW_DB
        self._rest, self._first, self._taken = np.zeros(0), 0, 0
        self.pieces: list[_Piece] = []

    def take(self, samples: np.ndarray, last: bool = False) -> None:
        """Args: samples: the next ones of the channel, shape (n,); last: whether there are no more."""
        self._taken += len(samples)
        if not len(self._hz):  # the rate is so low that no such tone can be heard
            return
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // self._step * self._step
        coarse = joined[:whole].reshape(-1, self._step).mean(axis=1)
        n_frames = (len(coarse) - self._window) // self._hop + 1
        if n_frames > 2 * EDGE_FRAMES or last:
            if n_frames > 2:
                self._look(coarse, n_frames, last)
            done = max(0, n_frames - 3 * EDGE_FRAMES) * self._hop
            self._rest, self._first = joined[done * self._step :], self._first + done
        else:
            self._rest = joined

    def _look(self, coarse: np.ndarray, n_frames: int, last: bool) -> None:
        from scipy.fft import rfft

        frames = np.lib.stride_tricks.sliding_window_view(coarse, self._window)[:: self._hop][:n_frames]
        spectra = rfft(frames * self._taper, self._n_fft, axis=1).astype(np.complex64)
        power = spectra.real**2 + spectra.imag**2
        total = power.sum(axis=1)
        spectra, power = spectra[:, self._bins], power[:, self._bins]
        db = 10 * np.log10(power + 1e-12)
        loudest = db[1:].max(axis=1, keepdims=True)
        still = (db[1:] > loudest - STRONG_DB) & (loudest > self._least_db) & (np.abs(np.diff(db, axis=0)) < STEP_DB)
        hz = self._frequencies(spectra, still)
        # Of the bins of one peak, the one in the middle.
        still &= np.abs(hz - self._hz) <= 0.6 * self._rate / self._n_fft
        still[1:] &= np.abs(np.diff(hz, axis=0)) < STEP_HZ + STEP_PART * self._hz
        edges = np.diff(np.pad(still, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
        numbers, firsts = np.nonzero(edges == 1)
        stops = np.nonzero(edges == -1)[1]
        long = (stops - firsts >= 3) | (firsts == 0) | (stops == len(still))
        for number, a, b in zip(*(each[long].tolist() for each in (numbers, firsts, stops)), strict=True):
            self._keep(a, b, db[:, number], hz[a:b, number], power, total, number, n_frames, last)

    def _frequencies(self, spectra: np.ndarray, where: np.ndarray) -> np.ndarray:
        """In Hz, from one window to the next by how much the phase turns, where that is wanted and just before; NaN
        elsewhere; shape (n_frames - 1, n_bins).
        """
        frames, bins = np.nonzero(where | np.pad(where[1:], ((0, 1), (0, 0))))
        turned = np.angle(spectra[frames + 1, bins] * spectra[frames, bins].conj())
        expected = 2 * np.pi * self._hz[bins] * self._hop / self._rate
        off = (turned - expected + np.pi) % (2 * np.pi) - np.pi
        hz = np.full(where.shape, np.nan)
        hz[frames, bins] = self._hz[bins] + off * self._rate / (2 * np.pi * self._hop)
        return hz

    def _keep(
        self,
        first: int,
        stop: int,
        db: np.ndarray,
        hz: np.ndarray,
        power: np.ndarray,
        total: np.ndarray,
        number: int,
        n_frames: int,
        last: bool,
    ) -> None:
        """A run in which one part of the spectrum stands still: frames [first, stop] of this block."""
        limit = 1.5 * (STEP_HZ + STEP_PART * float(hz.mean()))
        if len(hz) > 2 and hz.max() - hz.min() > 2 * limit:
            return
        near = slice(max(number - 3, 0), number + 4)
        share = float((power[first : stop + 1, near].sum(axis=1) / (total[first : stop + 1] + 1e-12)).mean())
        level = _median(db[first : stop + 1])
        before, after = db[max(first - EDGE_FRAMES, 0) : first + 1], db[stop : stop + EDGE_FRAMES + 1]
        at_start, at_end = first < EDGE_FRAMES, stop + EDGE_FRAMES >= n_frames
        begins = bool(before.min() < level - EDGE_DB) or (self._first == 0 and at_start)
        ends = bool(after.min() < level - EDGE_DB) or (last and at_end)
        start = self._crossing(before[::-1], level, first, -1)
        end = self._crossing(after, level, stop, 1)
        if self._first == 0 and at_start and not before.min() < level - EDGE_DB:
            start = -self._window / 2 / self._hop
        if last and at_end and not after.min() < level - EDGE_DB:
            end = n_frames - 1 + self._window / 2 / self._hop
        origin_s = (self._first + self._window / 2) / self._rate
        # The first and the last windows reach out of the tone.
        inner = slice(1, -1) if len(hz) > 3 else slice(None)
        self.pieces.append(
            _Piece(
                origin_s + start * self._hop / self._rate,
                origin_s + end * self._hop / self._rate,
                _median(hz),
                level - self._gain_db - 3,
                share,
                _deviation(hz[inner]),
                _deviation(db[first : stop + 1][inner]),
                (end - start) * self._hop / self._rate,
                begins,
                ends,
            )
        )

    @staticmethod
    def _crossing(outward_db: np.ndarray, level_db: float, frame: int, sign: int) -> float:
        """The frame, between two, at whose centre the tone begins or ends: there half of the window is filled."""
        below = np.flatnonzero(outward_db < level_db - 6.0)
        if not len(below):
            return float(frame)
        n = int(below[0])
        if n == 0:
            return float(frame)
        above_db, under_db = float(outward_db[n - 1]), float(outward_db[n])
        part = (above_db - (level_db - 6.0)) / max(above_db - under_db, 1e-6)
        return frame + sign * (n - 1 + part)

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]:
        """The tones, in seconds from the first sample."""
        self.take(np.zeros(0), last=True)
        duration_s = self._taken / self._sound_rate
        tones = [tone for tone in _merged(self.pieces) if tone.begins and tone.ends]
        damages: list[Damage] = []
        for tone in sorted(tones, key=lambda each: (each.start_s, each.end_s)):
            length_s = tone.end_s - tone.start_s
            middle = min(int((tone.start_s + tone.end_s) / 2 / levels.frame_s), len(levels.frames_db) - 1)
            soft = tone.db < levels.speech_db[middle] - SOFT_DB
            if length_s < MIN_TONE_S or tone.share < LEAST_SHARE or soft or length_s >= THROUGHOUT * duration_s:
                continue
            sure = _likely(tone)
            start_s, end_s = max(tone.start_s, 0.0), min(tone.end_s, duration_s)
            # The parts of a dual tone, and harmonics, are one.
            if damages and start_s < damages[-1].end_s and min(sure, damages[-1].sure) >= 0.5:
                last = damages.pop()
                start_s, end_s, sure = last.start_s, max(last.end_s, end_s), max(sure, last.sure)
            damages.append(Damage(start_s, end_s, NAME, round(sure, 3), NAME, channel))
        return damages


def _median(values: np.ndarray) -> float:
    """As np.median, which takes five times as long for a few values."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _deviation(values: np.ndarray) -> float:
    """As np.std, likewise."""
    off = values - values.sum() / len(values)
    return math.sqrt(float(off @ off) / len(off))


def _likely(tone: _Piece) -> float:
    """How likely this is a tone and no vowel."""
    facts = (
        math.log(min(max(tone.steady_s, HOP_S), LONGEST_S)),
        -math.log(1.02 - min(tone.share, 1.0)),
        -math.log(0.02 + 100 * tone.wavers_hz / tone.hz),
        -min(tone.wavers_db, 1.0),
        math.log(tone.hz / HIGH_HZ),
        1.0,
    )
    return 1 / (1 + math.exp(-sum(weight * fact for weight, fact in zip(IS_TONE, facts, strict=True))))


def _merged(pieces: list[_Piece]) -> list[_Piece]:
    """Tones of which parts were seen in one block and parts in the next, or in bins beside each other."""
    merged: list[_Piece] = []
    open_: list[_Piece] = []
    for piece in sorted(pieces, key=lambda each: each.start_s):
        still_open = []
        for other in open_:
            if other.end_s < piece.start_s - PARTED_S:
                merged.append(other)
            elif abs(other.hz - piece.hz) <= STEP_HZ * 2 + STEP_PART * 2 * piece.hz:
                longest = max(piece, other, key=lambda each: each.steady_s)
                later = piece if piece.end_s > other.end_s else other
                piece = _Piece(
                    other.start_s,
                    max(piece.end_s, other.end_s),
                    other.hz,
                    max(piece.db, other.db),
                    longest.share,
                    longest.wavers_hz,
                    longest.wavers_db,
                    longest.steady_s,
                    other.begins,
                    later.ends,
                )
            else:
                still_open.append(other)
        open_ = [*still_open, piece]
    return merged + open_
