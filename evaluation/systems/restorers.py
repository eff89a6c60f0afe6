"""Every system that ``evaluation.restore`` knows as one function: baselines, models, families of models, files."""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from avsi.audio.phase import paste
from avsi.data.datadir import Utterance
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError
from avsi.media.sound_reading import open_sound
from avsi.models.store import find_model
from avsi.restoring.inpainting import Inpainter

from ..folder.layout import STFT
from ..folder.signals import Spans, lost_log_spectrum, read_restored
from . import baselines
from .blind import found_in, silenced
from .families import ModelFamily, is_family
from .knowledge import Knowledge, split_knowledge
from .names import ORACLE, SPECTRAL, UNPROCESSED, holds_files

# (clean samples of shape (n_samples,), the gaps, utterance, name of the condition) -> (restored samples, natural log
# magnitude of the lost frames, shape (n_lost_frames, n_bins)). Only the oracle uses the samples inside the gaps.
Restorer = Callable[[np.ndarray, Spans, Utterance, str], tuple[np.ndarray, np.ndarray]]


def make_restorer(name: str, stats: Path, clean: Path, device: str = "cpu") -> Restorer:
    """One of ``SYSTEMS``, a model by its folder or its name among the pretrained, a family of models by a pattern, or a
    folder of restored files.

    Args:
        clean: a data directory with the utterances, from which references for a voice are drawn.
        device: where the networks compute.

    Raises:
        DataError: no statistics, which ``unprocessed`` needs.
        ModelError: no such model.
        ConfigError: a model of another spectrogram than the one that scores are measured on, or a folder without
        anything restored.
    """
    if name == UNPROCESSED:
        mean = Stats.load(stats).audio_mean
        return lambda samples, spans, utterance, condition: baselines.unprocessed(samples, spans, mean)
    if name == "autoregression":
        return lambda samples, spans, utterance, condition: baselines.autoregression(samples, spans)
    if name == ORACLE:
        return lambda samples, spans, utterance, condition: baselines.oracle(samples, spans)
    if holds_files(name):
        if not any(Path(name).glob("*/*.wav")):
            raise ConfigError(f"{name}: holds neither a trained model nor wav files <condition>/<utterance>.wav")
        return lambda samples, spans, utterance, condition: _by_file(
            samples, spans, Path(name) / condition / f"{utterance.id}.wav"
        )
    if name in SPECTRAL:
        inpainter = Inpainter(SPECTRAL[name]())
        return lambda samples, spans, utterance, condition: _by_inpainter(samples, spans, utterance, inpainter)
    model, told = split_knowledge(name)
    load = lru_cache(maxsize=1)(partial(_inpainter, device=device, told=told))  # sets are sorted by speaker
    family = ModelFamily(model) if is_family(model) else None

    def restore(
        samples: np.ndarray, spans: Spans, utterance: Utterance, condition: str
    ) -> tuple[np.ndarray, np.ndarray]:
        folder = family.held_out_model(utterance) if family else find_model(model)
        return _by_inpainter(samples, spans, utterance, load(folder), Knowledge(told, folder), clean)

    if family is None:
        load(find_model(model))
    return restore


def check_system(name: str, stats: Path, datadir: Path, utterances: list[Utterance]) -> None:
    """Raise the errors of :func:`make_restorer` before any work; also ConfigError where a family has not one model for
    each utterance.
    """
    make_restorer(name, stats, datadir)
    model, told = split_knowledge(name)
    if is_family(model):
        family = ModelFamily(model)
        for utterance in utterances:
            family.held_out_model(utterance)
        for folder in family.folders:
            _inpainter(folder, told=told)


def _inpainter(folder: str | Path, device: str = "cpu", told: tuple[str, ...] = ()) -> Inpainter:
    # Scores of one model must not be those of another: no audio-only model takes over.
    knowledge = Knowledge(told, Path(folder))
    inpainter = Inpainter.from_pretrained(folder, audio_only=None, device=device, refiner=knowledge.refiner)
    config = inpainter.model.config
    if config.stft != STFT:
        raise ConfigError(f"{folder}: works on another spectrogram (stft) than the one that scores are measured on")
    knowledge.check(config.model.text, config.model.voice)
    if knowledge.hides_face and config.model.video:
        blind = inpainter.model.without_face()  # type: ignore[attr-defined]  # it was loaded above
        inpainter = Inpainter(blind, refiner=inpainter.refiner, encoder=inpainter.encoder)
    if knowledge.hides_voice:
        inpainter.encoder = None
    return inpainter.with_draw(knowledge.draw)


def _by_file(samples: np.ndarray, spans: Spans, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The gaps of a file that another program restored; the spectrum is that of its sound."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with open_sound(path) as sound:
        if sound.rate != STFT.sample_rate:
            raise DataError(f"{path}: {sound.rate} Hz, expected {STFT.sample_rate}")
    restored = paste(samples, read_restored(path, len(samples)), spans, STFT.sample_rate)
    return restored, lost_log_spectrum(restored, spans)


def _by_inpainter(
    samples: np.ndarray,
    spans: Spans,
    utterance: Utterance,
    inpainter: Inpainter,
    knowledge: Knowledge | None = None,
    clean: Path = Path(),
) -> tuple[np.ndarray, np.ndarray]:
    tracks = utterance.load_landmarks() if inpainter.model.config.model.video else None
    lost = spans
    if knowledge and knowledge.is_blind:
        samples = silenced(samples, spans)
        spans = found_in(samples, tracks)
        if not spans:
            return samples, lost_log_spectrum(samples, lost)
    phones = knowledge.phones(samples, spans, utterance, tracks) if knowledge else None
    voice = knowledge.voice(utterance, clean, inpainter.encoder) if knowledge else None
    restored = inpainter.restore_excerpt(samples[:, None], spans, spans, tracks, phones=phones, voice=voice)
    pasted = paste(samples, restored.samples[:, 0], spans, STFT.sample_rate)
    if lost is not spans:
        return pasted, lost_log_spectrum(pasted, lost)
    return pasted, restored.log_spectrum[0, restored.lost].numpy()
