"""Gaps of single channels: restored from another channel where that tells of them, else by the model, channel by
channel; no sample of the other channels changes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..audio.samples import from_float, to_float
from ..audio.transfer import BLOCK_S, Followed, follow
from ..data.gaps import Gap, gap_span, gap_spans, gaps_by_channel
from ..errors import AvsiWarning
from ..timebase import join_stretches, to_samples
from .excerpts import CONTEXT_S, Excerpt, Span, plan_excerpts

if TYPE_CHECKING:
    from .keeping import Kept

# Another channel is taken where the filter from it misses so little. In gaps of 200 and 800 ms in 12 speakers of GRID,
# with noises and rooms of all strengths, it was then better than the model by SDR, STOI and PESQ.
LEAST_FIT_DB = 3.0
# Somebody who is heard in the gap alone, near the other microphone, would be made far louder than all that is known.
LOUDER_DB = 6.0

Patch = tuple[int, np.ndarray]  # first sample in the recording, samples of shape (n, n_channels)
Read = Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Taken:
    """A gap of one channel that is restored from another.

    Attributes:
        start, stop: in samples of the recording.
        source: the other channel.
        damaged: the channel in and around the gap; float, shape (n_samples,).
        followed: what the other channel makes of it, same shape.
        lost: the gaps in these, and ``inside`` this one, in samples.
    """

    start: int
    stop: int
    channel: int
    source: int
    damaged: np.ndarray
    followed: np.ndarray
    lost: list[Span]
    inside: Span

    def patch(self, dtype: np.dtype, rate: int, kept: Kept | None) -> np.ndarray:
        """What fills the gap, shape (n, 1); of the damaged sound a band may be ``kept``."""
        from ..audio.phase import paste, within_scale  # which needs torch

        known = _without(self.damaged, self.lost)
        pasted = paste(known, self.followed, self.lost, rate)[:, None]
        if kept:
            pasted = kept.mix(self.damaged[:, None], pasted, rate)
        full = max(1.0, float(np.abs(known).max(initial=0.0)))
        return from_float(within_scale(pasted, *self.inside, full), dtype)


@dataclass(frozen=True)
class RestorationPlan:
    """What restores each gap of a recording.

    Attributes:
        gaps: in the order of time, as of :func:`.gaps_by_channel`.
        excerpts: what the model restores, in the channels that each names.
        taken: what is restored from another channel.
    """

    gaps: list[Gap]
    excerpts: list[Excerpt]
    taken: list[Taken]

    def spans(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """First sample, the one after the last, and the channels of all that is restored; no channel named: all."""
        made = [(start, stop, excerpt.channels) for excerpt in self.excerpts for start, stop in excerpt.own]
        return [*made, *((each.start, each.stop, (each.channel,)) for each in self.taken)]

    def patches(self, made: Iterable[Patch], read: Read, rate: int, kept: Kept | None = None) -> list[Patch]:
        """All patches, each of all channels, sorted and disjoint.

        Args:
            made: by the model, for each gap of each excerpt in turn.
            read: (first sample, the one after the last) -> samples of the recording, shape (n, n_channels).
            kept: as of :class:`.Inpainter`.
        """
        channels = [excerpt.channels for excerpt in self.excerpts for _ in excerpt.own]
        narrow = [(start, patch, of) for (start, patch), of in zip(made, channels, strict=True)]
        for each in self.taken:
            patch = each.patch(read(each.start, each.start + 1).dtype, rate, kept)
            narrow.append((each.start, patch, (each.channel,)))
        whole = [(start, patch) for start, patch, of in narrow if not of]
        narrow = [each for each in narrow if each[2]]
        for first, last in join_stretches((start, start + len(patch)) for start, patch, _ in narrow):
            samples = read(first, last).copy()
            for start, patch, of in narrow:
                if first <= start < last:
                    samples[start - first : start - first + len(patch), list(of)] = patch
            whole.append((first, samples))
        return sorted(whole, key=lambda patch: patch[0])

    def tell(self) -> None:
        """Warn, in a line for each channel, of what is taken from another."""
        pairs = [(each.channel, each.source) for each in self.taken]
        for channel, source in sorted(set(pairs)):
            count = pairs.count((channel, source))
            warnings.warn(
                f"channel {channel + 1}: {f'{count} gaps are' if count > 1 else 'one gap is'} restored from channel "
                f"{source + 1}, which holds the same sound",
                AvsiWarning,
                stacklevel=3,
            )


def plan_restoration(
    gaps: Sequence[Gap], read: Read, n_samples: int, rate: int, n_channels: int, start_s: float = 0.0
) -> RestorationPlan:
    """Find out what restores each gap of a recording.

    Args:
        gaps: on a clock that shows ``start_s`` at the first sample.
        read: as of :meth:`RestorationPlan.patches`.

    Raises:
        GapError: as of :func:`.gap_spans`, :func:`.gaps_by_channel` and :func:`.plan_excerpts`.
    """
    gap_spans(list(gaps), n_samples, rate, start_s)
    gaps = gaps_by_channel(gaps, n_channels)
    spans = [(gap_span(gap, n_samples, rate, start_s), gap.channels) for gap in gaps]
    lost = [join_stretches(span for span, of in spans if not of or channel in of) for channel in range(n_channels)]
    taken, left = list[Taken](), dict[tuple[int, ...], list[Span]]()
    for span, of in spans:
        found = [take(span, channel, lost, read, n_samples, rate) for channel in of]
        taken += filter(None, found)
        rest = tuple(channel for channel, each in zip(of, found, strict=True) if each is None)
        if rest or not of:
            left.setdefault(rest, []).append(span)
    excerpts = []
    for of, own in left.items():
        others = [span for channel in of or range(n_channels) for span in lost[channel]]
        excerpts += plan_excerpts(own, n_samples, rate, start_s, join_stretches(others), of)
    return RestorationPlan(gaps, excerpts, taken)


def take(
    span: Span, channel: int, lost: Sequence[Sequence[Span]], read: Read, n_samples: int, rate: int
) -> Taken | None:
    """A gap of one channel as the best of the others makes it; None where none tells enough of it.

    Args:
        lost: the gaps of each channel.
    """
    context = to_samples(CONTEXT_S, rate)
    begin, end = max(span[0] - context, 0), min(span[1] + context, n_samples)
    lost_here = [[(max(a, begin) - begin, min(b, end) - begin) for a, b in of if a < end and b > begin] for of in lost]
    whole = [source for source, of in enumerate(lost) if not any(a < span[1] and b > span[0] for a, b in of)]
    samples, inside, best = to_float(read(begin, end)), (span[0] - begin, span[1] - begin), None
    damaged = samples[:, channel]
    known = _without(damaged, lost_here[channel])
    for source in whole:
        other = _without(samples[:, source], lost_here[source])
        both = _without(np.ones(len(known), bool), [*lost_here[channel], *lost_here[source]])
        found = follow(known, other, both, rate) if np.isfinite(damaged + other).all() else None
        tells = found is not None and found.fit_db >= LEAST_FIT_DB and not _too_loud(found, known, inside, rate)
        if found and tells and (best is None or found.fit_db > best[1].fit_db):
            best = source, found
    if best is None:
        return None
    return Taken(*span, channel, best[0], damaged, best[1].samples, lost_here[channel], inside)


def _without(samples: np.ndarray, spans: Sequence[Span]) -> np.ndarray:
    left = samples.copy()
    for start, stop in spans:
        left[start:stop] = 0
    return left


def _too_loud(found: Followed, known: np.ndarray, inside: Span, rate: int) -> bool:
    """Whether a gap is far louder than what is known around it."""
    loud, around = (_loudest(samples, rate) for samples in (found.samples[slice(*inside)], known))
    return loud > around * 10 ** (LOUDER_DB / 20)


def _loudest(samples: np.ndarray, rate: int) -> float:
    """The root of the mean power of the loudest block."""
    size = min(to_samples(BLOCK_S, rate), len(samples))
    sums = np.concatenate([[0.0], np.cumsum(samples**2)])
    return float(np.sqrt((sums[size:] - sums[:-size]).max() / size))
