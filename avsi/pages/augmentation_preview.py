"""Augmented copies of a clip for people to check: in other voices, each with one random variation."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..audio.phase import samples_like
from ..audio.stft import log_magnitude, spectrum
from ..audio.voice_change import VoiceChange, analyse, change_voice, draw_voice_change
from ..config import Config
from ..config_files import load_config
from ..data.features import Features
from ..data.ids import id_in_voice
from ..errors import AvsiWarning, FaceError, MediaError
from ..files import write_text
from ..folders import check_folder, files_together
from ..media.sound_reading import read_mono
from ..media.sound_writing import write_wav
from ..media.video_reading import has_picture
from ..models.store import load_model
from ..pretrained import DEFAULT
from ..rng import generator
from ..timebase import n_frames, to_samples, to_seconds
from ..training.augmentation import Variation, apply_variation, change_tempo, draw_variation
from ..video.landmarks import track_face
from ..video.motion import visual_features
from .plots import stacked_spectrograms

ORIGINAL, TABLE, PICTURE = "0_original", "variations.tsv", "variations.png"
HEADER = ["sound", "pitch", "intonation", "formants", "speed", "contrast", "noise (dB)", "face lag (ms)", "face"]
MAX_S = 60.0  # the vocoder holds the whole recording in memory


@dataclass(frozen=True)
class Preview:
    """One augmented copy of a clip.

    Attributes:
        samples: shape (n_samples,), at the model's rate.
        drawn: the random parameters, as in ``HEADER``.
    """

    name: str
    samples: np.ndarray
    features: Features
    drawn: list[str]


def preview_config(paths: list[Path], overrides: list[str]) -> Config:
    """The config from files and overrides; without files that of the default model."""
    return load_config(paths, overrides, start=None if paths else load_model(DEFAULT).config)


def preview_augmentation(clip: Path, folder: Path, config: Config, copies: int, seed: int) -> list[list[str]]:
    """Write a clip at the model's rate, ``copies`` augmented copies, a table of their parameters, and a picture.

    The voices are those of ``data_prep.voices`` with the same seed for an utterance whose id is the clip's name. The
    variations are those of the first epoch with ``training.seed`` equal to ``seed``.

    Returns:
        The parameters of each sound, as in ``HEADER``.

    Raises:
        DataError: a folder that cannot be made or written into.
        MediaError: a clip that cannot be read, is too long, or has no pitch.
        ConfigError: the vocoder is not installed.
    """
    check_folder(folder)
    stft = config.stft
    samples = read_mono(clip, stft.sample_rate)
    if len(samples) > to_samples(MAX_S, stft.sample_rate):
        raise MediaError(
            f"{clip}: lasts {to_seconds(len(samples), stft.sample_rate):.1f} s, expected at most {MAX_S:g} s"
        )
    log_spectrum = log_magnitude(spectrum(torch.from_numpy(samples), stft), stft)
    original = Features(log_spectrum, _visual_features(clip, n_frames(len(samples), stft), config))
    face = ["0", "seen"] if original.visual.shape[1] else ["-", "-"]
    previews = [Preview(ORIGINAL, samples, original, ["1", "1", "1", "1", "1", "-", *face])]
    try:
        analysis = analyse(samples, stft.sample_rate)
        for number in range(1, copies + 1):
            id_ = id_in_voice(clip.stem, number)
            voice = draw_voice_change(analysis, config.voices, generator(seed, "voice", id_))
            variation = draw_variation(config.augment, generator(seed, 0, "augment", id_))
            converted = change_voice(analysis, voice).astype(np.float32)
            previews.append(_vary(str(number), converted, original.visual, voice, variation, config))
    except MediaError as error:
        raise MediaError(f"{clip}: {error}") from error
    rows = [[each.name, *each.drawn] for each in previews]
    panels = {each.name: (each.features.log_spectrum.numpy(), each.features.visual.numpy()) for each in previews}
    with files_together(folder) as new:
        for each in previews:
            write_wav(new / f"{each.name}.wav", each.samples, stft.sample_rate)
        write_text(new / TABLE, "".join("\t".join(row) + "\n" for row in [HEADER, *rows]))
        (new / PICTURE).write_bytes(stacked_spectrograms(panels, stft))
    return rows


def _vary(
    name: str, converted: np.ndarray, visual: torch.Tensor, voice: VoiceChange, variation: Variation, config: Config
) -> Preview:
    """One variation of a clip in another voice. The phase search for its sound starts from the phases of that voice."""
    frames = spectrum(torch.from_numpy(converted), config.stft)
    varied = apply_variation(
        Features(log_magnitude(frames, config.stft), visual), variation, config.augment, config.stft
    )
    # At another speed the original phases of successive frames do not fit together.
    start = change_tempo(frames, variation.speed, variation.start)
    samples = samples_like(start, varied.log_spectrum, len(converted), config.stft).numpy()
    drawn = [
        f"{value:.3f}" for value in (voice.pitch, voice.intonation, voice.formants, variation.speed, variation.contrast)
    ]
    noise = "-" if variation.noise_db is None else f"{variation.noise_db:.1f}"
    face = [f"{round(variation.face_lag_ms)}", "hidden" if variation.face_hidden else "seen"]
    return Preview(name, samples, varied, [*drawn, noise, *(face if visual.shape[1] else ["-", "-"])])


def _visual_features(clip: Path, count: int, config: Config) -> torch.Tensor:
    """Visual features of ``count`` frames; none without video input, or, with a warning, without a face."""
    none = torch.zeros(count, 0)
    if not config.model.video or not has_picture(clip):
        return none
    try:
        tracks = track_face(clip)
    except FaceError as error:
        warnings.warn(f"{error}; only its sound is varied", AvsiWarning, stacklevel=2)
        return none
    return torch.from_numpy(visual_features(tracks, count, config.stft, config.visual)[0])
