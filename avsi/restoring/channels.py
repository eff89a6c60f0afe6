"""Gaps of single channels: restored from another channel where that is whole and tells of them, else by the model,
channel by channel; no sample of the other channels changes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..audio.samples import from_float, to_float
from ..audio.transfer import Followed, follow
from ..data.gaps import Gap, gap_span, gap_spans, gaps_by_channel
from ..errors import AvsiWarning
from ..timebase import join_stretches, to_samples
from .excerpts import CONTEXT_S, Excerpt, Span, plan_excerpts

if TYPE_CHECKING:
    from .keeping import Kept

MOST_ZERO = 0.5  # of the samples of another channel in a gap
# A part of a gap is joined with what the model makes of the rest within so long a time, and lasts at least so long.
JOIN_S, LEAST_PART_S = 0.01, 0.04

Patch = tuple[int, np.ndarray]  # first sample in the recording, samples of shape (n, n_channels)
Read = Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Taken:
    """A gap of one channel, or a part of one, that is restored from another.

    Attributes:
        start, stop: in samples of the recording.
        source: the other channel.
        damaged: the channel in and around the gap; float, shape (n_samples,).
        followed: what the other channel makes of it, same shape.
        lost: the gaps in these, and ``inside`` this one, or this part of one, in samples.
    """

    start: int
    stop: int
    channel: int
    source: int
    damaged: np.ndarray
    followed: np.ndarray
    lost: list[Span]
    inside: Span

    @property
    def goes_on(self) -> tuple[bool, bool]:
        """Whether more of the gap lies before and after this part."""
        return _goes_on(self.inside, self.lost)

    def weight(self, rate: int) -> np.ndarray:
        """How much of it is heard over what the model makes of the whole gap: all but for a cross-fade where the gap
        goes on; shape (n, 1).
        """
        weight = np.ones(self.stop - self.start)
        length = min(to_samples(JOIN_S, rate), len(weight) // 2)
        rise = (np.arange(length) + 0.5) / max(length, 1)
        for one, goes_on in zip((weight, weight[::-1]), self.goes_on, strict=True):
            if goes_on:
                one[:length] *= rise
        return weight[:, None]

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
        by_model = [(start, patch, of) for (start, patch), of in zip(made, channels, strict=True)]
        whole = [(start, patch) for start, patch, of in by_model if not of]
        narrow = [(start, patch, of) for start, patch, of in by_model if of]
        spans = [(start, start + len(patch)) for start, patch, _ in narrow]
        for first, last in join_stretches([*spans, *((each.start, each.stop) for each in self.taken)]):
            samples = read(first, last).copy()
            for start, patch, of in narrow:
                if first <= start < last:
                    samples[start - first : start - first + len(patch), list(of)] = patch
            for each in self.taken:
                if first <= each.start < last:
                    there = samples[each.start - first : each.stop - first, [each.channel]]
                    patch, weight = each.patch(samples.dtype, rate, kept), each.weight(rate)
                    faded = from_float(weight * to_float(patch) + (1 - weight) * to_float(there), samples.dtype)
                    joined = np.where(weight < 1, faded, patch)
                    samples[each.start - first : each.stop - first, [each.channel]] = joined
            whole.append((first, samples))
        return sorted(whole, key=lambda patch: patch[0])

    def tell(self) -> None:
        """Warn, in a line for each channel, of what is taken from another."""
        kinds = [(each.channel, each.source, any(each.goes_on)) for each in self.taken]
        for channel, source, in_part in sorted(set(kinds)):
            count = kinds.count((channel, source, in_part))
            what = "parts of gaps" if in_part else "gaps"
            one = "a part of a gap" if in_part else "one gap"
            warnings.warn(
                f"channel {channel + 1}: {f'{count} {what} are' if count > 1 else f'{one} is'} restored from channel "
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
    gap_spans(list(gaps), n_samples, rate, start_s, n_channels)
    gaps = gaps_by_channel(gaps, n_channels)
    spans = [(gap_span(gap, n_samples, rate, start_s), gap.channels) for gap in gaps]
    lost = [join_stretches(span for span, of in spans if not of or channel in of) for channel in range(n_channels)]
    taken, left = list[Taken](), dict[tuple[int, ...], list[Span]]()
    for span, of in spans:
        found = [take(span, channel, lost, read, n_samples, rate) for channel in of]
        taken += filter(None, found)
        rest = tuple(channel for channel, each in zip(of, found, strict=True) if each is None)
        for channel in rest:
            parts = [take(part, channel, lost, read, n_samples, rate) for part in _parts(span, channel, lost)]
            taken += filter(None, parts)
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
    """A gap of one channel, or a part of one, as the best of the others makes it; None where none tells enough of it.

    Args:
        span: of a part it loses what the other channel's own gap, beside it, makes itself heard in.
        lost: the gaps of each channel.
    """
    context = to_samples(CONTEXT_S, rate)
    begin, end = max(span[0] - context, 0), min(span[1] + context, n_samples)
    lost_here = [[(max(a, begin) - begin, min(b, end) - begin) for a, b in of if a < end and b > begin] for of in lost]
    whole = [source for source, of in enumerate(lost) if not any(a < span[1] and b > span[0] for a, b in of)]
    samples, inside = to_float(read(begin, end)), (span[0] - begin, span[1] - begin)
    best: tuple[int, Followed] | None = None
    # One that is digital silence there, but for edges that were marked too wide, has lost the same.
    whole = [source for source in whole if np.mean(samples[slice(*inside), source] != 0) > MOST_ZERO]
    damaged = samples[:, channel]
    known = _without(damaged, lost_here[channel])
    for source in whole:
        other = _without(samples[:, source], lost_here[source])
        both = _without(np.ones(len(known), bool), [*lost_here[channel], *lost_here[source]])
        found = follow(known, other, both, rate) if np.isfinite(damaged + other).all() else None
        if found and found.tells(known, inside, rate) and (best is None or found.fit_db > best[1].fit_db):
            best = source, found
    if best is None:
        return None
    before, after = (best[1].reach * goes_on for goes_on in _goes_on(inside, lost_here[channel]))
    inside = inside[0] + before, inside[1] - after
    if inside[1] - inside[0] < to_samples(LEAST_PART_S, rate) and before + after:
        return None
    start, stop = begin + inside[0], begin + inside[1]
    return Taken(start, stop, channel, best[0], damaged, best[1].samples, lost_here[channel], inside)


def _parts(span: Span, channel: int, lost: Sequence[Sequence[Span]]) -> list[Span]:
    """The parts of a gap of a channel in which at least one other channel is whole; not the gap itself."""
    edges = {edge for of in lost for each in of for edge in each if span[0] < edge < span[1]}
    cuts = [span[0], *sorted(edges), span[1]]
    others = [of for number, of in enumerate(lost) if number != channel]
    parts = join_stretches(
        (a, b) for a, b in pairwise(cuts) if any(all(c >= b or d <= a for c, d in of) for of in others)
    )
    return [part for part in parts if part != span]


def _goes_on(inside: Span, gaps: Sequence[Span]) -> tuple[bool, bool]:
    """Whether the gap that a part is in goes on before and after it."""
    return all(a != inside[0] for a, _ in gaps), all(b != inside[1] for _, b in gaps)


def _without(samples: np.ndarray, spans: Sequence[Span]) -> np.ndarray:
    left = samples.copy()
    for start, stop in spans:
        left[start:stop] = 0
    return left
