"""The tagger: how likely each frame of a recording is damaged, and in which way."""

import math

import torch
from torch import Tensor, nn

from ..audio.mel import log_mel, mel_filters
from ..config import Config, TaggerConfig
from ..data.stats import Stats
from .normalised import NormalisedModel

# What it tells apart, of the kinds of :mod:`avsi.data.damage`; others are left to rules.
TAGGED = ("silence", "level", "noise", "burst", "tone", "click")
LEVELS = (0.1, 0.5, 0.85)  # levels are told relative to these quantiles of the recording's own
MOST_NATS = 12.0  # of a log power above or below a recording's own level
SCALE = 4.0
SILENT_NATS = 0.3  # nearer to the floor of the log there is no sound at all
LONGEST_DILATION = 32


class Tagger(NormalisedModel):
    """Log-mel bands relative to the recording's own spectrum and level, and the lips; dilated convolutions over time
    with residual connections; an independent sigmoid for each kind of damage.
    """

    filters: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        super().__init__(config, stats, phones)
        model = config.model
        assert isinstance(model, TaggerConfig)
        filters = torch.from_numpy(mel_filters(model.mels, config.stft)).float()
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)
        n_inputs = 2 * model.mels + len(LEVELS) + 1 + len(self.visual_mean) + 1
        self.first = nn.Sequential(nn.Conv1d(n_inputs, model.hidden, 5, padding=2), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(model.hidden, model.hidden, 3, dilation=n, padding=n), nn.BatchNorm1d(model.hidden), nn.ReLU()
            )
            for n in self.dilations
        )
        self.to_kinds = nn.Linear(model.hidden, len(TAGGED))

    @property
    def dilations(self) -> list[int]:
        return [min(1 << number, LONGEST_DILATION) for number in range(self.config.model.layers)]

    @property
    def context_frames(self) -> int:
        """How many frames before and after it a frame's answer depends on, beside the recording's own level."""
        return sum(self.dilations) + 2

    @property
    def thresholds(self) -> dict[str, float]:
        """From which probability on there is damage, by kind."""
        return {kind: getattr(self.config.model, f"{kind}_threshold") for kind in TAGGED}

    def forward(
        self, log_spectrum: Tensor, visual: Tensor, counts: Tensor | None = None, lengths: Tensor | None = None
    ) -> Tensor:
        """Scores before the sigmoid.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins).
            visual: shape (batch, n_frames, n_visual), NaN where no face is seen; n_visual may be 0 where none ever is.
            counts: bool, shape (batch, n_frames): the frames that tell the recording's own level; None for all.
            lengths: number of frames of each recording; None if there is no padding.

        Returns:
            Shape (batch, n_frames, len(TAGGED)).
        """
        inside = torch.ones(log_spectrum.shape[:2], dtype=torch.bool, device=log_spectrum.device)
        if lengths is not None:
            inside = torch.arange(inside.shape[1], device=inside.device) < lengths[:, None]
        heard = self.hear(log_spectrum, inside if counts is None else inside & counts)
        inputs = torch.cat([heard, self.look(visual)], dim=-1).transpose(1, 2)
        mask = inside[:, None].to(inputs.dtype)
        hidden = self.first(inputs * mask) * mask
        for block in self.blocks:
            hidden = (hidden + block(hidden)) * mask
        return self.to_kinds(hidden.transpose(1, 2))

    def hear(self, log_spectrum: Tensor, counts: Tensor) -> Tensor:
        """What is told of the sound: shape (batch, n_frames, 2 * n_mels + len(LEVELS) + 1)."""
        bands = log_mel(log_spectrum, self.filters, self.config.stft)
        floor = 2 * math.log(self.config.stft.log_floor)
        level = bands.mean(dim=-1)
        sounds = level > floor + SILENT_NATS
        levels = _quantiles(level, counts & sounds, LEVELS)  # (batch, len(LEVELS))
        loud = counts & sounds & (level >= levels[:, 1:2])
        weight = loud.to(bands.dtype) / loud.sum(dim=1, keepdim=True).clamp_min(1)
        own = (bands * weight[..., None]).sum(dim=1, keepdim=True)
        parts = (bands - own, bands - levels[:, -1, None, None], level[..., None] - levels[:, None])
        told = [part.clamp(-MOST_NATS, MOST_NATS) / SCALE for part in parts]
        return torch.cat([*told, (~sounds)[..., None].to(bands.dtype)], dim=-1)

    def look(self, visual: Tensor) -> Tensor:
        """What is told of the lips, and whether they are seen: shape (batch, n_frames, n_visual + 1)."""
        if not visual.shape[-1]:
            return visual.new_zeros(*visual.shape[:2], len(self.visual_mean) + 1)
        seen = ~visual.isnan().any(dim=-1, keepdim=True)
        lips = ((visual - self.visual_mean) / self.visual_std).clamp(-5, 5)
        return torch.cat([torch.where(seen, lips, 0), seen.to(visual.dtype)], dim=-1)


def _quantiles(level: Tensor, counts: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Quantiles over the frames that count of levels of shape (batch, n_frames); 0 where none does. Shape
    (batch, len(shares)).
    """
    ordered = level.masked_fill(~counts, math.inf).sort(dim=1).values
    last = (counts.sum(dim=1) - 1).clamp_min(0)
    places = torch.stack([(last * share).round().long() for share in shares], dim=1)
    found = ordered.gather(1, places)
    return torch.where(found.isfinite(), found, 0)
