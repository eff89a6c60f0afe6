"""The network that corrects a restored spectrum by those of its bins that are reliable after all."""

import torch
from torch import Tensor, nn

from ..audio.phase import keep_reliable
from ..config import Config
from ..data.stats import Stats
from .normalised import NormalisedModel
from .refiner import Block


class SpectrumCorrector(NormalisedModel):
    """A gap in which some bins are reliable, such as those that a hiss leaves whole, has been restored by a network
    that knows of none, and what these bins hold shows where it was wrong. From its errors there this one predicts
    those in the lost bins, as a Kalman filter corrects a prediction by what is observed. It has the refiner's blocks.
    Masks over time and frequency are those of Kegler, Beckmann and Cernak (2020).
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__(config, stats, phones)
        n_bins, hidden = config.stft.n_bins, config.model.hidden
        self.to_blocks = nn.Linear(3 * n_bins + 1, hidden)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(config.model.layers))
        self.norm = nn.LayerNorm(hidden)
        self.to_change = nn.Linear(hidden, n_bins)
        nn.init.zeros_(self.to_change.weight)
        nn.init.zeros_(self.to_change.bias)

    def forward(self, normalised: Tensor, lost: Tensor, kept: Tensor) -> Tensor:
        """Args:
            normalised: from :meth:`normalise`, the lost frames as restored, shape (batch, n_frames, n_bins).
            lost: bool, shape (batch, n_frames).
            kept: normalised as well, what the reliable bins of lost frames hold; same shape, NaN elsewhere.

        Returns:
            Normalised log magnitudes, same shape; what they hold outside the lost bins means nothing.
        """
        wrong = (kept - normalised).nan_to_num()
        inputs = [normalised, wrong, ~kept.isnan(), lost[..., None]]
        values = self.to_blocks(torch.cat([each.to(normalised.dtype) for each in inputs], dim=-1))
        for block in self.blocks:
            values = block(values)
        return normalised + self.to_change(self.norm(values))

    @torch.inference_mode()
    def correct(self, log_spectrum: Tensor, lost: Tensor, kept: Tensor) -> Tensor:
        """Correct the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, the lost frames as restored, shape (n_channels, n_frames, n_bins).
            lost: bool, shape (n_frames,).
            kept: natural log magnitude of the reliable bins of lost frames, same shape as ``log_spectrum``; NaN
                elsewhere.

        Returns:
            Natural log magnitude on the CPU, same shape: reliable frames and bins as they are. A channel without any
            reliable bin in its lost frames stays as it was restored.
        """
        device = self.audio_mean.device
        channels, gone, bins = log_spectrum.to(device), lost.to(device).expand(len(log_spectrum), -1), kept.to(device)
        normalised, mean, std = self.normalise(channels, gone)
        corrected = (self(normalised, gone, (bins - mean) / std) * std + mean).cpu()
        is_partial = (~kept.isnan()).any(dim=-1).any(dim=-1)[:, None, None]
        return keep_reliable(log_spectrum, torch.where(is_partial, corrected, log_spectrum), lost, kept)
