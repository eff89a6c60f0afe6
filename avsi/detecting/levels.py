"""How loud a recording is over time, and what is loud and soft in it: what every rule compares with."""

from __future__ import annotations

import numpy as np

FRAME_S = 0.0025  # so short that a cut is told from a fade
HIGH_PASS_S = 0.0005  # a comb filter of this delay takes a constant out and leaves speech
NOTHING_DB = -140.0  # the level of digital silence
# Over so long the level of speech is taken, and it is what a tenth of that exceeds.
AROUND_S, LOUD = 4.0, 0.9
# Where all around is softer than the speech of the whole recording by more than this, it is no speech.
FAR_BELOW_DB = 15.0
# A pause lies at least so far below speech; the noise floor is what four fifths of the pauses exceed.
PAUSE_DB, FLOOR = 20.0, 0.2
LEAST_PAUSE_S = 0.2  # of pauses together, to know the noise floor
SMOOTH = 8  # frames, 20 ms: levels of speech do not follow the pulses of a voice


class LevelMeter:
    """Takes a recording block by block; see :class:`Levels`."""

    def __init__(self, rate: int, channels: int) -> None:
        self.hop = max(1, round(FRAME_S * rate))
        self._delay = max(1, round(HIGH_PASS_S * rate))
        self._rest = np.zeros((0, channels))
        self._before = np.zeros((self._delay, channels))
        self._decibels: list[np.ndarray] = []

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones, shape (n, channels), float, full scale 1.0."""
        joined = np.concatenate([self._before, samples])
        self._before = joined[-self._delay :].copy()
        changes = np.concatenate([self._rest, samples - joined[: len(samples)]])
        whole = len(changes) // self.hop * self.hop
        self._measure(changes[:whole])
        self._rest = changes[whole:]

    def _measure(self, changes: np.ndarray) -> None:
        frames = changes.reshape(-1, self.hop, changes.shape[1])
        power = np.einsum("fnc,fnc->fc", frames, frames) / self.hop / 2
        self._decibels.append((10 * np.log10(power + 10 ** (NOTHING_DB / 10))).astype(np.float32))

    def levels(self) -> np.ndarray:
        """In dB of full scale, shape (n_frames, channels); what is left over at the end is a frame, too."""
        if len(self._rest):
            padded = np.zeros((self.hop, self._rest.shape[1]))
            padded[: len(self._rest)] = self._rest
            self._measure(padded)
            self._rest = self._rest[:0]
        return np.concatenate(self._decibels)


class Levels:
    """The levels of one channel.

    Attributes:
        frames_db: of each frame, shape (n_frames,).
        speech_db: that of the speech around each frame, shape (n_frames,).
        floor_db: that of the recording's pauses; None where there are none that hold a sound.
    """

    def __init__(self, frames_db: np.ndarray, frame_s: float) -> None:
        self.frames_db, self.frame_s = frames_db, frame_s
        smooth = smoothed(frames_db)
        sounding = smooth > NOTHING_DB + 50
        self.whole_db = float(np.quantile(smooth[sounding], LOUD)) if sounding.any() else NOTHING_DB
        self.speech_db = self._speech(smooth, sounding)
        pauses = sounding & (smooth < self.speech_db - PAUSE_DB)
        known = pauses.sum() * frame_s >= LEAST_PAUSE_S
        self.floor_db = float(np.quantile(smooth[pauses], FLOOR)) if known else None

    def _speech(self, smooth: np.ndarray, sounding: np.ndarray) -> np.ndarray:
        step = max(1, round(AROUND_S / self.frame_s / 4))
        starts = np.arange(0, len(smooth), step)
        loud = np.full(len(starts), self.whole_db - FAR_BELOW_DB)
        for number, start in enumerate(starts):
            part = slice(max(start - 2 * step, 0), start + 3 * step)
            heard = smooth[part][sounding[part]]
            if len(heard):
                loud[number] = max(np.quantile(heard, LOUD), loud[number])
        return np.repeat(loud.astype(np.float32), step)[: len(smooth)]


def smoothed(frames_db: np.ndarray) -> np.ndarray:
    """The level of the mean power of :data:`SMOOTH` frames around each."""
    power = np.convolve(10 ** (frames_db / 10), np.full(SMOOTH, 1 / SMOOTH, np.float32), "same")
    return 10 * np.log10(power[: len(frames_db)] + np.float32(10 ** (NOTHING_DB / 10)))
