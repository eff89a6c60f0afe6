"""Speakers whose voices differ in pitch and formants, and an encoder that knows nothing."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
import torch
from conftest import RATE, small_config

from avsi.config import Config, SpeakerEncoderConfig
from avsi.data.datadir import Utterance, write_datadir
from avsi.models.speaker_encoder import SpeakerEncoder
from avsi.models.store import save_model


def encoder_config(**sections: dict) -> Config:
    sections["model"] = {"values": 16, "window_s": 0.8} | sections.get("model", {})
    sections["training"] = {"batch_size": 6, "speaker_windows": 2} | sections.get("training", {})
    return small_config(SpeakerEncoderConfig, **sections)


def spoken_by(speaker: int, seed: int, duration_s: float = 2.0) -> np.ndarray:
    """Syllables with pauses, float32, shape (n_samples,): harmonics under two formants, which are the speaker's own."""
    rng = np.random.default_rng((speaker, seed))
    time_s = np.arange(round(duration_s * RATE)) / RATE
    pitch_hz = 90 * 1.15**speaker * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.5, 1) * time_s + rng.uniform(0, 6)))
    harmonics = np.arange(1, 7000 // (90 * 1.15**speaker))[:, None]
    formants_hz = np.array([500.0, 1600.0]) * 1.07**speaker
    heights = sum(np.exp(-(((harmonics * 90 * 1.15**speaker - hz) / 250) ** 2)) for hz in formants_hz) + 0.02
    voiced = (heights * np.sin(harmonics * 2 * np.pi * np.cumsum(pitch_hz) / RATE)).sum(axis=0)
    loudness = np.clip(np.sin(2 * np.pi * (2.5 * time_s + rng.random())), 0, None) ** 0.7
    return (0.05 * voiced * loudness + 1e-6 * rng.standard_normal(len(time_s))).astype(np.float32)


def make_speakers(folder: Path, speakers: Iterable[int], count: int) -> Path:
    """A data directory of some utterances of each speaker."""
    folder.mkdir(parents=True)
    utterances = []
    for speaker in speakers:
        for number in range(count):
            wav = folder / f"p{speaker}_{number}.wav"
            samples = spoken_by(speaker, number)
            soundfile.write(wav, samples, RATE)
            utterances.append(Utterance(wav.stem, f"p{speaker}", str(wav), len(samples) / RATE))
    write_datadir(folder, utterances, "made voices")
    return folder


def save_encoder(folder: Path, seed: int = 0, **sections: dict) -> Path:
    """An encoder that was not trained."""
    torch.manual_seed(seed)
    save_model(folder, SpeakerEncoder(encoder_config(**sections)))
    return folder
