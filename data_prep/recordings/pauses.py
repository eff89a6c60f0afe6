"""Where a recording is cut into utterances: at its pauses.

Levels are taken every 10 ms. Quiet is what lies 35 dB below the loud speech of the recording, or in noise less than
6 dB above it. Quiet of a second or more parts utterances, which keep a quarter of a second of it on each side. What is
still too long is cut in the middle of the longest pause within reach; where there is no pause, at the softest place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avsi.errors import ConfigError

FRAME_S = 0.01
FLOOR_DBFS = -70.0  # levels below it count as this
SILENT_DBFS = -60.0  # a recording whose loud parts lie below it holds no speech
BELOW_LOUD_DB, ABOVE_FLOOR_DB, LEAST_BELOW_LOUD_DB = 35.0, 6.0, 12.0
CLICK_S = 0.05  # shorter sounds are none
LONG_PAUSE_S, KEPT_S = 1.0, 0.25
LEAST_S = 0.1  # below it levels, which are taken every 10 ms, say nothing of an utterance
PAUSE_S = 0.1  # shorter quiet is that of a consonant
MIN_SOUNDING_S, MIN_SOUNDING = 0.2, 0.1  # of an utterance that is not almost silent: seconds, and the share


@dataclass(frozen=True)
class Lengths:
    """How long utterances may be. Raises ConfigError where that cannot always be met."""

    min_s: float = 1.5
    max_s: float = 6.0

    def __post_init__(self) -> None:
        if not LEAST_S <= self.min_s <= self.max_s / 2 < float("inf"):
            raise ConfigError(
                f"--min-s {self.min_s:g} and --max-s {self.max_s:g}: expected seconds, the first at least {LEAST_S:g}, "
                "the second at least twice the first"
            )


@dataclass(frozen=True)
class Piece:
    """A piece of a recording: samples ``[start, stop)``, and for how long it is not quiet."""

    start: int
    stop: int
    sounding_s: float

    def is_almost_silent(self, rate: int) -> bool:
        return self.sounding_s < max(MIN_SOUNDING_S, MIN_SOUNDING * (self.stop - self.start) / rate)


def levels_dbfs(samples: np.ndarray, rate: int) -> np.ndarray:
    """The level of every whole 10 ms in dB relative to a full-scale constant, at least ``FLOOR_DBFS``."""
    frame = round(FRAME_S * rate)
    count = len(samples) // frame
    power = np.square(samples[: count * frame], dtype=np.float64).reshape(count, frame)
    return np.maximum(10 * np.log10(np.maximum(power.mean(axis=1), 1e-12)), FLOOR_DBFS)


def loud_dbfs(levels: np.ndarray) -> float:
    """The level of loud speech: that which a tenth of what stands out from the noise exceeds."""
    above = levels[levels > np.percentile(levels, 5) + 10]
    return float(np.percentile(above if len(above) else levels, 90))


def quiet_below_dbfs(levels: np.ndarray) -> float:
    """The level below which a recording is quiet."""
    loud = loud_dbfs(levels)
    floor = float(np.percentile(levels, 5))
    return min(max(loud - BELOW_LOUD_DB, floor + ABOVE_FLOOR_DB), loud - LEAST_BELOW_LOUD_DB)


def cut(samples: np.ndarray, rate: int, lengths: Lengths) -> list[Piece]:
    """The pieces of a recording in order; none of one that is silent throughout. Pieces shorter than ``lengths.min_s``
    are those around which there is no more to take.

    Args:
        samples: shape (n_samples,), full scale 1.0; at least 10 ms. What is over after the last 10 ms is in no piece.
    """
    levels = levels_dbfs(samples, rate)
    if loud_dbfs(levels) < SILENT_DBFS:
        return []
    quiet = levels < quiet_below_dbfs(levels)
    for start, stop in _runs(~quiet):
        if stop - start < CLICK_S / FRAME_S:
            quiet[start:stop] = True
    shortest, longest = round(lengths.min_s / FRAME_S), round(lengths.max_s / FRAME_S)
    frame = round(FRAME_S * rate)
    return [
        Piece(start * frame, stop * frame, float((~quiet[start:stop]).sum() * FRAME_S))
        for stretch in _widened(_stretches(quiet), shortest, len(quiet))
        for start, stop in _shortened(*stretch, quiet, levels, shortest, longest)
    ]


def _stretches(quiet: np.ndarray) -> list[tuple[int, int]]:
    """What lies between long pauses, with the quiet that is kept around it; frames."""
    kept = round(KEPT_S / FRAME_S)
    joined: list[tuple[int, int]] = []
    for start, stop in _runs(~quiet):
        if joined and start - joined[-1][1] < LONG_PAUSE_S / FRAME_S:
            start = joined.pop()[0]
        joined.append((start, stop))
    return [(max(start - kept, 0), min(stop + kept, len(quiet))) for start, stop in joined]


def _widened(stretches: list[tuple[int, int]], shortest: int, end: int) -> Iterator[tuple[int, int]]:
    """Stretches that take more of the pauses around them where they are too short."""
    before = 0
    for (start, stop), following in pairwise([*stretches, (end, end)]):
        lacking = max(shortest - (stop - start), 0)
        left = min(max(lacking // 2, lacking - (following[0] - stop)), start - before)
        right = min(lacking - left, following[0] - stop)
        before = stop + right
        yield start - left, before


def _shortened(
    start: int, stop: int, quiet: np.ndarray, levels: np.ndarray, shortest: int, longest: int
) -> Iterator[tuple[int, int]]:
    """A stretch, cut so that no piece is longer than ``longest`` frames or shorter than ``shortest``."""
    while stop - start > longest:
        first, last = start + max(shortest, longest // 2), min(start + longest, stop - shortest)
        place = _best_place(quiet[start:stop], levels[start:stop], first - start, last - start) + start
        yield start, place
        start = place
    yield start, stop


def _best_place(quiet: np.ndarray, levels: np.ndarray, first: int, last: int) -> int:
    """Where to cut between two frames: see the head of this page."""
    pauses = [
        (start, stop)
        for start, stop in _runs(quiet)
        if stop - start >= PAUSE_S / FRAME_S and start <= last and stop >= first
    ]
    if pauses:
        start, stop = max(pauses, key=lambda pause: pause[1] - pause[0])
        return min(max((start + stop) // 2, first), last)
    around = round(PAUSE_S / FRAME_S)
    power = np.convolve(10 ** (levels / 10), np.ones(around), "same")
    return first + int(np.argmin(power[first : last + 1]))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The stretches [start, stop) in which flags are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
