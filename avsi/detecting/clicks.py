"""Clicks: single pulses of at most a few milliseconds, which stand out from what is heard before and after."""

from __future__ import annotations

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .levels import Levels

NAME = "click"
CELL_S = 0.001
# A click is so many times as steep as the steepest that is near, within these distances on both sides.
STEEPER, NEAREST_S, FURTHEST_S = 9.0, 0.004, 0.025
# Its level, in the ears' band, lies at least this far below speech, or it is a sound of lips or cloth.
SOFT_DB = 2.0
GROUPED_S = 0.03  # clicks that are closer to each other are one


class ClickFinder:
    """Looks for clicks in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._cell = max(1, to_samples(CELL_S, rate))
        self._rest = np.zeros(0)
        self._steepest: list[np.ndarray] = []

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones of the channel, shape (n,)."""
        joined = np.concatenate([self._rest, samples])
        whole = (len(joined) - 2) // self._cell * self._cell
        if whole <= 0:
            self._rest = joined
            return
        # What bends the most: speech is smooth beside it.
        bends = np.abs(joined[: whole + 2][2:] - 2 * joined[1 : whole + 1] + joined[:whole])
        self._steepest.append(bends.reshape(-1, self._cell).max(axis=1).astype(np.float32))
        self._rest = joined[whole:]

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]:
        """The clicks, in seconds from the first sample."""
        if not self._steepest:
            return []
        steepest = np.concatenate(self._steepest)
        near, far = round(NEAREST_S / CELL_S), round(FURTHEST_S / CELL_S)
        padded = np.pad(steepest, far, mode="reflect") if len(steepest) > far else np.pad(steepest, far)
        windows = np.lib.stride_tricks.sliding_window_view(padded, far - near + 1)
        before, after = windows[: len(steepest)].max(axis=1), windows[far + near :][: len(steepest)].max(axis=1)
        cell_s = self._cell / self._rate
        at = np.minimum((np.arange(len(steepest)) * cell_s / levels.frame_s).astype(int), len(levels.speech_db) - 1)
        loud = steepest > 10 ** ((levels.speech_db[at] - SOFT_DB) / 20)
        clicks = np.flatnonzero(loud & (steepest > STEEPER * np.maximum(np.maximum(before, after), 1e-4)))
        damages: list[Damage] = []
        for cell in clicks.tolist():
            start_s, end_s = to_seconds(cell * self._cell, self._rate), to_seconds((cell + 1) * self._cell, self._rate)
            if damages and start_s - damages[-1].end_s <= GROUPED_S:
                start_s = damages.pop().start_s
            damages.append(Damage(start_s, end_s, NAME, 0.9, NAME, channel))
        return damages
