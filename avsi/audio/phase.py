"""From a predicted magnitude to samples: the phase of a gap from its reliable context, and the paste into the
recording.
"""

import numpy as np
import torch
from torch import Tensor

from ..config import StftConfig
from .stft import Transform, magnitude

ITERATIONS = 100
MOMENTUM = 0.99
FADE_S = 0.004
MARGIN_FRAMES = 3
KNEE = 0.9  # of full scale, above which a peak that is too loud is pressed together


def keep_reliable(reliable: Tensor, predicted: Tensor, lost: Tensor, kept: Tensor | None = None) -> Tensor:
    """The reliable frames of one spectrogram and the lost ones of another; shapes (..., n_frames, n_bins), ``lost``
    (n_frames,) or (..., n_frames). Of lost frames, the bins that are ``kept``, of the same shape, where it is not NaN.
    """
    frames = torch.where(lost[..., None], predicted, reliable)
    return frames if kept is None else torch.where(kept.isnan(), frames, kept)


def fill_gaps(
    samples: Tensor,
    lost_samples: Tensor,
    log_magnitude_: Tensor,
    lost_frames: Tensor,
    stft: StftConfig,
    kept: Tensor | None = None,
) -> Tensor:
    """Find samples in the gaps whose spectrogram is near a given one and that fit the samples around them.

    Fast Griffin-Lim (Perraudin, Balazs and Sondergaard, 2013) between two sets: signals with the known samples outside
    the gaps, and spectrograms with the given magnitude in the lost frames and the true values in all others.

    Args:
        samples: shape (n_samples,); what it holds inside the gaps is not looked at.
        lost_samples: bool, shape (n_samples,).
        log_magnitude_: natural log magnitude, shape (n_frames, n_bins); only the lost frames are read.
        lost_frames: bool, shape (n_frames,): at least every frame whose window touches a lost sample.
        kept: complex, shape (n_frames, n_bins), the reliable bins of the lost frames, which stay as they are; NaN
            elsewhere. None where there are none.

    Returns:
        Shape (n_samples,): an estimate of the whole signal. Outside the gaps it is near the input, not equal to it.
    """
    estimate = samples.masked_fill(lost_samples, 0)
    if not lost_frames.any():
        return estimate
    # Frames further away than the windows that overlap a lost one play no part. The others are put together, as if
    # nothing lay between; the frames at a joint are reliable ones, and stay what its samples make them.
    near = torch.nn.functional.max_pool1d(lost_frames[None].float(), 2 * MARGIN_FRAMES + 1, 1, MARGIN_FRAMES)[0] > 0
    inside = near.repeat_interleave(stft.hop_samples)[: len(samples)]
    known = estimate[inside]
    transform = Transform(len(known), stft, known)
    # Start from the phases of what the known samples leave in the lost frames; those deep inside a gap start at 0.
    start, wanted = transform.spectrum(known), magnitude(log_magnitude_[lost_frames], stft)
    fixed = None if kept is None else kept[lost_frames]
    estimate[inside] = _griffin_lim(start, wanted, known, lost_samples[inside], lost_frames[near], transform, fixed)
    return estimate


def samples_like(start: Tensor, log_magnitude_: Tensor, n_samples: int, stft: StftConfig) -> Tensor:
    """Find samples whose spectrogram is near a given one, nothing of them being known but phases to start from.

    Args:
        start: complex, shape (n_frames, n_bins); only its phases are read.
        log_magnitude_: natural log magnitude, same shape.

    Returns:
        Shape (n_samples,).
    """
    all_samples, all_frames = (torch.ones(count, dtype=torch.bool) for count in (n_samples, len(start)))
    known = log_magnitude_.new_zeros(n_samples)
    transform = Transform(n_samples, stft, known)
    wanted = magnitude(log_magnitude_, stft)
    return _griffin_lim(start.clone(), wanted, known, all_samples, all_frames, transform)


def _griffin_lim(
    current: Tensor,
    wanted: Tensor,
    known: Tensor,
    lost_samples: Tensor,
    lost_frames: Tensor,
    transform: Transform,
    fixed: Tensor | None = None,
) -> Tensor:
    """From ``current``, a spectrogram that is written over, to samples; the magnitudes ``wanted`` are those of the lost
    frames, in which bins that are ``fixed``, and not NaN there, stay so.
    """
    current[lost_frames] = torch.polar(wanted, current[lost_frames].angle())
    if fixed is not None:
        free = fixed.isnan()
        current[lost_frames] = torch.where(free, current[lost_frames], fixed)
    previous = current[lost_frames]
    for _ in range(ITERATIONS):
        signal = torch.where(lost_samples, transform.samples_from(current), known)
        projected = wanted * torch.sgn(transform.spectrum(signal)[lost_frames])  # four times as fast as by the angle
        projected = projected if fixed is None else torch.where(free, projected, fixed)
        current[lost_frames] = projected + MOMENTUM * (projected - previous)
        previous = projected
    current[lost_frames] = previous
    return transform.samples_from(current)


def paste(samples: np.ndarray, restored: np.ndarray, spans: list[tuple[int, int]], rate: int) -> np.ndarray:
    """``samples`` with its gaps filled from ``restored``, joined without a step; nothing outside the gaps changes.

    At each edge, what ``restored`` is off by just outside the gap is mirrored into it and faded out over 4 ms: so the
    cross-fade takes place inside the gap, and the value at the edge is continuous.

    Args:
        samples, restored: shape (n_samples,), float.
        spans: the gaps as samples ``[start, stop)``, sorted and disjoint.
    """
    result = samples.copy()
    outside = np.ones(len(samples), bool)
    for start, stop in spans:
        outside[start:stop] = False
    for start, stop in spans:
        piece = restored[start:stop].copy()
        length = min(round(FADE_S * rate), (stop - start) // 2)
        fade = 0.5 + 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))
        for edge, step, inner in ((start - 1, -1, piece), (stop, 1, piece[::-1])):
            places = edge + step * np.arange(length)
            places = places[(places >= 0) & (places < len(samples))]
            # The context between two gaps may be shorter than the fade.
            usable = int(np.logical_and.accumulate(outside[places]).sum())
            places = places[:usable]
            inner[:usable] += fade[:usable] * (samples[places] - restored[places])
        result[start:stop] = piece
    return result


def within_scale(samples: np.ndarray, start: int, stop: int, full: float = 1.0) -> np.ndarray:
    """A restored stretch, whose peaks stay within full scale; a channel in which they do is returned as it is.

    What lies above a knee is pressed together along a hyperbola, so that the highest peak reaches full scale and none
    becomes flat. The knee lies no lower than the samples beside the stretch: the join with them stays as it is.

    Args:
        samples: of a recording, shape (n_samples, n_channels), float.
        start, stop: the stretch, as samples ``[start, stop)``.
        full: full scale.

    Returns:
        Shape (stop - start, n_channels).
    """
    piece = samples[start:stop]
    loud = np.abs(piece)
    if not (loud > full).any():
        return piece
    beside = np.abs(np.concatenate([samples[max(start - 1, 0) : start], samples[stop : stop + 1]]))
    knee = np.clip(beside.max(axis=0, initial=0.0), KNEE * full, full)
    room, above = np.maximum(full - knee, 1e-9), np.maximum(loud - knee, 0.0)
    highest = above.max(axis=0)
    pressed = np.minimum(knee + above / (1 + above * (1 / room - 1 / np.maximum(highest, room))), full)
    too_loud = knee + highest > full
    return np.where(too_loud & (above > 0), np.copysign(pressed, piece), piece)
