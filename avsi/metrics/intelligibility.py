"""Speech intelligibility: STOI and extended STOI, by the package pystoi."""

import warnings

import numpy as np

from .checks import UndefinedMetric, check_pair, seeded

MIN_SPEECH_S = 0.4  # pystoi needs 30 frames of 12.8 ms of speech
TOO_SHORT = f"less than {MIN_SPEECH_S} s of speech"


def stoi(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility, up to 1 (Taal, Hendriks, Heusdens and Jensen, 2011).

    Args:
        clean, restored: shape (n_samples,), at ``rate`` Hz.

    Raises:
        UndefinedMetric: less than 0.4 s of speech, or silence as reference.
        ValueError: signals of different lengths.
    """
    return _pystoi(clean, restored, rate, extended=False)


def estoi(clean: np.ndarray, restored: np.ndarray, rate: int) -> float:
    """Extended STOI, up to 1 (Jensen and Taal, 2016): also for damage that varies over time, such as gaps.

    Arguments and errors as :func:`stoi`.
    """
    return _pystoi(clean, restored, rate, extended=True)


def _pystoi(clean: np.ndarray, restored: np.ndarray, rate: int, extended: bool) -> float:
    from pystoi import stoi as reference

    check_pair(clean, restored)
    if len(clean) < MIN_SPEECH_S * rate:
        raise UndefinedMetric(TOO_SHORT)
    # Extended STOI adds random noise against division by 0, which affects the score if a gap is silent.
    with warnings.catch_warnings(), seeded():
        # Below 30 frames of speech pystoi warns and returns 1e-5, which looks like a score.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(reference(clean, restored, rate, extended=extended))
        except RuntimeWarning:
            raise UndefinedMetric(TOO_SHORT) from None
