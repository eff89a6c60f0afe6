"""Stretches in which nothing is heard, and whether they are damage or pauses.

A recording falls silent by itself in pauses, and gates and codecs make digital silence of these. What is lost is cut
off: the level falls and rises within a few milliseconds, from speech or from a noise floor that is there elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.damage import Damage
from ..media.sound_reading import Sound
from ..timebase import join_stretches, to_samples, to_seconds
from .levels import NOTHING_DB, Levels
from .odds import log_odds

NAME = "silence"
MIN_SILENCE_S = 0.02
# A stretch is looked at where it is so far below speech, or below the noise floor, or where nothing is left.
BELOW_SPEECH_DB, BELOW_FLOOR_DB, NOTHING_LEFT_DB = 30.0, 10.0, -120.0
LEAST_FRAMES = 6  # of a stretch that is looked at, 15 ms: codecs smear its edges
REACH = 4  # frames around the edge of a stretch among which the steepest is taken
OUTSIDE, INSIDE = 6, 8  # frames at an edge over which the level is taken: 15 and 20 ms
# What is further below speech than the first is as good as nothing; no edge counts as steeper than the others.
DEEP_DB, STEEPEST_FALL_DB, STEEPEST_RISE_DB = 60.0, 45.0, 40.0
# By logistic regression over cuts of 40 to 300 ms into read speech and commands (LibriSpeech train-clean-100 and GRID),
# as they are, after MP3, AAC and Opus of 12 to 128 kbit/s, and with gated pauses, against pauses and closures.
# Where nothing at all is left: how steep the fall is, how loud it is before it, and a constant.
NOTHING_HEARD_DB, LEFT_NOTHING = -100.0, (0.086, 0.153, 0.2)
# Where codecs left something: fall, rise, loudness before and after it, depth below the noise floor, the same above
# 3 dB, logarithm of the length, and a constant.
LEFT_SOME = (0.211, 0.144, 0.039, 0.062, 0.031, 0.146, -1.06, -15.3)
SOFTEST_DB, SHALLOWEST_DB, DEEPEST_DB, CLEARLY_DB, LONGEST_S = -40.0, -15.0, 30.0, 3.0, 0.3
# By logistic regression over 19 thousand stretches in speech of 100 speakers, with one or four gaps, as it is, in noise
# and echoes, gated, and after codecs: how a gap differs from a pause, see _sure.
IS_DAMAGE = (0.043, 0.107, 0.057, 0.017, 0.125, 6.023, 1.187, 0.482, -5.4)
# What is below the noise floor is no pause where it falls and rises by so much.
ABRUPT_DB = 12.0
# A gate is closed after less than this: where a pause has a sound for longer, there is none.
OPEN_PAUSE_S = 0.3
SOFT_DB = 20.0  # below speech: a pause
UNCUT = 15.0  # how steep in dB the outer edge of a silence at an end of the recording is taken to be


@dataclass(frozen=True)
class Stretches:
    """Candidates of one channel; each an array of one value for each.

    Attributes:
        start, stop: frames.
        fall_db, rise_db: how much the level changes at the edges.
        abrupt: whether it changes much at both, however soft it is outside.
        before_db, after_db: the level outside, in comparison with that of speech.
        depth_db: how far it lies below the noise floor; 0 where none is known.
        inside_db: its median level.
    """

    start: np.ndarray
    stop: np.ndarray
    fall_db: np.ndarray
    rise_db: np.ndarray
    abrupt: np.ndarray
    before_db: np.ndarray
    after_db: np.ndarray
    depth_db: np.ndarray
    inside_db: np.ndarray

    def of(self, numbers: Sequence[int]) -> Stretches:
        """Some of them."""
        return Stretches(*(values[list(numbers)] for values in vars(self).values()))


class ConstantRuns:
    """The runs of equal samples of each channel, found block by block."""

    def __init__(self, rate: int, channels: int, min_s: float = MIN_SILENCE_S / 2) -> None:
        self._shortest = max(2, to_samples(min_s, rate))
        self._last: np.ndarray | None = None
        self._since = np.zeros(channels, np.int64)
        self._reached = 0
        self.runs: list[list[tuple[int, int]]] = [[] for _ in range(channels)]

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones, shape (n, channels)."""
        before = samples[:1] if self._last is None else self._last
        differs = np.diff(samples, axis=0, prepend=before) != 0
        for channel, changes in enumerate(differs.T):
            places = self._reached + np.flatnonzero(changes)
            if len(places):
                edges = np.concatenate([self._since[channel : channel + 1], places])
                self._keep(channel, edges[:-1], edges[1:])
                self._since[channel] = places[-1]
        self._last = samples[-1:].copy()
        self._reached += len(samples)

    def _keep(self, channel: int, starts: np.ndarray, stops: np.ndarray) -> None:
        long = np.flatnonzero(stops - starts >= self._shortest)
        self.runs[channel] += [(int(starts[n]), int(stops[n])) for n in long]

    def finish(self) -> list[list[tuple[int, int]]]:
        """By channel, as samples [start, stop)."""
        for channel, since in enumerate(self._since):
            self._keep(channel, np.array([since]), np.array([self._reached]))
        return self.runs


