"""The mel filter bank."""

import numpy as np

from ..config import StftConfig


def mel_filters(n_bands: int, stft: StftConfig) -> np.ndarray:
    """Triangular filters of height 1 for a power spectrum, from 0 Hz to half the sample rate. Their centres are evenly
    spaced on the mel scale ``2595 * log10(1 + f / 700)`` (O'Shaughnessy, 1987); each ends at its neighbours' centres.

    Returns:
        Shape (n_bands, n_bins).
    """
    top_mel = 2595 * np.log10(1 + stft.sample_rate / 2 / 700)
    corners_hz = 700 * (10 ** (np.linspace(0, top_mel, n_bands + 2) / 2595) - 1)
    bins_hz = np.linspace(0, stft.sample_rate / 2, stft.n_bins)
    low, middle, high = (corners_hz[start : start + n_bands, None] for start in range(3))
    return np.clip(np.minimum((bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)), 0, None)
