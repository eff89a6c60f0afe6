"""The fine structure that noise has in a spectrogram, and that mean spectra lack."""

from torch import Tensor

from ..config import StftConfig
from .stft import Transform, log_magnitude


def texture_of(noise: Tensor, stft: StftConfig) -> Tensor:
    """By how much the magnitude of white noise differs from its median, frame by frame and bin by bin.

    Taken from the spectrogram of a signal, neighbours depend on each other as in recorded sound; its deviation is about
    0.6, that of the logarithm of a Rayleigh distribution.

    Args:
        noise: white and normal, shape (..., n_samples).

    Returns:
        Natural log magnitude, shape (..., n_frames, n_bins).
    """
    levels = log_magnitude(Transform(noise.shape[-1], stft, noise).spectrum(noise), stft)
    return levels - levels.median()
