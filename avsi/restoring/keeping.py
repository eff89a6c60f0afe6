"""What is kept of damaged sound, and the correction by it of what a network restored without knowing of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from ..audio.phase import fill_gaps, keep_reliable
from ..audio.stft import log_magnitude
from ..config import StftConfig
from ..errors import AvsiWarning, ModelError
from ..models.store import load_model
from ..pretrained import CORRECTOR
from .spectrum_restorer import SpectrumRestorer

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.corrector import SpectrumCorrector
    from .excerpts import DamagedExcerpt


class Kept(Protocol):
    """What says which part of the damaged sound is kept, as :class:`avsi.audio.kept_band.KeptBand`."""

    def kept_of(self, spectrum_: Tensor, lost: Tensor, stft: StftConfig) -> Tensor:
        """The reliable bins of lost frames.

        Args:
            spectrum_: of the damaged sound, complex, shape (..., n_frames, n_bins).
            lost: bool, shape (n_frames,).

        Returns:
            Complex, same shape; NaN in all other bins.
        """

    def mix(self, damaged: np.ndarray, restored: np.ndarray, rate: int) -> np.ndarray:
        """The kept part of a damaged sound, and the rest of the restored one; shapes (n_samples, n_channels)."""


def load_corrector(name: str | Path | None, model: SpectrumRestorer) -> SpectrumCorrector | None:
    """The corrector of what a model restores; None without a name, and with a warning where the pretrained one does not
    fit.

    Raises:
        ModelError: no such corrector, or one of another kind of spectrogram.
    """
    if name is None:
        return None
    corrector = load_model(name, "corrector")
    if corrector.config.stft == model.config.stft:
        return corrector
    told = "works on another kind of spectrogram (stft) than the model"
    if name != CORRECTOR:
        raise ModelError(f"{name}: {told}")
    warnings.warn(f"the corrector {told}, and is left out", AvsiWarning, stacklevel=3)
    return None


def corrected(
    corrector: SpectrumCorrector | None, predicted: list[Tensor], excerpts: list[DamagedExcerpt], stft: StftConfig
) -> list[Tensor]:
    """The spectra that a model has predicted of some excerpts, with what is kept of these, and corrected by it."""
    made = []
    for log_spectrum, one in zip(predicted, excerpts, strict=True):
        if one.kept is None:
            made.append(log_spectrum)
            continue
        kept = log_magnitude(one.kept, stft)
        if corrector is None:
            made.append(keep_reliable(log_spectrum, log_spectrum, one.lost, kept))
        else:
            made.append(corrector.correct(log_spectrum, one.lost, kept))
    return made


def filled(excerpt: DamagedExcerpt, log_spectrum: Tensor, stft: StftConfig) -> np.ndarray:
    """Samples like a restored spectrum, with the phases of what is kept; channels that are silent around the gaps stay
    so. Shape (n_samples, n_channels), float64.
    """
    kept = excerpt.kept if excerpt.kept is not None else [None] * len(excerpt.signal)
    channels = [
        fill_gaps(channel, excerpt.gone, frames, excerpt.lost, stft, bins) if channel.any() else channel
        for channel, frames, bins in zip(excerpt.signal, log_spectrum, kept, strict=True)
    ]
    return torch.stack(channels, dim=1).numpy().astype(np.float64)
