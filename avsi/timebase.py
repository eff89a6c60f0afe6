"""Conversion between seconds, samples, STFT frames and video frames, with one rule for rounding.

An STFT frame ``t`` is centred on the ``t``-th block of ``hop`` samples: its window covers the samples
``[t*hop - overlap, t*hop - overlap + window)`` with ``overlap = (window - hop) / 2``, and a signal of ``n`` samples has
``ceil(n / hop)`` frames, 250 for GRID's 3 s at 16 kHz.
"""

import math
from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from .config import StftConfig

Time = TypeVar("Time", int, float)


def to_samples(time_s: float, rate: float) -> int:
    """The index of the sample nearest to a time."""
    return math.floor(time_s * rate + 0.5)


def to_seconds(sample: int, rate: int) -> float:
    return sample / rate


def convert_span(start: int, stop: int, rate: int, new_rate: int) -> tuple[int, int]:
    """The smallest span of samples at ``new_rate`` that covers ``[start, stop)`` at ``rate``."""
    return start * new_rate // rate, -(-stop * new_rate // rate)


def n_frames(n_samples: int, stft: StftConfig) -> int:
    return -(-n_samples // stft.hop_samples)


def to_frames(length_s: float, stft: StftConfig) -> int:
    """The number of STFT frames nearest to a duration, at least one."""
    return max(1, to_samples(length_s, stft.sample_rate / stft.hop_samples))


def frame_centres_s(count: int, stft: StftConfig) -> np.ndarray:
    """The time in seconds of the centre of each STFT frame; shape (count,)."""
    return (np.arange(count) + 0.5) * stft.hop_samples / stft.sample_rate


def frames_touching(start: int, stop: int, stft: StftConfig) -> tuple[int, int]:
    """The frames ``[first, last)`` whose window overlaps samples ``[start, stop)``; not clipped to the signal."""
    overlap = (stft.window_samples - stft.hop_samples) // 2
    first = (start + overlap - stft.window_samples) // stft.hop_samples + 1
    last = -(-(stop + overlap) // stft.hop_samples)
    return first, last


def frames_within(start: int, stop: int, stft: StftConfig) -> tuple[int, int]:
    """The frames ``[first, last)`` whose window lies in samples ``[start, stop)``; none where ``last <= first``."""
    overlap = (stft.window_samples - stft.hop_samples) // 2
    return -(-(start + overlap) // stft.hop_samples), max(
        (stop + overlap - stft.window_samples) // stft.hop_samples + 1, 0
    )


def video_grid_s(start_s: float, stop_s: float, fps: float) -> np.ndarray:
    """Times in seconds from ``start_s`` to at least ``stop_s`` in steps of ``1/fps``; never empty."""
    count = max(1, math.ceil((stop_s - start_s) * fps - 1e-6) + 1)
    return start_s + np.arange(count) / fps


def join_stretches(stretches: Iterable[tuple[Time, Time]]) -> list[tuple[Time, Time]]:
    """Stretches (start, stop) in the order of time; those that overlap or touch become one."""
    joined: list[tuple[Time, Time]] = []
    for start, stop in sorted(stretches):
        if joined and start <= joined[-1][1]:
            start, last = joined.pop()
            stop = max(last, stop)
        joined.append((start, stop))
    return joined
