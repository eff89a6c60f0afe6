"""Gaps in seconds, and their masks of samples and of STFT frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..config import StftConfig
from ..errors import GapError
from ..timebase import frames_touching, join_stretches, to_samples, to_seconds

# A gap may reach this much beyond the recording, since times are displayed and typed with three decimals.
END_TOLERANCE_S = 0.0005


@dataclass(frozen=True, order=True)
class Gap:
    """A span of lost sound, ``[start_s, end_s)`` in seconds."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    @classmethod
    def parse(cls, text: str) -> Gap:
        """From ``START:END`` in seconds. Raises GapError on anything else."""
        try:
            start, end = (float(part) for part in text.split(":"))
        except ValueError:
            raise GapError(f"gap '{text}': expected START:END in seconds, such as 0.80:1.60") from None
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start_s:g}:{self.end_s:g}"


def gap_spans(gaps: list[Gap], n_samples: int, rate: int, start_s: float = 0.0) -> list[tuple[int, int]]:
    """The gaps as sorted, disjoint spans of samples ``[start, stop)`` of a recording, whose first sample is at time
    ``start_s``.

    Raises:
        GapError: no gap; a gap that is reversed, shorter than a sample, outside the recording or overlaps another; or
            gaps that cover the whole recording.
    """
    if not gaps:
        raise GapError("no gap given: name at least one as START:END in seconds")
    spans: list[tuple[int, int]] = []
    for gap in sorted(gaps):
        if not (math.isfinite(gap.start_s) and math.isfinite(gap.end_s)):
            raise GapError(f"gap {gap}: times must be finite numbers of seconds")
        if gap.end_s <= gap.start_s:
            raise GapError(f"gap {gap}: ends before it starts; expected START:END in seconds")
        begin_s, end_s, duration_s = gap.start_s - start_s, gap.end_s - start_s, to_seconds(n_samples, rate)
        if start_s and (begin_s < -END_TOLERANCE_S or end_s > duration_s + END_TOLERANCE_S):
            raise GapError(
                f"gap {gap}: outside the sound, which plays from {start_s:.3f} to {start_s + duration_s:.3f} s"
            )
        if not start_s and (begin_s < 0 or end_s > duration_s + END_TOLERANCE_S):
            raise GapError(f"gap {gap}: outside the recording, which lasts {duration_s:.3f} s")
        start, stop = max(to_samples(begin_s, rate), 0), min(to_samples(end_s, rate), n_samples)
        if stop <= start:
            raise GapError(f"gap {gap}: shorter than one sample at {rate} Hz")
        if spans and start < spans[-1][1]:
            raise GapError(f"gap {gap}: overlaps the gap before it")
        spans.append((start, stop))
    if sum(stop - start for start, stop in spans) == n_samples:
        raise GapError("the gaps cover the whole recording: nothing is left to restore it from")
    return spans


def widened(spans: list[tuple[int, int]], margin: int, n_samples: int) -> list[tuple[int, int]]:
    """Sorted gaps with ``margin`` samples at either side, clipped to the recording and merged where they touch."""
    return join_stretches((max(start - margin, 0), min(stop + margin, n_samples)) for start, stop in spans)


def lost_samples(spans: list[tuple[int, int]], n_samples: int) -> np.ndarray:
    """Whether each sample lies in a gap; shape (n_samples,), bool."""
    lost = np.zeros(n_samples, bool)
    for start, stop in spans:
        lost[start:stop] = True
    return lost


def lost_frames(spans: list[tuple[int, int]], n_frames: int, stft: StftConfig) -> np.ndarray:
    """Whether the window of each STFT frame touches a gap; spans at the STFT's sample rate; shape (n_frames,), bool."""
    lost = np.zeros(n_frames, bool)
    for start, stop in spans:
        first, last = frames_touching(start, stop, stft)
        lost[max(first, 0) : last] = True
    return lost
