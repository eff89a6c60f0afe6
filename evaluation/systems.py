"""The systems that ``evaluation.restore`` knows, behind one function: models, what a user would try without one, and
the bounds below and above.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from avsi.audio.files import open_sound, read_mono
from avsi.audio.phase import fill_gaps, paste
from avsi.audio.stft import log_magnitude, spectrum
from avsi.baselines import MeanSpectrum, SpectralInterpolation, interpolate_waveform
from avsi.config import StftConfig, config_from_dict
from avsi.data.datadir import Utterance
from avsi.data.gaps import lost_frames, lost_samples
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError
from avsi.files import digest
from avsi.inpainting import Inpainter
from avsi.models.store import (
    DESCRIPTION,
    TRAIN_IDS,
    WEIGHTS,
    find_model,
    learnt_from,
    pretrained_names,
    read_description,
)
from avsi.timebase import n_frames

from .acquaintance import Family, acquaintance, is_family
from .folder import ABOUT, CLEAN, REPORT, STATS

STFT = StftConfig()
UNPROCESSED, ORACLE = "unprocessed", "oracle"
SPECTRAL = {"mean": MeanSpectrum, "interpolation": SpectralInterpolation}  # baselines in place of a model
SYSTEMS = (UNPROCESSED, *SPECTRAL, "autoregression", ORACLE)

Spans = list[tuple[int, int]]
# (clean samples of shape (n_samples,), the gaps, utterance, name of the condition) -> (restored samples, natural log
# magnitude of the lost frames, shape (n_lost_frames, n_bins)). All but the oracle look at the samples outside the gaps
# alone.
Restorer = Callable[[np.ndarray, Spans, Utterance, str], tuple[np.ndarray, np.ndarray]]


def named(system: str) -> tuple[str, str]:
    """(name, system) of ``NAME=SYSTEM``, or of a system that is called as its folder is.

    Raises:
        ConfigError: a name that no folder in an evaluation can have, or that of a baseline for something else.
    """
    name, equals, spec = system.partition("=")
    spec = spec if equals else system
    name = name if equals else Path(system).resolve().name
    taken = name in (ABOUT, STATS, CLEAN, REPORT) or name.startswith("gaps_")
    if taken or not re.fullmatch(r"[\w.+-]+", name) or not name.strip("."):
        raise ConfigError(
            f"system '{system}': its name must be of letters, digits and -_.+, and none of {ABOUT}, {STATS}, {CLEAN}, "
            f"{REPORT} and gaps_...; NAME=... gives it another"
        )
    if name != spec and (name in SYSTEMS or spec in SYSTEMS):
        raise ConfigError(f"system '{system}': {', '.join(SYSTEMS)} keep their names, and nothing else takes them")
    return name, spec


def make_system(name: str, stats: Path) -> Restorer:
    """One of ``SYSTEMS``, a model by its folder or its name among the pretrained, a family of models by a pattern, or a
    folder of restored files.

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
    if _holds_files(name):
        if not any(Path(name).glob("*/*.wav")):
            raise ConfigError(f"{name}: holds neither a trained model nor wav files <condition>/<utterance>.wav")
        return lambda samples, spans, utterance, condition: _by_file(
            Path(name) / condition / f"{utterance.id}.wav", samples, spans
        )
    if name in SPECTRAL:
        inpainter = Inpainter(SPECTRAL[name]())
    elif is_family(name):
        family, load = Family(name), lru_cache(maxsize=1)(_inpainter)  # sets are sorted by speaker
        return lambda samples, spans, utterance, condition: _by_inpainter(
            samples, spans, utterance, load(family.stranger_to(utterance))
        )
    else:
        inpainter = _inpainter(name)
    return lambda samples, spans, utterance, condition: _by_inpainter(samples, spans, utterance, inpainter)


def check_system(name: str, stats: Path, utterances: list[Utterance]) -> None:
    """Raise, as :func:`make_system`, what would stop it later; also ConfigError where a family has not one model for
    each utterance.
    """
    make_system(name, stats)
    if is_family(name):
        family = Family(name)
        for utterance in utterances:
            family.stranger_to(utterance)
        for folder in family.folders:
            _inpainter(folder)


def describe(name: str, utterances: list[Utterance]) -> dict[str, object]:
    """What tables and pages say of a system; of models also whom of some utterances' speakers they have met, and a
    digest of their weights. Raises ConfigError for a family of models that differ in more than whom they met.
    """
    folders = _models(name)
    if not folders:
        return {"system": name}
    descriptions = [read_description(folder) for folder in folders]
    configs = [config_from_dict(description["config"]) for description in descriptions]
    senses = [[config.model.audio, config.model.video, config.model.ctc] for config in configs]
    if other := next((at for at, of in enumerate(senses) if of != senses[0]), None):
        raise ConfigError(f"{name}: {folders[0]} and {folders[other]} differ in what they hear, see or learn")
    seeds = sorted({config.training.seed for config in configs})
    counts = sorted({len(ids) for folder in folders if (ids := learnt_from(folder)) is not None})
    more = {"models": len(folders)} if is_family(name) else descriptions[0].get("about", {})
    return {
        "system": name,
        "senses": senses[0],
        "seed": seeds[0] if len(seeds) == 1 else ", ".join(map(str, seeds)),
        "trained_on": f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} utterances" if counts else "",
        **more,
        **({} if is_family(name) else acquaintance(folders[0], utterances)),
        "weights": _fingerprint(name),
    }


def is_of_sound(about: dict) -> bool:
    """Whether the spectrum of a system so described is that of the sound it made, since it predicts none."""
    return "senses" not in about and about["system"] not in (UNPROCESSED, *SPECTRAL, ORACLE)


def made_from(name: str, condition: str) -> dict[str, str]:
    """What tells whether a system would still make the same: digests of models' weights, and of which files there are,
    of which size and from when.
    """
    files = ""
    if _holds_files(name):
        found = [(path.name, path.stat()) for path in sorted((Path(name) / condition).glob("*.wav"))]
        listing = "".join(f"{file} {of.st_size} {of.st_mtime_ns}\n" for file, of in found)
        files = hashlib.sha256(listing.encode()).hexdigest()[:16]
    return {"weights": _fingerprint(name), "files": files}


def _fingerprint(name: str) -> str:
    """A digest of a model's weights, or of a family's and of whom each was trained on; "" for what is no model."""
    folders = _models(name)
    if not is_family(name):
        return digest(folders[0] / WEIGHTS) if folders else ""
    lines = [f"{digest(folder / WEIGHTS)} {digest(folder / TRAIN_IDS)}\n" for folder in folders]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _models(name: str) -> list[Path]:
    """The folders of the models that a system consists of."""
    if name in SYSTEMS or _holds_files(name):
        return []
    return Family(name).folders if is_family(name) else [find_model(name)]


def _inpainter(name: str | Path) -> Inpainter:
    # Scores of one model must not be those of another: no audio-only model takes over.
    inpainter = Inpainter.from_pretrained(name, audio_only=None)
    if inpainter.model.config.stft != STFT:
        raise ConfigError(f"{name}: works on another spectrogram (stft) than the one that scores are measured on")
    return inpainter


def _holds_files(name: str) -> bool:
    """Whether it is a folder without a model in it, or in one of the pretrained models' names."""
    return name not in pretrained_names() and Path(name).is_dir() and not (Path(name) / DESCRIPTION).is_file()


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
