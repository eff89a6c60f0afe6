"""The mel filter bank, and the log-mel bands that it makes."""

import numpy as np
import torch
from torch import Tensor

from ..config import StftConfig
from .stft import magnitude


def mel_filters(n_bands: int, stft: StftConfig) -> np.ndarray:
    """Triangular filters of height 1 for a power spectrum, from 0 Hz to half the sample rate. Their centres are evenly
    spaced on the mel scale ``2595 * log10(1 + f / 700)`` (O'Shaughnessy, 1987); each ends at its neighbours' centres.

    Returns:
        Shape (n_bands, n_bins).
    """
    corners_hz = _corners_hz(n_bands, stft)
    bins_hz = np.linspace(0, stft.sample_rate / 2, stft.n_bins)
    low, middle, high = (corners_hz[start : start + n_bands, None] for start in range(3))
    return np.clip(np.minimum((bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)), 0, None)


def sped_up(bands: Tensor, speed: float, stft: StftConfig) -> Tensor:
    """Bands of shape (n_frames, n_bands) of a recording that is played faster (above 1) or slower: what was at a
    frequency comes at its multiple by ``speed``, and the number of frames is divided by it.
    """
    n_frames, n_bands = bands.shape
    centres_hz = _corners_hz(n_bands, stft)[1:-1]
    places = np.interp(centres_hz / speed, centres_hz, np.arange(n_bands))
    below = torch.from_numpy(places).long().clamp_max(max(n_bands - 2, 0))
    share = torch.from_numpy(places).to(bands.dtype) - below
    times = (torch.arange(max(1, round(n_frames / speed))) * speed).round().long().clamp_max(n_frames - 1)
    kept = bands[times]
    return kept[:, below] * (1 - share) + kept[:, (below + 1).clamp_max(n_bands - 1)] * share


def _corners_hz(n_bands: int, stft: StftConfig) -> np.ndarray:
    """Where the bands begin, have their centres and end; shape (n_bands + 2,)."""
    top_mel = 2595 * np.log10(1 + stft.sample_rate / 2 / 700)
    return 700 * (10 ** (np.linspace(0, top_mel, n_bands + 2) / 2595) - 1)


def log_mel(log_spectrum: Tensor, filters: Tensor, stft: StftConfig) -> Tensor:
    """Natural log of the power in each mel band, shape (..., n_bands).

    Args:
        log_spectrum: natural log magnitude, shape (..., n_bins).
        filters: the transpose of those of :func:`mel_filters`, shape (n_bins, n_bands).
    """
    return torch.log(magnitude(log_spectrum, stft).square() @ filters + stft.log_floor**2)
