"""The refiner of an :class:`avsi.Inpainter`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AvsiWarning, ModelError
from ..models.store import load_model
from ..pretrained import REFINER

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.refiner import SpectrumRefiner
    from .excerpts import DamagedExcerpt
    from .spectrum_restorer import SpectrumRestorer


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
    refiner: SpectrumRefiner | None, predicted: list[Tensor], excerpts: list[DamagedExcerpt], draw: int
) -> list[Tensor]:
    """The spectra that a model has predicted of some excerpts, as the refiner makes them in one of its draws."""
    if refiner is None:
        return predicted
    pairs = zip(predicted, excerpts, strict=True)
    return [refiner.refine(log_spectrum, one.lost, draw, one.place) for log_spectrum, one in pairs]
