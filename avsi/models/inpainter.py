"""The BLSTM that predicts lost frames of a log-magnitude spectrogram from the reliable ones and the face."""

import torch
from torch import Tensor, nn

from ..audio.interpolation import interpolate_lost
from ..config import Config
from ..data.stats import Stats
from .masked_blstm import MaskedBLSTM
from .spectrum_inpainter import GATE_BIAS, SpectrumInpainter


class BLSTMInpainter(MaskedBLSTM, SpectrumInpainter):
    """Stacked BLSTM layers and a linear layer (Morrone et al., 2021, section 2), with audio, video or both as input.

    Inputs and outputs are natural log magnitudes. A multi-task model (``model.ctc``) has a second linear layer,
    ``to_phones``, which does not affect the restored spectrum.

    Attributes:
        phones: the inventory of a multi-task model, else empty; label 0 is the blank, label 1 ``phones[0]``.
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        super().__init__(config, stats, phones)
        n_bins = config.stft.n_bins
        self.to_spectrum = nn.Linear(2 * config.model.hidden, n_bins)
        if config.model.gate:
            self.to_gate = nn.Linear(2 * config.model.hidden, n_bins)
            nn.init.zeros_(self.to_gate.weight)
            nn.init.constant_(self.to_gate.bias, GATE_BIAS)
        if config.model.ctc:
            self.to_phones = nn.Linear(2 * config.model.hidden, 1 + len(phones))

    def decode(self, hidden: Tensor, normalised: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalised log magnitudes, shape (batch, n_frames, n_bins), from what :meth:`encode` gives.

        A model with ``model.gate`` mixes its own prediction with the interpolated spectrum: near the edges of a gap the
        latter is hard to better, and the gate learns where.

        Args:
            normalised, lost, lengths: as in :meth:`encode`.
        """
        predicted = self.to_spectrum(hidden)
        if not self.config.model.gate:
            return predicted
        between = interpolate_lost(normalised, lost, lengths)
        return torch.lerp(predicted, between.to(predicted.dtype), self.to_gate(hidden).sigmoid())

    def drop_face(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        n_bins, n_visual = len(self.audio_mean), len(self.visual_mean)
        for name in ("blstm.weight_ih_l0", "blstm.weight_ih_l0_reverse"):
            columns = weights[name]
            weights[name] = torch.cat([columns[:, :n_bins], columns[:, n_bins + n_visual :]], dim=1)
        return weights
