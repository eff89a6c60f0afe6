"""Distances between predicted or restored spectra and the true ones in the lost frames."""

import math

import numpy as np

from ..audio.mel import mel_filters
from ..config import StftConfig
from .checks import UndefinedMetric

DB_PER_NEPER = 20 / math.log(10)
MEL_BANDS = 40
CEPSTRA = 13


def gap_l1(predicted: np.ndarray, truth: np.ndarray, std: np.ndarray) -> float:
    """Mean absolute error of the lost frames' log magnitudes, in units of the training set's standard deviation per
    bin (Morrone et al., 2021).

    Args:
        predicted, truth: natural log magnitudes, shape (n_lost_frames, n_bins).
        std: shape (n_bins,).

    Raises:
        UndefinedMetric: no frames.
        ValueError: shapes that differ.
    """
    if predicted.shape != truth.shape or predicted.shape[1:] != std.shape:
        raise ValueError(f"shapes {predicted.shape}, {truth.shape} and {std.shape} do not go together")
    if not len(predicted):
        raise UndefinedMetric("no lost frame")
    return float(np.abs((predicted - truth) / std).mean())


def log_spectral_distance(restored: np.ndarray, truth: np.ndarray) -> float:
    """Log-spectral distance in dB: the root mean square over bins of the level difference in each frame, averaged over
    frames (Gray and Markel, 1976).

    Args:
        restored, truth: natural log magnitudes, shape (n_lost_frames, n_bins).

    Raises:
        UndefinedMetric: no frames.
        ValueError: shapes that differ.
    """
    _check_spectra(restored, truth)
    return float(DB_PER_NEPER * np.sqrt(((restored - truth) ** 2).mean(axis=1)).mean())


def mel_cepstral_distortion(restored: np.ndarray, truth: np.ndarray, stft: StftConfig) -> float:
    """Mel-cepstral distortion in dB: the mean over frames of ``10 / ln 10 * sqrt(2 * sum (c_n - c'_n)^2)``, n from 1 to
    13 (Kubichek, 1993).

    ``c_n`` is the DCT of the natural log power P_k in 40 mel bands, scaled so that ``P_k = c_0 + 2 * sum c_n *
    cos(pi * n * (k + 1/2) / 40)``: the distortion is the root mean square difference in dB of two smoothed mel spectra.
    The loudness ``c_0`` is left out. Frames are compared at the same time, without time warping.

    Args:
        restored, truth: natural log magnitudes, shape (n_lost_frames, n_bins).

    Raises:
        UndefinedMetric: no frames.
        ValueError: shapes that differ.
    """
    _check_spectra(restored, truth)
    difference = _mel_cepstrum(restored, stft) - _mel_cepstrum(truth, stft)
    return float(10 / math.log(10) * np.sqrt(2 * (difference**2).sum(axis=1)).mean())


def _mel_cepstrum(log_magnitude: np.ndarray, stft: StftConfig) -> np.ndarray:
    """``c_1`` to ``c_13`` of each frame; shape (n_frames, 13)."""
    from scipy.fft import dct

    power = np.exp(2 * log_magnitude.astype(np.float64)) @ mel_filters(MEL_BANDS, stft).T
    return dct(np.log(power), type=2, axis=1)[:, 1 : CEPSTRA + 1] / (2 * MEL_BANDS)


def _check_spectra(restored: np.ndarray, truth: np.ndarray) -> None:
    if restored.ndim != 2 or restored.shape != truth.shape:
        raise ValueError(f"shapes {restored.shape} and {truth.shape}: expected two of one (n_lost_frames, n_bins)")
    if not len(restored):
        raise UndefinedMetric("no lost frame")
