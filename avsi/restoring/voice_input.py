"""Whose voice a model is told: that of the reliable speech of what it restores, or that of a reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..config_files import config_from_dict
from ..data.gaps import Gap
from ..errors import AvsiWarning, DataError, ModelError
from ..files import digest
from ..media.containers import check_file
from ..models.refiner import SpectrumRefiner
from ..models.spectrum_inpainter import SpectrumInpainter
from ..models.store import VOICES_BY, WEIGHTS, find_model, read_description
from ..pretrained import SPEAKER_ENCODER
from .voices import LEAST_SPEECH_S, Voice, VoiceEncoder, parse_reference, voice_of_file, voice_of_frames

if TYPE_CHECKING:
    from .inpainting import Inpainter

NEEDED = "is told no voice; leave the reference out, or choose a model that is told one (trained with model.voice)"


@dataclass(frozen=True)
class HeardReference:
    """A voice to restore with.

    Attributes:
        name: the file, or the stretch of one, as the user named it.
    """

    voice: Voice
    name: str


def hear_reference(
    reference: str | Path | HeardReference | None,
    damaged: Sequence[Path],
    gaps: Sequence[Gap] | None = None,
    from_first_sample: bool = False,
    encoder: VoiceEncoder | None = None,
) -> HeardReference | None:
    """The voice in a reference; None where there is no reference. Warnings and errors as of :func:`.voice_of_file`.

    Args:
        reference: as :func:`.parse_reference` takes it; or what this function gave.
        damaged: the recordings that are to be restored: where one is the reference, its gaps are not heard.
        gaps: theirs, as :func:`avsi.inpaint_file` takes them.
        encoder: by default the pretrained one.
    """
    if reference is None or isinstance(reference, HeardReference):
        return reference
    parsed = parse_reference(str(reference))
    check_file(parsed.path)
    is_damaged = any(path.exists() and path.samefile(parsed.path) for path in damaged)
    encoder = encoder or VoiceEncoder.from_pretrained(device="cpu")
    lost = gaps or () if is_damaged else ()  # runs of digital silence are not heard anyway
    return HeardReference(voice_of_file(parsed, encoder, lost, from_first_sample), str(reference))


def load_encoder_of(models: Sequence[object], name_or_path: str | Path) -> VoiceEncoder | None:
    """The speaker encoder whose vectors models and refiners take; None where none takes any. A refiner that takes those
    of another is told none, and a warning says so.

    Raises:
        ModelError: a model that was trained with the vectors of another, or works on another kind of spectrogram.
    """
    takers = [model for model in models if isinstance(model, SpectrumInpainter) and model.config.model.voice]
    refiners = [model for model in models if isinstance(model, SpectrumRefiner) and model.config.model.voice]
    if not takers and not refiners:
        return None
    encoder = VoiceEncoder.from_pretrained(name_or_path, device="cpu")
    for model in takers:
        if model.voices_by != encoder.digest:
            raise ModelError(
                f"{name_or_path}: is the speaker encoder {encoder.digest}, but the model was trained with voices of "
                f"{model.voices_by or 'one that it does not name'}; use that, or train it with voices of this one"
            )
        if model.config.stft != encoder.model.config.stft:
            raise ModelError(f"{name_or_path}: works on another kind of spectrogram (stft) than the model")
    fitting = [refiner for refiner in refiners if is_told(refiner, encoder)]
    if len(fitting) < len(refiners):
        other = f"the refiner was trained with voices of another speaker encoder than {name_or_path}, and is told none"
        warnings.warn(other, AvsiWarning, stacklevel=3)
    return encoder if takers or fitting else None


def is_told(refiner: SpectrumRefiner, encoder: VoiceEncoder | None) -> bool:
    """Whether a refiner takes the voices of an encoder."""
    if encoder is None or not refiner.config.model.voice:
        return False
    return refiner.voices_by == encoder.digest and refiner.config.stft == encoder.model.config.stft


def check_takes_voice(inpainter: Inpainter, voice: Voice | None) -> None:
    """Raise ModelError where a voice is given to a model that is told none, or takes those of another encoder."""
    if voice is None:
        return
    if inpainter.encoder is None or not inpainter.model.config.model.voice:
        raise ModelError(f"the model {NEEDED}")
    if inpainter.encoder.digest != voice.encoder:
        raise ModelError(
            f"the voice is by the speaker encoder {voice.encoder}, but the model takes those of "
            f"{inpainter.encoder.digest}"
        )


def check_model_takes_voice(name_or_path: str | Path, encoder: str | Path = SPEAKER_ENCODER) -> None:
    """As :func:`check_takes_voice`, before a model and the encoder are loaded."""
    description = read_description(find_model(name_or_path))
    if not config_from_dict(description["config"]).model.voice:
        raise ModelError(f"{name_or_path}: {NEEDED}")
    expected, found = description.get(VOICES_BY) or "that it does not name", digest(find_model(encoder) / WEIGHTS)
    if expected != found:
        raise ModelError(
            f"{name_or_path}: takes the voices of the speaker encoder {expected}, and not those of {found}"
        )


def told_voices(
    encoder: VoiceEncoder | None, log_spectrum: torch.Tensor, lost: torch.Tensor, voice: Voice | None = None
) -> torch.Tensor:
    """The voice of each channel of a recording, shape (n_channels, n_values), as :meth:`.MaskedBLSTM.encode` takes it;
    without values where there is no encoder.

    Args:
        log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins).
        lost: bool, shape (n_frames,).
        voice: that of all channels; by default each channel's own, which is unknown where its reliable frames hold
            less than a second of speech.
    """
    if encoder is None:
        return log_spectrum.new_zeros(len(log_spectrum), 0)
    if voice is not None:
        return torch.from_numpy(voice.vector).expand(len(log_spectrum), -1)
    return torch.stack([_heard(encoder, channel[~lost]) for channel in log_spectrum])


def _heard(encoder: VoiceEncoder, log_spectrum: torch.Tensor) -> torch.Tensor:
    """The voice in some frames, shape (n_values,); NaN where it is unknown."""
    try:
        voice = voice_of_frames(log_spectrum, encoder)
    except DataError:  # silence
        voice = None
    if voice is None or voice.speech_s < LEAST_SPEECH_S:
        return log_spectrum.new_full((encoder.n_values,), torch.nan)
    return torch.from_numpy(voice.vector)
