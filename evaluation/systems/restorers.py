"""Every system that ``evaluation.restore`` knows as one function: models, baselines, files, and the oracle."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from avsi.audio.phase import fill_gaps, paste
from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.datadir import Utterance
from avsi.data.gaps import lost_frames, lost_samples
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError
from avsi.media.sound_reading import open_sound, read_mono
from avsi.restoring.baselines import interpolate_waveform
from avsi.restoring.inpainting import Inpainter
from avsi.timebase import n_frames

from ..folder.layout import STFT
from .families import ModelFamily, is_family
from .names import ORACLE, SPECTRAL, UNPROCESSED, holds_files

Spans = list[tuple[int, int]]
# (clean samples of shape (n_samples,), the gaps, utterance, name of the condition) -> (restored samples, natural log
# magnitude of the lost frames, shape (n_lost_frames, n_bins)). All but the oracle look at the samples outside the gaps
# alone.
Restorer = Callable[[np.ndarray, Spans, Utterance, str], tuple[np.ndarray, np.ndarray]]


def make_system(name: str, stats: Path, device: str = "cpu") -> Restorer:
    """One of ``SYSTEMS``, a model by its folder or its name among the pretrained, a family of models by a pattern, or a
    folder of restored files.

    Args:
        device: where the networks compute.

    Raises:
        DataError: no statistics for what is filled with the training mean.
        ModelError: no such model.
        ConfigError: a model of another spectrogram than the one that scores are measured on, or a folder without
        anything restored.
    """
    if name == UNPROCESSED:
        mean = Stats.load(stats).audio_mean
        return lambda samples, spans, utterance, condition: _unprocessed(samples, spans, mean)
    if name == "autoregression":
        return _autoregression
    if name == ORACLE:
        return _oracle
    if holds_files(name):
        if not any(Path(name).glob("*/*.wav")):
            raise ConfigError(f"{name}: holds neither a trained model nor wav files <condition>/<utterance>.wav")
        return lambda samples, spans, utterance, condition: _by_file(
            Path(name) / condition / f"{utterance.id}.wav", samples, spans
        )
    if name in SPECTRAL:
        inpainter = Inpainter(SPECTRAL[name]())
    elif is_family(name):
        family = ModelFamily(name)
        load = lru_cache(maxsize=1)(partial(_inpainter, device=device))  # sets are sorted by speaker
        return lambda samples, spans, utterance, condition: _by_inpainter(
            samples, spans, utterance, load(family.held_out_model(utterance))
        )
    else:
        inpainter = _inpainter(name, device)
    return lambda samples, spans, utterance, condition: _by_inpainter(samples, spans, utterance, inpainter)


def check_system(name: str, stats: Path, utterances: list[Utterance]) -> None:
    """Raise, as :func:`make_system`, what would stop it later; also ConfigError where a family has not one model for
    each utterance.
    """
    make_system(name, stats)
    if is_family(name):
        family = ModelFamily(name)
        for utterance in utterances:
            family.held_out_model(utterance)
        for folder in family.folders:
            _inpainter(folder)


def _inpainter(name: str | Path, device: str = "cpu") -> Inpainter:
    # Scores of one model must not be those of another: no audio-only model takes over.
    inpainter = Inpainter.from_pretrained(name, audio_only=None, device=device)
    if inpainter.model.config.stft != STFT:
        raise ConfigError(f"{name}: works on another spectrogram (stft) than the one that scores are measured on")
    return inpainter


def _unprocessed(samples: np.ndarray, spans: Spans, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gaps left silent; as a spectrum, the training mean."""
    count = int(_lost_frames(samples, spans).sum())
    return np.where(lost_samples(spans, len(samples)), 0, samples), np.tile(mean, (count, 1))


def _autoregression(samples: np.ndarray, spans: Spans, *_: object) -> tuple[np.ndarray, np.ndarray]:
    """Interpolation of the waveform; its spectrum is that of what it made."""
    restored = interpolate_waveform(samples, spans).astype(np.float32)
    return restored, _log_spectrum(restored)[_lost_frames(samples, spans)].numpy()


def _oracle(samples: np.ndarray, spans: Spans, *_: object) -> tuple[np.ndarray, np.ndarray]:
    """The true magnitude with a phase found as for a model's: the most that any predictor of magnitudes can reach."""
    truth, frames = _log_spectrum(samples), _lost_frames(samples, spans)
    gone = torch.from_numpy(lost_samples(spans, len(samples)))
    estimate = fill_gaps(torch.from_numpy(samples), gone, truth, torch.from_numpy(frames), STFT).numpy()
    return paste(samples, estimate, spans, STFT.sample_rate), truth[frames].numpy()


def _by_file(path: Path, samples: np.ndarray, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """What another program restored. Only what lies in the gaps is taken, as of every system; its spectrum is that of
    its sound.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with open_sound(path) as sound:
        if sound.rate != STFT.sample_rate:
            raise DataError(f"{path}: {sound.rate} Hz, expected {STFT.sample_rate}")
    restored = read_mono(path, STFT.sample_rate)
    if len(restored) != len(samples):
        raise DataError(f"{path}: {len(restored)} samples beside {len(samples)}: expected two of one length")
    restored = paste(samples, restored, spans, STFT.sample_rate)
    return restored, _log_spectrum(restored)[_lost_frames(samples, spans)].numpy()


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
