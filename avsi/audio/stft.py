"""The complex spectrogram, its inverse, and the log magnitude that the model works on."""

from __future__ import annotations

import torch
from torch import Tensor

from ..config import StftConfig
from ..timebase import n_frames


def window(stft: StftConfig, like: Tensor) -> Tensor:
    """The periodic Hann window, zero-padded at both sides to ``n_fft``; shape (n_fft,)."""
    hann = torch.hann_window(stft.window_samples, dtype=like.dtype, device=like.device)
    side = (stft.n_fft - stft.window_samples) // 2
    return torch.nn.functional.pad(hann, (side, stft.n_fft - stft.window_samples - side))


def spectrum(samples: Tensor, stft: StftConfig) -> Tensor:
    """Short-time Fourier transform with frames as in :mod:`avsi.timebase`.

    Args:
        samples: shape (..., n_samples), full scale 1.0.

    Returns:
        Complex tensor of shape (..., n_frames, n_bins).
    """
    count = n_frames(samples.shape[-1], stft)
    before = (stft.n_fft - stft.hop_samples) // 2
    after = count * stft.hop_samples + stft.n_fft - stft.hop_samples - before - samples.shape[-1]
    padded = torch.nn.functional.pad(samples, (before, after))
    frames = padded.unfold(-1, stft.n_fft, stft.hop_samples)
    return torch.fft.rfft(frames * window(stft, samples))


def samples_from(spectrum_: Tensor, n_samples: int, stft: StftConfig) -> Tensor:
    """Least-squares inverse of :func:`spectrum` (Griffin and Lim, 1984, equation 6).

    Args:
        spectrum_: complex, shape (n_frames, n_bins).

    Returns:
        Shape (n_samples,).
    """
    frames = torch.fft.irfft(spectrum_, n=stft.n_fft)
    taper = window(stft, frames)
    total = (frames.shape[0] - 1) * stft.hop_samples + stft.n_fft

    def overlap_add(columns: Tensor) -> Tensor:
        return torch.nn.functional.fold(
            columns.T[None], (1, total), kernel_size=(1, stft.n_fft), stride=(1, stft.hop_samples)
        ).flatten()

    before = (stft.n_fft - stft.hop_samples) // 2
    span = slice(before, before + n_samples)
    weight = overlap_add((taper**2).expand_as(frames))[span]
    return overlap_add(frames * taper)[span] / weight


def log_magnitude(spectrum_: Tensor, stft: StftConfig) -> Tensor:
    """``log(|X| + 1e-6)``, natural logarithm, as in the paper; same shape as ``spectrum_``, real."""
    return torch.log(spectrum_.abs() + stft.log_floor)


def magnitude(log_magnitude_: Tensor, stft: StftConfig) -> Tensor:
    """Inverse of :func:`log_magnitude` up to the phase."""
    return (torch.exp(log_magnitude_) - stft.log_floor).clamp_min(0)
