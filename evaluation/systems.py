"""The systems that ``evaluation.restore`` knows, behind one function: models, what a user would try without one, and
the bounds below and above.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from avsi.audio.phase import fill_gaps, paste
from avsi.audio.stft import log_magnitude, spectrum
from avsi.baselines import SpectralInterpolation, interpolate_waveform
from avsi.config import StftConfig
from avsi.data.datadir import Utterance
from avsi.data.gaps import lost_frames, lost_samples
from avsi.data.stats import Stats
from avsi.errors import ConfigError
from avsi.files import read_lines
from avsi.inpainting import Inpainter
from avsi.models.store import TRAIN_IDS, find_model
from avsi.timebase import n_frames

STFT = StftConfig()
SYSTEMS = ("unprocessed", "interpolation", "autoregression", "oracle")

Spans = list[tuple[int, int]]
# (clean samples of shape (n_samples,), the gaps, utterance) -> (restored samples, natural log magnitude of the lost
# frames, shape (n_lost_frames, n_bins)). All but the oracle look at the samples outside the gaps alone.
System = Callable[[np.ndarray, Spans, Utterance], tuple[np.ndarray, np.ndarray]]


def make_system(name: str, stats: Path) -> System:
    """One of ``SYSTEMS``, or a model by its folder or its name among the pretrained.

    Raises:
        DataError: no statistics for what is filled with the training mean.
        ModelError: no such model.
        ConfigError: a model of another spectrogram than the one that scores are measured on.
    """
    if name == "unprocessed":
        mean = Stats.load(stats).audio_mean
        return lambda samples, spans, utterance: _unprocessed(samples, spans, mean)
    if name == "autoregression":
        return _autoregression
    if name == "oracle":
        return _oracle
    if name == "interpolation":
        inpainter = Inpainter(SpectralInterpolation())
    else:
        # Scores of one model must not be those of another: no audio-only model takes over.
        inpainter = Inpainter.from_pretrained(name, audio_only=None)
        if inpainter.model.config.stft != STFT:
            raise ConfigError(f"{name}: works on another spectrogram (stft) than the one that scores are measured on")
    return lambda samples, spans, utterance: _by_inpainter(samples, spans, utterance, inpainter)


def trained_on(name: str) -> set[str]:
    """The ids of the utterances that a system learnt from, as far as its folder lists them."""
    ids = None if name in SYSTEMS else find_model(name) / TRAIN_IDS
    return set(read_lines(ids)) if ids and ids.is_file() else set()


def _unprocessed(samples: np.ndarray, spans: Spans, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gaps left silent; as a spectrum, the training mean."""
    count = int(_lost_frames(samples, spans).sum())
    return np.where(lost_samples(spans, len(samples)), 0, samples), np.tile(mean, (count, 1))


def _autoregression(samples: np.ndarray, spans: Spans, utterance: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """Interpolation of the waveform; its spectrum is that of what it made."""
    restored = interpolate_waveform(samples, spans).astype(np.float32)
    return restored, _log_spectrum(restored)[_lost_frames(samples, spans)].numpy()


def _oracle(samples: np.ndarray, spans: Spans, utterance: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """The true magnitude with a phase found as for a model's: the most that any predictor of magnitudes can reach."""
    truth, frames = _log_spectrum(samples), _lost_frames(samples, spans)
    gone = torch.from_numpy(lost_samples(spans, len(samples)))
    estimate = fill_gaps(torch.from_numpy(samples), gone, truth, torch.from_numpy(frames), STFT).numpy()
    return paste(samples, estimate, spans, STFT.sample_rate), truth[frames].numpy()


def _by_inpainter(
    samples: np.ndarray, spans: Spans, utterance: Utterance, inpainter: Inpainter
) -> tuple[np.ndarray, np.ndarray]:
    tracks = utterance.load_landmarks() if inpainter.model.config.model.video else None
    restored = inpainter.restore_excerpt(samples[:, None], spans, spans, tracks)
    pasted = paste(samples, restored.samples[:, 0], spans, STFT.sample_rate)
    return pasted, restored.log_spectrum[0, restored.lost].numpy()


def _log_spectrum(samples: np.ndarray) -> torch.Tensor:
    return log_magnitude(spectrum(torch.from_numpy(samples), STFT), STFT)


def _lost_frames(samples: np.ndarray, spans: Spans) -> np.ndarray:
    return lost_frames(spans, n_frames(len(samples), STFT), STFT)
