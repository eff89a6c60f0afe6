"""The network that makes a restored spectrum, which is smooth, as sharp as that of recorded speech."""

import math
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ..audio.phase import keep_reliable
from ..audio.pitch import continue_pitch
from ..audio.texture import harmonics_of, texture_of
from ..config import Config, RefinerConfig
from ..data.stats import Stats
from ..rng import generator
from ..timebase import join_stretches
from .masked_blstm import N_KNOWN, frames_of_voice
from .normalised import NormalisedModel

KERNEL_FRAMES = 7  # of the convolutions over time
WIDER = 3  # within a block there are so many times as many values as between the blocks
SCALE = 0.3  # of what each block adds at first
# How much of the harmonics is added before training: so much up to the first frequency, hardly any above the second.
HARMONICS_AT_FIRST, HARMONIC_TO_HZ, NOISY_FROM_HZ, LEAST_SHARE = 0.6, 3000.0, 4500.0, 0.05
N_PITCH = 2  # inputs beside the harmonics: the pitch, and whether it is known
MIDDLE_OCTAVES = math.log2(128.0)  # a pitch of this many octaves above 1 Hz is an input of 0


class Told(NamedTuple):
    """What a refiner is told beside the spectrum; None for one that does not ask.

    Attributes:
        voice: unit vectors, shape (batch, n_values), NaN where a voice is not known.
        contour: the pitch of each frame in octaves above 1 Hz, shape (batch, n_frames), NaN where it is not known.
        harmonics: as of :func:`.harmonics_of`, in deviations as the spectrum is, shape (batch, n_frames, n_bins).
    """

    voice: Tensor | None = None
    contour: Tensor | None = None
    harmonics: Tensor | None = None

    def within(self, frames: slice) -> "Told":
        """The same of some of the frames."""
        if self.contour is None or self.harmonics is None:
            return self
        return self._replace(contour=self.contour[:, frames], harmonics=self.harmonics[:, frames])


UNTOLD = Told()


