"""Whose voice a model is told: that of the reliable speech of what it restores, or of a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..audio.activity import level_below_speech
from ..errors import ModelError
from ..files import digest
from ..models.spectrum_inpainter import SpectrumInpainter
from ..models.store import VOICES_BY, WEIGHTS, find_model, load_model
from ..timebase import to_seconds

if TYPE_CHECKING:
    from ..models.speaker_encoder import SpeakerEncoder
    from .inpainting import Inpainter

MIN_SPEECH_S = 1.0  # less speech says too little of a voice


def encoder_digest(name_or_path: str | Path) -> str:
    """What tells one speaker encoder from another."""
    return digest(find_model(name_or_path) / WEIGHTS)


def load_encoder_of(models: Sequence[object], name_or_path: str | Path) -> SpeakerEncoder | None:
    """The speaker encoder whose vectors models take; None where none takes any. Raises ModelError where one was trained
    with those of another.
    """
    takers = [model for model in models if _takes_voice(model)]
    found = encoder_digest(name_or_path) if takers else ""
    for model in takers:
        if (expected := getattr(model, VOICES_BY)) != found:
            raise ModelError(
                f"{name_or_path}: is the speaker encoder {found}, but the model was trained with the voices of "
                f"{expected or 'one that it does not name'}; use that, or train the model with the voices of this one"
            )
    return load_model(name_or_path, "speaker_encoder") if takers else None


def check_takes_voice(inpainter: Inpainter, voice: object) -> None:
    """Raise ModelError where a voice is given to a model that is told none."""
    if voice is not None and (inpainter.encoder is None or not _takes_voice(inpainter.model)):
        raise ModelError(
            "the model is not told whose voice is heard; choose one that is (trained with model.voice), or leave out "
            "the reference"
        )


def _takes_voice(model: object) -> bool:
    return isinstance(model, SpectrumInpainter) and model.config.model.voice


def told_voices(
    encoder: SpeakerEncoder | None, log_spectrum: torch.Tensor, lost: torch.Tensor, voice: np.ndarray | None = None
) -> torch.Tensor:
    """The voice of each channel of a recording, shape (n_channels, n_values), as :meth:`.VoiceFilm.forward` takes it;
    without values where there is no encoder.

    Args:
        log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins).
        lost: bool, shape (n_frames,).
        voice: that of all channels, shape (n_values,); by default each channel's own.
    """
    if encoder is None:
        return log_spectrum.new_zeros(len(log_spectrum), 0)
    if voice is not None:
        return torch.from_numpy(np.asarray(voice, np.float32)).expand(len(log_spectrum), -1)
    return torch.stack([heard_voice(encoder, channel, lost)[0] for channel in log_spectrum])


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
    return encoder.embed(log_spectrum, speech), speech_s
