"""The refiner of an :class:`avsi.Inpainter`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..audio.pitch import track_pitch
from ..errors import AvsiWarning, ModelError
from ..models.store import load_model
from ..pretrained import REFINER
from .voice_input import is_told

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ..models.refiner import SpectrumRefiner
    from .excerpts import DamagedExcerpt
    from .spectrum_restorer import SpectrumRestorer
    from .voices import VoiceEncoder


def load_refiner(name: str | Path | None, model: SpectrumRestorer, model_name: str | Path) -> SpectrumRefiner | None:
    """The refiner of a model; None without a name, and with a warning where the pretrained one does not fit.

    Raises:
        ModelError: no such refiner, or one of another kind of spectrogram.
    """
    if name is None:
        return None
    refiner = load_model(name, "refiner")
    if name == REFINER and refiner.config.stft != model.config.stft:
        warnings.warn(
            f"{model_name}: works on another kind of spectrogram (stft) than the refiner, which is left out",
            AvsiWarning,
            stacklevel=3,
        )
        return None
    check_refiner(refiner, model)
    return refiner


def check_refiner(refiner: SpectrumRefiner | None, model: SpectrumRestorer) -> None:
    """Raise ModelError for one of another kind of spectrogram."""
    if refiner is not None and refiner.config.stft != model.config.stft:
        raise ModelError("the refiner works on another kind of spectrogram (stft) than the model")


def refined(
    refiner: SpectrumRefiner | None,
    predicted: list[Tensor],
    excerpts: list[DamagedExcerpt],
    draw: int,
    encoder: VoiceEncoder | None = None,
) -> list[Tensor]:
    """The spectra that a model has predicted of some excerpts, as the refiner makes them in one of its draws.

    Args:
        encoder: what the excerpts' voices are by; they are told to a refiner that was trained with voices of the same.
    """
    if refiner is None:
        return predicted
    knows = is_told(refiner, encoder)
    return [
        refiner.refine(log_spectrum, one.lost, draw, one.place, one.voices if knows else None, _pitch_of(one, refiner))
        for log_spectrum, one in zip(predicted, excerpts, strict=True)
    ]


def _pitch_of(excerpt: DamagedExcerpt, refiner: SpectrumRefiner) -> np.ndarray | None:
    """What is heard of the pitch around the gaps, in the loudest channel, for a refiner that asks for it."""
    if not refiner.config.model.pitch:
        return None
    loudest = excerpt.signal[excerpt.signal.square().sum(dim=1).argmax()]  # in the mean some would cancel each other
    return track_pitch(loudest.numpy(), refiner.config.stft, len(excerpt.lost))
