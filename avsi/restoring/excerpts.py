"""Which stretches of a recording are restored at once: gaps that lie close together, with the sound around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

    from .spectrum_restorer import Inputs

from ..errors import GapError
from ..timebase import join_stretches, to_samples, to_seconds

# Models learn on 3 s clips: what is further away from a gap tells them nothing.
CONTEXT_S = 3.0
# Gaps are restored together while they and the sound between them last no longer than this.
GROUP_S = 10.0
# The longest gap: what is restored at once must fit into memory.
MAX_GAP_S = 30.0
Span = tuple[int, int]  # samples [start, stop)


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a recording that holds some gaps and the context they are restored from.

    Attributes:
        start, stop: its first sample in the recording, and the one after its last.
        own: the gaps that this excerpt restores, in samples of the recording.
        lost: all gaps that reach into it, limited to it.
        recording_start_s: what a clock shows when the recording's first sample plays; only for what people are told.
        channels: those that this excerpt restores; none named: all.
    """

    start: int
    stop: int
    own: list[Span] = field(repr=False)
    lost: list[Span] = field(repr=False)
    recording_start_s: float = 0.0
    channels: tuple[int, ...] = ()

    def of(self, samples: np.ndarray) -> np.ndarray:
        """Its channels of samples of shape (n, n_channels)."""
        return samples[:, list(self.channels)] if self.channels else samples

    def within(self, spans: list[Span]) -> list[Span]:
        """Gaps of the recording, counted from the excerpt's first sample."""
        return [(start - self.start, stop - self.start) for start, stop in spans]

    def told(self, sample: int, rate: int) -> float:
        """The time to be told of a sample of the recording, in seconds."""
        return self.recording_start_s + to_seconds(sample, rate)


def plan_excerpts(
    spans: list[Span],
    n_samples: int,
    rate: int,
    recording_start_s: float = 0.0,
    lost_too: Sequence[Span] = (),
    channels: tuple[int, ...] = (),
) -> list[Excerpt]:
    """Group sorted gaps that lie close together, and give each group its context; memory depends on a group, not the
    recording.

    Args:
        lost_too: gaps that are not restored here, sorted; those to be restored may be among them.
        channels: as of :class:`Excerpt`.
    """
    longest = max(stop - start for start, stop in spans)
    if longest > to_samples(MAX_GAP_S, rate):
        raise GapError(f"a gap of {to_seconds(longest, rate):.1f} s: at most {MAX_GAP_S:g} s can be restored")
    context, limit = to_samples(CONTEXT_S, rate), to_samples(GROUP_S, rate)
    groups: list[list[Span]] = []
    for span in spans:
        if groups and span[0] - groups[-1][-1][1] <= context and span[1] - groups[-1][0][0] <= limit:
            groups[-1].append(span)
        else:
            groups.append([span])
    excerpts, all_lost = [], join_stretches([*spans, *lost_too]) if lost_too else spans
    for group in groups:
        start, stop = max(group[0][0] - context, 0), min(group[-1][1] + context, n_samples)
        lost = [(max(a, start), min(b, stop)) for a, b in all_lost if a < stop and b > start]
        excerpts.append(Excerpt(start, stop, group, lost, recording_start_s, channels))
    return excerpts


@dataclass(frozen=True)
class DamagedExcerpt:
    """What :meth:`.Inpainter.prepare_excerpt` gives: all that its restoration needs.

    Attributes:
        signal: shape (n_channels, n_samples), 0 where ``gone``.
        gone: the samples that are lost, shape (n_samples,), bool.
        log_spectrum: natural log magnitude of ``signal``, shape (n_channels, n_frames, n_bins).
        lost: the frames that touch a lost sample, shape (n_frames,), bool.
        visual: features of the face, shape (n_frames, n_visual); none where there is no face.
        said: what is said, shape (n_frames, 3), as of :func:`avsi.data.said.phones_at`.
        voices: whose voice is heard in each channel, shape (n_channels, n_values), as of :func:`.told_voices`.
        kept: complex, as ``log_spectrum``, the reliable bins of the lost frames, NaN elsewhere; None where there are
            none.
        own: the gaps for which the face must be seen, in samples.
        audio_only: for each of them, why the video is not used; "" where it is or none is needed.
        place: the first sample in the recording, at its rate.
    """

    signal: torch.Tensor
    gone: torch.Tensor
    log_spectrum: torch.Tensor
    lost: torch.Tensor
    visual: torch.Tensor
    said: torch.Tensor
    voices: torch.Tensor
    kept: torch.Tensor | None
    own: list[Span]
    audio_only: list[str]
    place: int = 0

    def inputs(self, with_face: bool = True) -> Inputs:
        """What a network is given of it."""
        visual = self.visual if with_face else self.visual[:, :0]
        return self.log_spectrum, visual, self.lost, self.said, self.voices


@dataclass(frozen=True)
class RestoredExcerpt:
    """What :meth:`.Inpainter.restore_excerpt` gives.

    Attributes:
        samples: at the model's rate, shape (n_samples, n_channels), float64; outside the gaps near those that went in.
        log_spectrum: natural log magnitude that the model made, shape (n_channels, n_frames, n_bins).
        lost: the frames that were lost, shape (n_frames,), bool.
        audio_only: for each of the gaps asked for, why the video was not used; "" where it was or none is needed.
    """

    samples: np.ndarray
    log_spectrum: torch.Tensor
    lost: torch.Tensor
    audio_only: list[str]
