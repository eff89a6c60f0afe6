"""Perceptual quality against a reference: PESQ, by the package pesq."""

import math

import numpy as np

from .checks import UndefinedMetric, check_pair


def pesq_nb(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Narrow-band PESQ as MOS-LQO, 1.02 to 4.55 (ITU-T P.862, mapped by P.862.1).

    Args:
        clean, restored: shape (n_samples,), at ``rate`` Hz.

    Raises:
        UndefinedMetric: PESQ finds no speech, or fails on the signal.
        ValueError: a rate other than 8000 and 16000 Hz, or signals of different lengths.
    """
    if rate not in (8000, 16000):
        raise ValueError(f"PESQ works at 8000 or 16000 Hz, not {rate}")
    return _pesq(clean, restored, rate, "nb")


def pesq_raw(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Narrow-band PESQ as raw MOS, -0.5 to 4.5 (ITU-T P.862), as reported by Morrone et al. (2021).

    Arguments and errors as :func:`pesq_nb`.
    """
    return raw_from_lqo(pesq_nb(clean, restored, rate))


def pesq_wb(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Wide-band PESQ as MOS-LQO, 1.04 to 4.64 (ITU-T P.862.2).

    Arguments and errors as :func:`pesq_nb`, but only at 16000 Hz.
    """
    if rate != 16000:
        raise ValueError(f"wide-band PESQ works at 16000 Hz, not {rate}")
    return _pesq(clean, restored, rate, "wb")


def raw_from_lqo(lqo: float) -> float:
    """Raw MOS from narrow-band MOS-LQO, the inverse of ``0.999 + 4 / (1 + exp(-1.4945 raw + 4.6607))`` (P.862.1)."""
    return (4.6607 - math.log(4 / (lqo - 0.999) - 1)) / 1.4945


def _pesq(clean: np.ndarray, restored: np.ndarray, rate: int, band: str) -> float:
    from pesq import PesqError
    from pesq import pesq as reference

    check_pair(clean, restored)
    if not restored.any():
        raise UndefinedMetric("the restored signal is silent")
    try:
        return float(reference(rate, clean.astype(np.float32), restored.astype(np.float32), band))
    except PesqError as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise UndefinedMetric(f"PESQ: {reason.decode() if isinstance(reason, bytes) else reason}") from None
