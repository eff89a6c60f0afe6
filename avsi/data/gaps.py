"""Gaps in seconds, and their masks of samples and of STFT frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import StftConfig
from ..errors import GapError
from ..timebase import frames_touching, join_stretches, to_samples, to_seconds

# A gap may reach this much beyond the recording, since times are displayed and typed with three decimals.
END_TOLERANCE_S = 0.0005


@dataclass(frozen=True, order=True)
class Gap:
    """A span of lost sound, ``[start_s, end_s)`` in seconds.

    Attributes:
        channels: in which it is lost, from 0 on and sorted; none named: in all.
    """

    start_s: float
    end_s: float
    channels: tuple[int, ...] = ()

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    @classmethod
    def parse(cls, text: str) -> Gap:
        """From ``START:END`` in seconds, or ``START:END@CHANNEL``, which counts from 1; several are separated by
        commas. Raises GapError on anything else.
        """
        times, at, named = text.partition("@")
        try:
            start, end = (float(part) for part in times.split(":"))
            return cls(start, end, tuple(sorted({int(channel) - 1 for channel in named.split(",")})) if at else ())
        except ValueError:
            raise GapError(
                f"gap '{text}': expected START:END in seconds, such as 0.80:1.60, or 0.80:1.60@2 in channel 2 alone"
            ) from None

    def __str__(self) -> str:
        channels = ",".join(str(channel + 1) for channel in self.channels)
        return f"{self.start_s:g}:{self.end_s:g}" + (f"@{channels}" if channels else "")

    def shares_channel(self, other: Gap) -> bool:
        """Whether a channel is lost in both."""
        return not (self.channels and other.channels) or bool(set(self.channels) & set(other.channels))


def gap_spans(
    gaps: list[Gap], n_samples: int, rate: int, start_s: float = 0.0, n_channels: int = 1
) -> list[tuple[int, int]]:
    """The gaps as sorted, disjoint spans of samples ``[start, stop)`` of a recording, whose first sample is at time
    ``start_s``. Those that do not name the same channels may overlap, and are then one span.

    Raises:
        GapError: no gap; a gap that is reversed, shorter than a sample, outside the recording, of a channel that is not
            there, or overlaps another of the same channels; or gaps of all channels that cover the whole recording.
    """
    if not gaps:
        raise GapError("no gap given: name at least one as START:END in seconds")
    check_channels(gaps, n_channels)
    spans: list[tuple[int, int]] = []
    last: dict[tuple[int, ...], int] = {}  # where the last gap of the same channels stops
    n_lost = 0  # in all channels
    for gap in sorted(gaps):
        start, stop = gap_span(gap, n_samples, rate, start_s)
        if start < last.get(gap.channels, 0):
            raise GapError(f"gap {gap}: overlaps the gap before it")
        last[gap.channels] = stop
        n_lost += 0 if gap.channels else stop - start
        if spans and start < spans[-1][1]:
            start, stop = spans[-1][0], max(stop, spans.pop()[1])
        spans.append((start, stop))
    if n_lost == n_samples:
        raise GapError("the gaps cover the whole recording: nothing is left to restore it from")
    return spans


def gap_span(gap: Gap, n_samples: int, rate: int, start_s: float = 0.0) -> tuple[int, int]:
    """A gap in samples ``[start, stop)``; arguments and errors as of :func:`gap_spans`."""
    if not (math.isfinite(gap.start_s) and math.isfinite(gap.end_s)):
        raise GapError(f"gap {gap}: times must be finite numbers of seconds")
    if gap.end_s <= gap.start_s:
        raise GapError(f"gap {gap}: ends before it starts; expected START:END in seconds")
    begin_s, end_s, duration_s = gap.start_s - start_s, gap.end_s - start_s, to_seconds(n_samples, rate)
    if start_s and (begin_s < -END_TOLERANCE_S or end_s > duration_s + END_TOLERANCE_S):
        raise GapError(f"gap {gap}: outside the sound, which plays from {start_s:.3f} to {start_s + duration_s:.3f} s")
    if not start_s and (begin_s < 0 or end_s > duration_s + END_TOLERANCE_S):
        raise GapError(f"gap {gap}: outside the recording, which lasts {duration_s:.3f} s")
    start, stop = max(to_samples(begin_s, rate), 0), min(to_samples(end_s, rate), n_samples)
    if stop <= start:
        raise GapError(f"gap {gap}: shorter than one sample at {rate} Hz")
    return start, stop


def check_channels(gaps: Sequence[Gap], n_channels: int) -> None:
    """Raise GapError for a gap of a channel that the recording does not have."""
    for gap in gaps:
        for channel in gap.channels:
            if not 0 <= channel < n_channels:
                raise GapError(
                    f"gap {gap}: there is no channel {channel + 1}; the recording has "
                    + (f"{n_channels}, the first is 1" if n_channels > 1 else "one alone: leave out the channel")
                )


def gaps_by_channel(gaps: Sequence[Gap], n_channels: int) -> list[Gap]:
    """Gaps in the order of time, those that overlap or touch in a channel as one, and each with all channels in which
    it is lost from the same time to the same time; none is named where these are all channels. Where no gap names a
    channel, they stay as they are.

    Raises:
        GapError: as of :func:`check_channels`.
    """
    check_channels(gaps, n_channels)
    if not any(gap.channels for gap in gaps):
        return sorted(gaps)
    lost_in: dict[tuple[float, float], list[int]] = {}
    for channel in range(n_channels):
        own = join_stretches((gap.start_s, gap.end_s) for gap in gaps if not gap.channels or channel in gap.channels)
        for stretch in own:
            lost_in.setdefault(stretch, []).append(channel)
    named = {stretch: () if len(of) == n_channels else tuple(of) for stretch, of in lost_in.items()}
    return sorted(Gap(*stretch, channels) for stretch, channels in named.items())


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
