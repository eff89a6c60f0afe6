"""The sound and spectrum of restored recordings, at the rate and on the spectrogram that scores are measured on."""

from pathlib import Path

import numpy as np
import torch

from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.gaps import lost_frames
from avsi.errors import DataError
from avsi.media.sound_reading import read_mono
from avsi.timebase import n_frames

from .layout import STFT

Spans = list[tuple[int, int]]  # (start, stop) of gaps, in samples


def log_spectrum(samples: np.ndarray) -> torch.Tensor:
    """Natural log magnitude of samples of shape (n_samples,); shape (n_frames, n_bins)."""
    return log_magnitude(spectrum(torch.from_numpy(samples), STFT), STFT)


def lost_frames_of(samples: np.ndarray, spans: Spans) -> np.ndarray:
    """Whether each frame of samples of shape (n_samples,) touches a gap; bool of shape (n_frames,)."""
    return lost_frames(spans, n_frames(len(samples), STFT), STFT)


def lost_log_spectrum(samples: np.ndarray, spans: Spans) -> np.ndarray:
    """As :func:`log_spectrum`, of the lost frames alone; shape (n_lost_frames, n_bins)."""
    return log_spectrum(samples)[lost_frames_of(samples, spans)].numpy()


def read_restored(path: str | Path, n_samples: int) -> np.ndarray:
    """A restored recording, shape (n_samples,). Raises DataError for one of another length than the clean one."""
    samples = read_mono(path, STFT.sample_rate)
    if len(samples) != n_samples:
        raise DataError(f"{path}: {len(samples)} samples beside {n_samples}: expected two of one length")
    return samples
