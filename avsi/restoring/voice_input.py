"""Whose voice a model is told: that of the reliable speech of what it restores, or of a reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..audio.activity import level_below_speech
from ..errors import ModelError
from ..files import digest
from ..models.store import WEIGHTS, find_model, load_model
from ..timebase import to_seconds

if TYPE_CHECKING:
    from ..models.speaker_encoder import SpeakerEncoder

MIN_SPEECH_S = 1.0  # less speech says too little of a voice


def encoder_digest(name_or_path: str | Path) -> str:
    """What tells one speaker encoder from another."""
    return digest(find_model(name_or_path) / WEIGHTS)


def load_encoder_of(model: object, name_or_path: str | Path) -> SpeakerEncoder:
    """The speaker encoder whose vectors a model takes. Raises ModelError where it was trained with those of another."""
    found, expected = encoder_digest(name_or_path), getattr(model, "voices_by", "")
    if found != expected:
        raise ModelError(
            f"{name_or_path}: is the speaker encoder {found}, but the model was trained with the voices of "
            f"{expected or 'one that it does not name'}; use that, or train the model with voices of this one"
        )
    return load_model(name_or_path, "speaker_encoder")


def heard_voice(encoder: SpeakerEncoder, log_spectrum: torch.Tensor, lost: torch.Tensor) -> tuple[torch.Tensor, float]:
    """(the unit vector of the voice that is heard in the reliable frames, shape (n_values,), and how many seconds of
    speech these hold); the vector is NaN where that is less than a second.

    Args:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins).
        lost: bool, shape (n_frames,).
    """
    stft, limits = encoder.config.stft, encoder.config.normalise
    floor = math.log(stft.log_floor)
    sounding = ~lost & (log_spectrum > floor + limits.silence_nats).any(dim=1)
    depth = level_below_speech(log_spectrum.mean(dim=1)[None], sounding[None], stft, limits, floor)[0]
    speech = sounding & (depth <= limits.pause_nats)
    speech_s = to_seconds(int(speech.sum()) * stft.hop_samples, stft.sample_rate)
    if speech_s < MIN_SPEECH_S:
        return log_spectrum.new_full((encoder.config.model.values,), math.nan), speech_s
    with torch.inference_mode():
        return encoder.embed(log_spectrum, speech).clone(), speech_s
