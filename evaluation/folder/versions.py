"""The versions of an utterance that can be heard: original, unprocessed, and those that systems restored."""

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap, gap_spans, lost_samples
from avsi.errors import DataError
from avsi.media.sound_reading import read_mono

from .evaluation import Evaluation
from .layout import STFT
from .signals import read_restored

# What is silent in its gaps is named like the baseline that leaves them so.
ORIGINAL, UNPROCESSED = "original", "unprocessed"


def damaged(samples: np.ndarray, gaps: list[Gap]) -> np.ndarray:
    """A recording of shape (n_samples,) with digital silence in its gaps."""
    lost = lost_samples(gap_spans(gaps, len(samples), STFT.sample_rate), len(samples))
    return np.where(lost, 0, samples).astype(np.float32)


def read_version(evaluation: Evaluation, utterance: Utterance, condition: str, version: str) -> np.ndarray:
    """The samples of a version at the rate of ``STFT``, shape (n_samples,), all of one length.

    Args:
        version: ``ORIGINAL``, ``UNPROCESSED``, or the name of a system.

    Raises:
        AvsiError: it cannot be read, or the system has not restored it.
    """
    original = read_mono(utterance.wav, STFT.sample_rate)
    if version == ORIGINAL:
        return original
    if version == UNPROCESSED:
        return damaged(original, evaluation.gaps[condition][utterance.id])
    restored = evaluation.set(evaluation.known(version), condition).of(utterance.id)
    if restored.wav is None:
        raise DataError(f"{version}, {condition}: {utterance.id}: {restored.failed}")
    return read_restored(restored.wav, len(original))