def zero_runs(sound: Sound) -> list[tuple[int, int]]:
    """Where all channels are exactly 0 for at least :data:`MIN_SILENCE_S`, whether damage or pause; samples [start,
    stop).
    """
    edges, previous = [], False
    for start, block in sound.blocks():
        # libsndfile moves the middle of 8-bit samples to 0.
        silent = ~block.any(axis=1)
        edges += (start + np.flatnonzero(np.diff(silent, prepend=previous))).tolist()
        previous = bool(silent[-1])
    if previous:
        edges.append(sound.n_samples)
    shortest = to_samples(MIN_SILENCE_S, sound.rate)
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def find_silences(
    levels: Levels, hop: int, runs: Sequence[tuple[int, int]], n_samples: int, rate: int, channel: int | None
) -> list[Damage]:
    """The silences of one channel of a recording, pauses with a low confidence; in seconds from the first sample.

    Args:
        levels: with a frame for every ``hop`` samples.
        runs: of equal samples, as :meth:`ConstantRuns.finish` gives them: they have the exact edges.
    """
    if levels.whole_db <= NOTHING_DB:
        return [Damage(0.0, to_seconds(n_samples, rate), NAME, 1.0, NAME, channel)]
    thresholds = [levels.speech_db - BELOW_SPEECH_DB, np.full_like(levels.frames_db, NOTHING_LEFT_DB)]
    if levels.floor_db is not None:
        thresholds.append(np.full_like(levels.frames_db, levels.floor_db - BELOW_FLOOR_DB))
    found = _joined([_measured(levels, *_below(levels.frames_db, threshold)) for threshold in thresholds])
    cut = _cut(found, levels.frame_s)
    open_share = _below_the_floor(levels, found, cut)
    exact = np.array(runs, np.int64).reshape(-1, 2)
    taken, kept = np.zeros(len(levels.frames_db), bool), list[int]()
    edges: list[tuple[int, int]] = []
    for number in np.lexsort((found.start - found.stop, -np.maximum(cut, open_share).round(2))):
        start, stop = int(found.start[number]), int(found.stop[number])
        if taken[start:stop].any():
            continue
        taken[start:stop] = True
        begin, end = _exact_edges(start * hop, min(stop * hop, n_samples), exact, 3 * hop)
        if end - begin >= to_samples(MIN_SILENCE_S, rate):
            kept.append(int(number))
            edges.append((begin, end))
    sure = _sure(found.of(kept), cut[kept], open_share[kept])
    silences = [
        Damage(to_seconds(begin, rate), to_seconds(end, rate), NAME, round(float(each), 3), NAME, channel)
        for (begin, end), each in zip(edges, sure, strict=True)
    ]
    return sorted(silences, key=lambda each: each.start_s)


