"""Damage that leaves a part of the frequencies whole: these are kept, and only the others are restored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..config import StftConfig
from ..errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

FILTER_S = 0.032  # the length of the filter: bands are told apart within about 60 Hz


@dataclass(frozen=True)
class KeptBand:
    """What is kept of damaged sound.

    Attributes:
        below_hz: all up to this frequency; None keeps nothing there.
        above_hz: all from this frequency on; None keeps nothing there.
    """

    below_hz: float | None = None
    above_hz: float | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for frequencies that are none, and for bands that leave nothing to restore."""
        for hz in (self.below_hz, self.above_hz):
            if hz is not None and not (math.isfinite(hz) and hz > 0):
                raise ConfigError(f"{hz:g} Hz: expected a frequency above 0, below or above which the sound is kept")
        if self.below_hz and self.above_hz and self.below_hz >= self.above_hz:
            raise ConfigError(
                f"what lies below {self.below_hz:g} Hz and what lies above {self.above_hz:g} Hz is to be kept: that is "
                "everything; the first must be smaller than the second"
            )

    def __str__(self) -> str:
        parts = (("below", self.below_hz), ("above", self.above_hz))
        return " and ".join(f"{side} {hz:g} Hz" for side, hz in parts if hz is not None)

    def kept_of(self, spectrum_: Tensor, lost: Tensor, stft: StftConfig) -> Tensor:
        """As of :class:`avsi.restoring.keeping.Kept`: bins into which a window lets nothing from beyond the band."""
        import torch

        hertz = torch.arange(stft.n_bins) * (stft.sample_rate / stft.n_fft)
        reach_hz = 2 * stft.sample_rate / stft.window_samples  # the half main lobe of a Hann window
        reliable = torch.zeros(stft.n_bins, dtype=torch.bool)
        if self.below_hz is not None:
            reliable |= hertz <= self.below_hz - reach_hz
        if self.above_hz is not None:
            reliable |= hertz >= self.above_hz + reach_hz
        return spectrum_.masked_fill(~(lost[:, None] & reliable), math.nan)

    def mix(self, damaged: np.ndarray, restored: np.ndarray, rate: int) -> np.ndarray:
        """The kept band of a damaged sound, and the rest of the restored one; where both are the same, they stay.

        Args:
            damaged, restored: float, shape (n_samples, n_channels).
            rate: in Hz.

        Raises:
            ConfigError: frequencies that the sound does not have.
        """
        for hz in (self.below_hz, self.above_hz):
            if hz is not None and hz >= rate / 2:
                raise ConfigError(
                    f"{hz:g} Hz: a sound of {rate} samples a second has frequencies below {rate / 2:g} Hz"
                )
        return restored + self._filtered(damaged - restored, rate)

    def _filtered(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """By a linear-phase filter: a windowed sinc (Oppenheim and Schafer, 2010, section 7.5), whose delay is none."""
        half = round(FILTER_S / 2 * rate)
        place = np.arange(-half, half + 1)
        taps = np.zeros(len(place))
        for hz, sign in ((self.below_hz, 1), (self.above_hz, -1)):
            if hz is not None:
                edge = min(2 * hz / rate, 1.0)
                taps += sign * edge * np.sinc(edge * place)
        taps *= np.hamming(len(place))
        if self.above_hz is not None:
            taps[half] += 1
        size = len(samples) + len(taps)
        spectrum = np.fft.rfft(samples, size, axis=0) * np.fft.rfft(taps, size)[:, None]
        return np.fft.irfft(spectrum, size, axis=0)[half : half + len(samples)]
