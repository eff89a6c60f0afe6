"""The network that makes a restored spectrum, which is smooth, as sharp as that of recorded speech."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ..audio.phase import keep_reliable
from ..audio.texture import texture_of
from ..config import Config, RefinerConfig
from ..data.stats import Stats
from ..rng import generator
from ..timebase import join_stretches
from .normalised import NormalisedModel

KERNEL_FRAMES = 7  # of the convolutions over time
WIDER = 3  # within a block there are so many times as many values as between the blocks
SCALE = 0.3  # of what each block adds at first


class SpectrumRefiner(NormalisedModel):
    """Blocks of convolutions over time (ConvNeXt: Liu et al., 2022, as in the vocoder Vocos: Siuzdak, 2024), which
    change the lost frames of a spectrum that another network has restored: they sharpen it, and say how much of the
    texture of noise is added in each frame and bin.

    What a network restores with the smallest mean error is the mean of all that could have been said, and so smoother
    than any of it; this one is trained on what several draws have in common with true speech. Magnitudes are enough:
    with the true ones, the phases that are found for them sound like recorded speech.

    Attributes:
        noise_at_first: how much of the texture is added to each bin before training, shape (n_bins,).
    """

    noise_at_first: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__(config, stats, phones)
        model, n_bins = cast(RefinerConfig, config.model), config.stft.n_bins
        self.to_blocks = nn.Linear(n_bins + 1, model.hidden)
        self.blocks = nn.ModuleList(Block(model.hidden) for _ in range(model.layers))
        self.norm = nn.LayerNorm(model.hidden)
        self.to_change, self.to_noise = nn.Linear(model.hidden, n_bins), nn.Linear(model.hidden, n_bins)
        for layer in (self.to_change, self.to_noise):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        hz = torch.arange(n_bins) * config.stft.sample_rate / config.stft.n_fft
        at_first = ((hz - model.noise_from_hz) / (model.noise_to_hz - model.noise_from_hz)).clamp(0, 1)
        self.register_buffer("noise_at_first", at_first, persistent=False)

    @property
    def reach_frames(self) -> int:
        """How many frames around it a refined one depends on, in each direction."""
        return len(self.blocks) * (KERNEL_FRAMES // 2)

    def forward(self, normalised: Tensor, lost: Tensor) -> tuple[Tensor, Tensor]:
        """Args:
            normalised: from :meth:`normalise`, the lost frames as restored, shape (batch, n_frames, n_bins).
            lost: bool, shape (batch, n_frames).

        Returns:
            Normalised log magnitudes without noise, and by how much the texture of noise, in natural log magnitude, is
            to be multiplied that is added to them, both of the same shape; what they hold for reliable frames means
            nothing.
        """
        values = self.to_blocks(torch.cat([normalised, lost[..., None].to(normalised.dtype)], dim=-1))
        for block in self.blocks:
            values = block(values)
        values = self.norm(values)
        return normalised + self.to_change(values), self.noise_at_first * (1 + self.to_noise(values))

    @torch.inference_mode()
    def refine(self, log_spectrum: Tensor, lost: Tensor, draw: int = 0, place: int = 0) -> Tensor:
        """Refine the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, the lost frames as restored, shape (n_channels, n_frames, n_bins).
            lost: bool, shape (n_frames,).
            draw: the seed of the noise, which is the same in all channels.
            place: where this begins in a longer recording, so that its gaps do not have the same noise.

        Returns:
            Natural log magnitude on the CPU, same shape; only the lost frames are changed.
        """
        device, stft = self.audio_mean.device, self.config.stft
        channels, gone = log_spectrum.to(device), lost.to(device).expand(len(log_spectrum), -1)
        normalised, mean, std = self.normalise(channels, gone)
        noise = generator(draw, "texture", *([place] if place else [])).standard_normal(
            len(lost) * stft.hop_samples, dtype="float32"
        )
        texture = texture_of(torch.from_numpy(noise), stft).to(device)
        refined = channels.clone()
        for start, stop in _stretches(lost, self.reach_frames):
            within = slice(start, stop)
            sharp, amount = self(normalised[:, within], gone[:, within])
            refined[:, within] = sharp * std + mean + amount * texture[within]
        return keep_reliable(log_spectrum, refined.cpu(), lost)


class Block(nn.Module):
    """A convolution over time in each channel, and two layers over the channels of each frame, added to what came."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(n_channels, n_channels, KERNEL_FRAMES, padding=KERNEL_FRAMES // 2, groups=n_channels)
        self.norm = nn.LayerNorm(n_channels)
        self.widen = nn.Linear(n_channels, WIDER * n_channels)
        self.narrow = nn.Linear(WIDER * n_channels, n_channels)
        self.scale = nn.Parameter(torch.full((n_channels,), SCALE))

    def forward(self, values: Tensor) -> Tensor:
        """Shape (batch, n_frames, n_channels), in and out."""
        over_time = self.norm(self.over_time(values.transpose(1, 2)).transpose(1, 2))
        return values + self.scale * self.narrow(gelu(self.widen(over_time)))


def _stretches(lost: Tensor, reach_frames: int) -> list[tuple[int, int]]:
    """Runs of lost frames with as many beside them as they depend on, as (first, end); those that touch are one."""
    return join_stretches(
        (max(0, at - reach_frames), min(len(lost), at + reach_frames + 1)) for at in lost.nonzero().flatten().tolist()
    )
