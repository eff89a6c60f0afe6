"""Baselines without a network, and the oracle, each as a function on an utterance.

Each takes clean samples of shape (n_samples,) and the gaps, and returns the restored samples and the natural log
magnitude of the lost frames, shape (n_lost_frames, n_bins).
"""

import numpy as np
import torch

from avsi.audio.phase import fill_gaps, paste
from avsi.data.gaps import lost_samples
from avsi.restoring.baselines import interpolate_waveform

from ..folder.layout import STFT
from ..folder.signals import Spans, log_spectrum, lost_frames_of, lost_log_spectrum


def unprocessed(samples: np.ndarray, spans: Spans, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Silence in the gaps; as a spectrum, the training mean of shape (n_bins,)."""
    count = int(lost_frames_of(samples, spans).sum())
    return np.where(lost_samples(spans, len(samples)), 0, samples), np.tile(mean, (count, 1))


def autoregression(samples: np.ndarray, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """Interpolation of the waveform; the spectrum is that of the restored sound."""
    restored = interpolate_waveform(samples, spans).astype(np.float32)
    return restored, lost_log_spectrum(restored, spans)


def oracle(samples: np.ndarray, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """The true magnitude with a phase found as for a model's: the best that a predictor of magnitudes can reach."""
    truth, frames = log_spectrum(samples), lost_frames_of(samples, spans)
    gone = torch.from_numpy(lost_samples(spans, len(samples)))
    estimate = fill_gaps(torch.from_numpy(samples), gone, truth, torch.from_numpy(frames), STFT).numpy()
    return paste(samples, estimate, spans, STFT.sample_rate), truth[frames].numpy()
