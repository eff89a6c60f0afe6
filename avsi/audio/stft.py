"""The complex spectrogram, its inverse, and the log magnitude that the model works on."""

from functools import cached_property

import torch
from torch import Tensor

from ..config import StftConfig
from ..timebase import n_frames


def window(stft: StftConfig, like: Tensor) -> Tensor:
    """The periodic Hann window, zero-padded at both sides to ``n_fft``; shape (n_fft,)."""
    hann = torch.hann_window(stft.window_samples, dtype=like.dtype, device=like.device)
    side = (stft.n_fft - stft.window_samples) // 2
    return torch.nn.functional.pad(hann, (side, stft.n_fft - stft.window_samples - side))


class Transform:
    """The short-time Fourier transform of signals of one length, with frames as in :mod:`avsi.timebase`, and its
    inverse. What does not depend on the signals is computed once.

    Args:
        like: a tensor of the type and on the device of the signals.
    """

    def __init__(self, n_samples: int, stft: StftConfig, like: Tensor) -> None:
        self._n_samples, self._n_frames, self._stft = n_samples, n_frames(n_samples, stft), stft
        self._taper = window(stft, like)
        self._before = (stft.n_fft - stft.hop_samples) // 2

    def spectrum(self, samples: Tensor) -> Tensor:
        """Full scale is 1.0; shape (..., n_samples) -> complex, (..., n_frames, n_bins)."""
        n_fft, hop = self._stft.n_fft, self._stft.hop_samples
        after = (self._n_frames - 1) * hop + n_fft - self._before - self._n_samples
        frames = torch.nn.functional.pad(samples, (self._before, after)).unfold(-1, n_fft, hop)
        return torch.fft.rfft(frames * self._taper)

    def samples_from(self, spectrum_: Tensor) -> Tensor:
        """Least-squares inverse of :meth:`spectrum` (Griffin and Lim, 1984, equation 6)."""
        frames = torch.fft.irfft(spectrum_, n=self._stft.n_fft)
        return self._overlap_add(frames * self._taper) / self._weight

    @cached_property
    def _weight(self) -> Tensor:
        return self._overlap_add((self._taper**2).expand(self._n_frames, -1))

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Shape (..., n_frames, n_fft) -> (..., n_samples)."""
        hop = self._stft.hop_samples
        # Each frame as blocks of one hop: all first blocks lie side by side, and so do all second ones.
        blocks = torch.nn.functional.pad(frames, (0, -frames.shape[-1] % hop)).unflatten(-1, (-1, hop)).unbind(-2)
        total = frames.new_zeros(*frames.shape[:-2], self._n_frames + len(blocks) - 1, hop)
        for first, block in enumerate(blocks):
            total[..., first : first + self._n_frames, :] += block
        return total.flatten(-2)[..., self._before : self._before + self._n_samples]


def spectrum(samples: Tensor, stft: StftConfig) -> Tensor:
    """As :meth:`Transform.spectrum`, of signals of one length: shape (..., n_samples) -> (..., n_frames, n_bins)."""
    return Transform(samples.shape[-1], stft, samples).spectrum(samples)


def log_magnitude(spectrum_: Tensor, stft: StftConfig) -> Tensor:
    """``log(|X| + 1e-6)``, natural logarithm, as in the paper; same shape as ``spectrum_``, real."""
    return torch.log(spectrum_.abs() + stft.log_floor)


def magnitude(log_magnitude_: Tensor, stft: StftConfig) -> Tensor:
    """Inverse of :func:`log_magnitude` up to the phase."""
    return (torch.exp(log_magnitude_) - stft.log_floor).clamp_min(0)