def _below(frames_db: np.ndarray, threshold_db: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of frames below a threshold start and stop."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames_db <= threshold_db, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= LEAST_FRAMES
    return starts[long], stops[long]


def _measured(levels: Levels, starts: np.ndarray, stops: np.ndarray) -> Stretches:
    """Stretches with their edges moved to where the level changes most."""
    n_frames = len(levels.frames_db)
    level_db = _level_meter(np.maximum(levels.frames_db, levels.speech_db - DEEP_DB))
    whole_db = _level_meter(levels.frames_db)
    shifts = np.arange(-REACH, REACH + 1)
    # One frame at an edge is partly in, partly out.
    at = starts[:, None] + shifts
    falls = level_db(at - 2, at) - level_db(at + 1, at + 3)
    moved = starts + shifts[falls.argmax(axis=1)] if len(starts) else starts
    at = stops[:, None] + shifts
    rises = level_db(at, at + 2) - level_db(at - 3, at - 1)
    ends = stops + shifts[rises.argmax(axis=1)] if len(stops) else stops
    whole = ends - moved >= LEAST_FRAMES // 2
    at_start, at_end = starts == 0, stops == n_frames
    start = np.where(at_start, 0, np.where(whole, np.maximum(moved, 0), starts))
    stop = np.where(at_end, n_frames, np.where(whole, np.minimum(ends, n_frames), stops))
    inner = np.minimum(INSIDE, np.maximum((stop - start) // 2, 2))
    before, after = (start - OUTSIDE, start), (stop, stop + OUTSIDE)
    early, late = (start + 1, start + 1 + inner), (stop - 1 - inner, stop - 1)
    fall_db, rise_db = level_db(*before) - level_db(*early), level_db(*after) - level_db(*late)
    fall_db, rise_db = np.where(at_start, UNCUT, fall_db), np.where(at_end, UNCUT, rise_db)
    falls_db, rises_db = whole_db(*before) - whole_db(*early), whole_db(*after) - whole_db(*late)
    abrupt = (np.minimum(falls_db, rises_db) >= ABRUPT_DB) & ~at_start & ~at_end
    speech_db = levels.speech_db[np.minimum(start, n_frames - 1)]
    before_db = np.where(at_start, SOFTEST_DB, level_db(*before) - speech_db)
    after_db = np.where(at_end, SOFTEST_DB, level_db(*after) - speech_db)
    inside_db = np.array([np.median(levels.frames_db[a:b]) for a, b in zip(start, stop, strict=True)])
    depth_db = np.zeros(len(start)) if levels.floor_db is None else levels.floor_db - inside_db
    return Stretches(start, stop, fall_db, rise_db, abrupt, before_db, after_db, depth_db, inside_db)


def _level_meter(frames_db: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What gives the level of the mean power from one frame to before another; those outside are left out."""
    n_frames = len(frames_db)
    power = np.concatenate([[0.0], np.cumsum(10 ** (frames_db.astype(np.float64) / 10))])

    def level_db(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        first = np.clip(first, 0, n_frames - 1)
        last = np.maximum(np.clip(last, 1, n_frames), first + 1)
        return 10 * np.log10(np.maximum((power[last] - power[first]) / (last - first), 10 ** (NOTHING_DB / 10)))

    return level_db


def _joined(parts: Sequence[Stretches]) -> Stretches:
    return Stretches(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _cut(found: Stretches, frame_s: float) -> np.ndarray:
    """How likely each is cut off from speech, by how steep its edges are and how loud it is outside."""
    fall, rise = np.minimum(found.fall_db, STEEPEST_FALL_DB), np.minimum(found.rise_db, STEEPEST_RISE_DB)
    before, after = np.maximum(found.before_db, SOFTEST_DB), np.maximum(found.after_db, SOFTEST_DB)
    depth = np.clip(found.depth_db, SHALLOWEST_DB, DEEPEST_DB)
    length = np.log(np.clip((found.stop - found.start) * frame_s, MIN_SILENCE_S, LONGEST_S))
    clearly = np.maximum(depth - CLEARLY_DB, 0.0)
    ones = np.ones_like(fall)
    some = np.stack([fall, rise, before, after, depth, clearly, length, ones], axis=1) @ LEFT_SOME
    nothing = np.stack([fall, before, ones], axis=1) @ LEFT_NOTHING
    return 1 / (1 + np.exp(-np.where(found.inside_db < NOTHING_HEARD_DB, nothing, some)))


def _sure(found: Stretches, cut: np.ndarray, open_share: np.ndarray) -> np.ndarray:
    """How likely each is damage, by its edges, by what the pauses of this recording are like, and by whether other
    stretches below its noise floor are cut off from speech, as gaps are, or lie between soft edges, as behind a gate.
    """
    looks_cut = np.where(found.depth_db > BELOW_FLOOR_DB, 2 * cut - 1, 0.0)
    others = looks_cut.sum() - looks_cut
    facts = (
        np.minimum(found.fall_db, STEEPEST_FALL_DB),
        np.minimum(found.rise_db, STEEPEST_RISE_DB),
        np.maximum(found.before_db, SOFTEST_DB),
        np.maximum(found.after_db, SOFTEST_DB),
        np.clip(found.depth_db, SHALLOWEST_DB, DEEPEST_DB),
        open_share,
        np.sign(others) * np.log1p(np.abs(others)),
        log_odds(cut),
        np.ones_like(cut),
    )
    return 1 / (1 + np.exp(-(np.stack(facts, axis=1) @ IS_DAMAGE)))


def _below_the_floor(levels: Levels, found: Stretches, cut: np.ndarray) -> np.ndarray:
    """How likely each is damage because pauses of this recording have a sound: by the share of these in the number of
    all pauses, not in their length: one long gap in a short recording is no gate.
    """
    if levels.floor_db is None:
        return np.zeros(len(cut))
    deep = (found.inside_db < levels.floor_db - BELOW_FLOOR_DB) & found.abrupt
    unsure = deep & (cut < 0.5)
    n_silent = len(join_stretches(zip(found.start[unsure].tolist(), found.stop[unsure].tolist(), strict=True)))
    quiet = (levels.frames_db < levels.speech_db - SOFT_DB) & (levels.frames_db > levels.floor_db - BELOW_FLOOR_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    n_open = int(np.sum((edges[1::2] - edges[::2]) * levels.frame_s >= OPEN_PAUSE_S))
    return np.where(deep, n_open / max(n_open + n_silent, 1), 0.0)


def _exact_edges(first: int, last: int, runs: np.ndarray, reach: int) -> tuple[int, int]:
    """The edges of a run of equal samples in the place of those that are near."""
    inside = runs[(runs[:, 0] < last) & (runs[:, 1] > first)] if len(runs) else runs
    if len(inside):
        if abs(inside[0, 0] - first) <= reach:
            first = int(inside[0, 0])
        if abs(inside[-1, 1] - last) <= reach:
            last = int(inside[-1, 1])
    return first, last