class SpectrumRefiner(NormalisedModel):
    """Blocks of convolutions over time (ConvNeXt: Liu et al., 2022, as in the vocoder Vocos: Siuzdak, 2024), which
    change the lost frames of a spectrum that another network has restored: they sharpen it, and say how much of the
    texture of noise, and of that of a voice's harmonics, is added in each frame and bin.

    What a network restores with the smallest mean error is the mean of all that could have been said, and so smoother
    than any of it; this one is trained on what several draws have in common with true speech. Magnitudes are enough:
    with the true ones, the phases that are found for them sound like recorded speech.

    Attributes:
        noise_at_first: how much of the texture of noise is added to each bin before training, shape (n_bins,).
        voices_by: as of :class:`.SpectrumInpainter`.
    """

    noise_at_first: Tensor
    voices_by = ""

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__(config, stats, phones)
        model, n_bins = cast(RefinerConfig, config.model), config.stft.n_bins
        n_told = (model.voice_values + N_KNOWN) * model.voice + (n_bins + N_PITCH) * model.pitch
        self.to_blocks = nn.Linear(n_bins + 1 + n_told, model.hidden)
        self.blocks = nn.ModuleList(Block(model.hidden) for _ in range(model.layers))
        self.norm = nn.LayerNorm(model.hidden)
        self.to_change, self.to_noise = nn.Linear(model.hidden, n_bins), nn.Linear(model.hidden, n_bins)
        outputs = [self.to_change, self.to_noise]
        if model.pitch:
            self.to_harmonics = nn.Linear(model.hidden, n_bins)
            outputs.append(self.to_harmonics)
        for layer in outputs:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        hz = torch.arange(n_bins) * config.stft.sample_rate / config.stft.n_fft
        if model.pitch:
            share = ((NOISY_FROM_HZ - hz) / (NOISY_FROM_HZ - HARMONIC_TO_HZ)).clamp(LEAST_SHARE, 1)
            self.to_harmonics.bias.data.copy_(HARMONICS_AT_FIRST * share)
        at_first = ((hz - model.noise_from_hz) / (model.noise_to_hz - model.noise_from_hz)).clamp(0, 1)
        self.register_buffer("noise_at_first", at_first, persistent=False)

    @property
    def reach_frames(self) -> int:
        """How many frames around it a refined one depends on, in each direction."""
        return len(self.blocks) * (KERNEL_FRAMES // 2)

    def forward(self, normalised: Tensor, lost: Tensor, told: Told = UNTOLD) -> tuple[Tensor, Tensor]:
        """Args:
            normalised: from :meth:`normalise`, the lost frames as restored, shape (batch, n_frames, n_bins).
            lost: bool, shape (batch, n_frames).
            told: what the model asks for beside them.

        Returns:
            Normalised log magnitudes without noise, and by how much the texture of noise, in natural log magnitude, is
            to be multiplied that is added to them, both of the same shape; what they hold for reliable frames means
            nothing.
        """
        inputs = [normalised, lost[..., None].to(normalised.dtype)]
        model = cast(RefinerConfig, self.config.model)
        if model.voice:
            inputs.append(frames_of_voice(told.voice, model.voice_values, normalised))
        if model.pitch:
            assert told.contour is not None and told.harmonics is not None
            known = ~told.contour.isnan()
            pitch = torch.stack(
                [(told.contour - MIDDLE_OCTAVES).masked_fill(~known, 0), known.to(normalised.dtype)], -1
            )
            inputs += [pitch, told.harmonics]
        values = self.to_blocks(torch.cat(inputs, dim=-1))
        for block in self.blocks:
            values = block(values)
        values = self.norm(values)
        sharp = normalised + self.to_change(values)
        if told.harmonics is not None and model.pitch:
            sharp = sharp + self.to_harmonics(values) * told.harmonics
        return sharp, self.noise_at_first * (1 + self.to_noise(values))

    @torch.inference_mode()
    def refine(
        self,
        log_spectrum: Tensor,
        lost: Tensor,
        draw: int = 0,
        place: int = 0,
        voices: Tensor | None = None,
        pitch_hz: np.ndarray | None = None,
    ) -> Tensor:
        """Refine the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, the lost frames as restored, shape (n_channels, n_frames, n_bins).
            lost: bool, shape (n_frames,).
            draw: the seed of the noise, which is the same in all channels.
            place: where this begins in a longer recording, so that its gaps do not have the same noise.
            voices: whose voice is heard in each channel, as of :func:`.told_voices`; None where it is not known.
            pitch_hz: what is heard of the pitch, as of :func:`.track_pitch`; None where nothing is.

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
        told = self._told(voices, pitch_hz, lost, draw, std.expand(len(channels), 1, -1))
        refined = channels.clone()
        for start, stop in _stretches(lost, self.reach_frames):
            within = slice(start, stop)
            sharp, amount = self(normalised[:, within], gone[:, within], told.within(within))
            refined[:, within] = sharp * std + mean + amount * texture[within]
        return keep_reliable(log_spectrum, refined.cpu(), lost)

    def _told(self, voices: Tensor | None, pitch_hz: np.ndarray | None, lost: Tensor, draw: int, std: Tensor) -> Told:
        """What is told of one recording; ``std`` of each channel, shape (n_channels, 1, n_bins)."""
        stft, device = self.config.stft, std.device
        voice = None if voices is None else voices.to(device)
        if not self.config.model.pitch:
            return Told(voice)
        heard = np.full(len(lost), np.nan) if pitch_hz is None else pitch_hz
        contour = torch.from_numpy(continue_pitch(heard, lost.numpy(), stft, draw)).to(std.dtype)[None]
        harmonics = harmonics_of(contour, contour.new_zeros(1), stft).to(device)
        return Told(voice, contour.to(device).expand(len(std), -1), harmonics / std)


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
