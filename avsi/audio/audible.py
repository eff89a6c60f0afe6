"""Steady noise over speech leaves some bins of its spectrogram reliable: those that stand out of the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..config import StftConfig

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 0.15  # the share of a gap's frames in which noise is heard alone
SMOOTH_BINS = 5  # over which the level of noise is averaged
EDGE_FRAMES = 2  # at either end of a gap, whose windows hold less of the noise, tell nothing of its level
FEWEST_FRAMES = 8  # of fewer no level is measured, and nothing is kept


@dataclass(frozen=True)
class AudibleBins:
    """What is kept of damaged sound: the bins of the spectrogram that stand out of a steady noise over a gap.

    The noise of each frequency has the level that its softest frames have (minimum statistics: Martin, 2001), as if it
    were Gaussian: then the power of a bin is distributed exponentially. Of digital silence, and of a tone in the place
    of speech, nothing is kept.

    Attributes:
        above_db: bins so far above the noise are kept.
    """

    above_db: float = 10.0

    def __str__(self) -> str:
        return f"{self.above_db:g} dB above the noise"

    def kept_of(self, spectrum_: Tensor, lost: Tensor, stft: StftConfig) -> Tensor:
        """As of :class:`avsi.restoring.keeping.Kept`."""
        import torch
        from torch.nn.functional import avg_pool1d

        power = spectrum_.abs().square()
        kept = torch.full_like(spectrum_, math.nan)
        edges = np.flatnonzero(np.diff(lost.numpy().astype(int), prepend=0, append=0))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            inner = power[..., start + EDGE_FRAMES : stop - EDGE_FRAMES, :]
            if inner.shape[-2] < FEWEST_FRAMES:
                continue
            softest = torch.quantile(inner, FLOOR, dim=-2, keepdim=True)
            noise = avg_pool1d(softest, SMOOTH_BINS, 1, SMOOTH_BINS // 2, count_include_pad=False)
            least = noise / -math.log(1 - FLOOR) * 10 ** (self.above_db / 10)
            stands_out = power[..., start:stop, :] > least
            kept[..., start:stop, :] = spectrum_[..., start:stop, :].masked_fill(~stands_out, math.nan)
        return kept

    def mix(self, damaged: np.ndarray, restored: np.ndarray, rate: int) -> np.ndarray:
        """The restored sound, which holds the kept bins already."""
        return restored
