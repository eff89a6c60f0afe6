"""The fine structure that recorded sound has in a spectrogram, and that mean spectra lack: that of noise, and that of a
voice.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, interpolate, pad

from ..config import StftConfig
from .stft import Transform, log_magnitude

AROUND = 8  # bins on either side, over which the level of a voice's bins is evened out
DEEPEST = 3.0  # natural log magnitude between the harmonics, below their mean
HIGHEST_SHARE = 0.95  # of half the sample rate, up to which there are harmonics


def texture_of(noise: Tensor, stft: StftConfig) -> Tensor:
    """By how much the magnitude of white noise differs from its median, frame by frame and bin by bin.

    Taken from the spectrogram of a signal, neighbours depend on each other as in recorded sound; its deviation is about
    0.6, that of the logarithm of a Rayleigh distribution.

    Args:
        noise: white and normal, shape (..., n_samples).

    Returns:
        Natural log magnitude, shape (..., n_frames, n_bins).
    """
    levels = _levels(noise, stft)
    return levels - levels.median()


def harmonics_of(contour: Tensor, begin: Tensor, stft: StftConfig) -> Tensor:
    """By how much the magnitude of a voice's pulses differs from its mean over neighbouring bins.

    Args:
        contour: the pitch of each frame, in octaves above 1 Hz, shape (..., n_frames); NaN where it is not known. On
            the CPU: the phase of long sounds takes double precision, which not every device has.
        begin: of the first pulse, as a share of a period, shape (...).

    Returns:
        Natural log magnitude, shape (..., n_frames, n_bins); 0 where the contour is NaN.
    """
    known = ~contour.isnan()
    # The last known pitch is held, so that no step to another one is heard in the frames before it.
    last = torch.where(known, torch.arange(known.shape[-1]), 0).cummax(dim=-1).values
    held = contour.gather(-1, last).nan_to_num(math.log2(100.0))
    levels = _levels(_pulses(held, begin, stft), stft)
    rows = pad(levels.flatten(0, -2)[:, None], (AROUND, AROUND), mode="replicate")
    means = avg_pool1d(rows, 2 * AROUND + 1, 1)[:, 0].view_as(levels)
    return (levels - means).clamp(-DEEPEST, DEEPEST) * known[..., None]


def _pulses(contour: Tensor, begin: Tensor, stft: StftConfig) -> Tensor:
    """The sum of all harmonics of one strength, shape (..., n_frames * hop_samples): Dirichlet's kernel."""
    size = contour.shape[-1] * stft.hop_samples
    octaves = interpolate(contour.reshape(-1, 1, contour.shape[-1]), size=size, mode="linear")
    hz = 2 ** octaves.view(*contour.shape[:-1], size).double()  # else the phase of long sounds is inexact
    phase = (torch.cumsum(hz, dim=-1) / stft.sample_rate + begin[..., None]) % 1
    count = (HIGHEST_SHARE * stft.sample_rate / 2 / hz).floor()
    below = torch.sin(math.pi * phase)
    at_pulse = below.abs() < 1e-4
    ratio = torch.sin((2 * count + 1) * math.pi * phase) / below.masked_fill(at_pulse, 1.0)
    return ((torch.where(at_pulse, 2 * count + 1, ratio) - 1) / count.sqrt()).float()


def _levels(samples: Tensor, stft: StftConfig) -> Tensor:
    return log_magnitude(Transform(samples.shape[-1], stft, samples).spectrum(samples), stft)
