"""One function per metric: each checks its input, and says its unit and its source."""

from __future__ import annotations

import warnings

import numpy as np

from .errors import AvsiError

MIN_STOI_S = 0.4  # pystoi needs 30 frames of 12.8 ms of speech


class UndefinedMetric(AvsiError):
    """A metric that has no value for this input, with the reason."""


def gap_l1(predicted: np.ndarray, truth: np.ndarray, std: np.ndarray) -> float:
    """Mean absolute error of the lost frames' log magnitudes, in units of the training set's standard deviation per
    bin.

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


def stoi(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility, 0 to 1 (Taal et al., 2011), by pystoi, over the whole signal.

    Raises:
        UndefinedMetric: less than 0.4 s of speech, or silence as reference.
    """
    from pystoi import stoi as reference

    _check_pair(clean, restored)
    with warnings.catch_warnings():
        # Below 30 frames of speech pystoi warns and returns 1e-5, which would pass for a score.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(reference(clean, restored, rate))
        except RuntimeWarning:
            raise UndefinedMetric(f"less than {MIN_STOI_S} s of speech") from None


def pesq_nb(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Narrow-band PESQ as MOS-LQO, 1.02 to 4.55 (ITU-T P.862 and P.862.1), by the package pesq.

    Raises:
        UndefinedMetric: PESQ finds no speech, or cannot work on the signal.
        ValueError: a rate other than 8000 and 16000 Hz.
    """
    from pesq import PesqError
    from pesq import pesq as reference

    _check_pair(clean, restored)
    if rate not in (8000, 16000):
        raise ValueError(f"PESQ works at 8000 or 16000 Hz, not {rate}")
    if not restored.any():
        raise UndefinedMetric("the restored signal is silent")
    try:
        return float(reference(rate, clean.astype(np.float32), restored.astype(np.float32), "nb"))
    except PesqError as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise UndefinedMetric(f"PESQ: {reason.decode() if isinstance(reason, bytes) else reason}") from None


def _check_pair(clean: np.ndarray, restored: np.ndarray) -> None:
    if clean.ndim != 1 or clean.shape != restored.shape:
        raise ValueError(f"shapes {clean.shape} and {restored.shape}: expected two signals of one length")
    if not clean.any():
        raise UndefinedMetric("the reference is silent")
    if not (np.isfinite(clean).all() and np.isfinite(restored).all()):
        raise UndefinedMetric("samples that are not a number")
