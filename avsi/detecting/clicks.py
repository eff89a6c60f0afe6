"""Clicks: single pulses of at most a few milliseconds, which stand out from what is heard before and after."""

from __future__ import annotations

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .levels import Levels

NAME = "click"
CELL_S = 0.001
# A click is so many times as steep as the steepest that is near, within these distances on both sides.
STEEPER, NEAREST_S, FURTHEST_S = 8.0, 0.004, 0.025
LIKELY = 14.0  # times as steep: as likely a click as not; twice as much is one for sure
# What bends less than speech is loud, so far below, is a sound of lips or cloth; and nothing is softer than that.
SOFT_DB, SOFTEST = 2.0, 1e-4
GROUPED_S = 0.03  # clicks that are closer to each other are one


class ClickFinder:
    """Looks for clicks in one channel, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._cell = max(1, to_samples(CELL_S, rate))
        self._near, self._far = round(NEAREST_S / CELL_S), round(FURTHEST_S / CELL_S)
        self._rest = np.zeros(0)
        # How steep each cell is at most; before the first there are as many as are looked back at.
        self._cells, self._first = np.zeros(self._far), -self._far
        self._found: list[tuple[int, float, float]] = []  # cell, how steep, how many times what is near

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones of the channel, shape (n,)."""
        joined = np.concatenate([self._rest, samples])
        whole = max(0, len(joined) - 2) // self._cell * self._cell
        if whole:
            # What bends the most: speech is smooth beside it.
            bends = np.abs(joined[2 : whole + 2] - 2 * joined[1 : whole + 1] + joined[:whole])
            self._look(np.concatenate([self._cells, bends.reshape(-1, self._cell).max(axis=1)]))
        self._rest = joined[whole:]

    def _look(self, cells: np.ndarray) -> None:
        count = len(cells) - 2 * self._far
        if count > 0:
            windows = np.lib.stride_tricks.sliding_window_view(cells, self._far - self._near + 1)
            before, after = windows[:count].max(axis=1), windows[self._far + self._near :][:count].max(axis=1)
            steep = cells[self._far : self._far + count]
            times = steep / np.maximum(np.maximum(before, after), SOFTEST)
            for place in np.flatnonzero(times > STEEPER).tolist():
                self._found.append((self._first + self._far + place, float(steep[place]), float(times[place])))
            cells, self._first = cells[count:], self._first + count
        self._cells = cells

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]:
        """The clicks, in seconds from the first sample."""
        self._look(np.concatenate([self._cells, np.zeros(self._far)]))
        damages: list[Damage] = []
        for cell, steepness, times in self._found:
            start_s, end_s = to_seconds(cell * self._cell, self._rate), to_seconds((cell + 1) * self._cell, self._rate)
            frame = min(int(start_s / levels.frame_s), len(levels.speech_db) - 1)
            if steepness < 10 ** ((levels.speech_db[frame] - SOFT_DB) / 20):
                continue
            sure = round(min(0.5 + (times - LIKELY) / (2 * LIKELY), 1.0), 3)
            if damages and start_s - damages[-1].end_s <= GROUPED_S:
                last = damages.pop()
                start_s, sure = last.start_s, max(sure, last.sure)
            damages.append(Damage(start_s, end_s, NAME, sure, NAME, channel))
        return damages
