"""The speaker encoder: a vector that says whose voice is heard, of no certain words."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..audio.mel import log_mel, mel_filters
from ..config import Config, SpeakerEncoderConfig, StftConfig
from ..data.stats import Stats
from ..errors import DataError
from ..timebase import to_frames

POOLED = 512  # values of a frame, before they are pooled
ATTENTION = 64
FIRST_SHARPNESS = 10.0  # as in Wan et al. (2018)


class SpeakerEncoder(nn.Module):
    """Log-mel bands, dilated convolutions over time with residual connections, attentive mean and deviation over time
    (Okabe et al., 2018), and a linear layer to a vector of length 1. What is constant in a recording, its level or a
    filter, is taken away first.

    Attributes:
        phones: none.
    """

    filters: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """``stats`` are not read: nothing is normalised by them."""
        super().__init__()
        self.config, self.phones, model = config, phones, config.model
        assert isinstance(model, SpeakerEncoderConfig)
        self.register_buffer("filters", band_filters(config), persistent=False)
        # Every second frame is left out: vowels last longer.
        self.first = _layer(nn.Conv1d(model.mels, model.hidden, 5, stride=2, padding=2))
        self.blocks = nn.ModuleList(
            _layer(nn.Conv1d(model.hidden, model.hidden, 3, dilation=n, padding=n)) for n in range(1, model.layers + 1)
        )
        self.last = _layer(nn.Conv1d(model.hidden, POOLED, 1))
        self.attention = nn.Sequential(nn.Conv1d(POOLED, ATTENTION, 1), nn.Tanh(), nn.Conv1d(ATTENTION, POOLED, 1))
        self.to_vector = nn.Sequential(nn.BatchNorm1d(2 * POOLED), nn.Linear(2 * POOLED, model.values))
        self.sharpness = nn.Parameter(torch.tensor(FIRST_SHARPNESS))  # of the loss: what cosines are multiplied by

    @property
    def window_frames(self) -> int:
        model = self.config.model
        assert isinstance(model, SpeakerEncoderConfig)
        return to_frames(model.window_s, self.config.stft)

    def forward(self, bands: Tensor) -> Tensor:
        """The vectors of windows.

        Args:
            bands: as of :func:`to_bands` and :func:`without_mean`, shape (batch, n_frames, n_mels); no padding.

        Returns:
            Shape (batch, n_values), each of length 1.
        """
        hidden = self.first(bands.transpose(1, 2))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        hidden = self.last(hidden)
        weight = self.attention(hidden).softmax(dim=-1)
        mean = (weight * hidden).sum(dim=-1)
        deviation = ((weight * hidden.square()).sum(dim=-1) - mean.square()).clamp_min(1e-5).sqrt()
        return normalize(self.to_vector(torch.cat([mean, deviation], dim=-1)), dim=-1)

    @torch.inference_mode()
    def embed(self, log_spectrum: Tensor, use: Tensor | None = None) -> Tensor:
        """The vector of one recording: the mean over windows that overlap by half, of length 1.

        Args:
            log_spectrum: natural log magnitude, shape (n_frames, n_bins).
            use: bool, shape (n_frames,): the frames that are speech and reliable, which are joined; None for all.

        Returns:
            Shape (n_values,).

        Raises:
            DataError: no frame is used.
        """
        used = (log_spectrum if use is None else log_spectrum[use]).to(self.filters.device)
        if not len(used):
            raise DataError("a voice without any speech: there is no frame to use")
        bands = without_mean(to_bands(used, self.filters, self.config.stft))
        length = self.window_frames
        # The last window ends at the end.
        starts = [*range(0, max(len(bands) - length, 0), max(1, length // 2)), max(len(bands) - length, 0)]
        windows = torch.stack([bands[start : start + length] for start in starts])
        return normalize(torch.cat([self(some) for some in windows.split(64)]).mean(dim=0), dim=0)


def band_filters(config: Config) -> Tensor:
    """What :func:`to_bands` takes, float32, shape (n_bins, n_mels)."""
    assert isinstance(config.model, SpeakerEncoderConfig)
    return torch.from_numpy(mel_filters(config.model.mels, config.stft)).float().T.contiguous()


def to_bands(log_spectrum: Tensor, filters: Tensor, stft: StftConfig) -> Tensor:
    """Natural log magnitude of each bin, shape (..., n_bins) -> of each mel band, (..., n_mels)."""
    return log_mel(log_spectrum, filters, stft) / 2


def without_mean(bands: Tensor) -> Tensor:
    """Bands of the speech of one recording, shape (n_frames, n_mels), without the mean of each: so neither level nor a
    fixed filter matters.
    """
    return bands - bands.mean(dim=0)


def _layer(convolution: nn.Conv1d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.ReLU(), nn.BatchNorm1d(convolution.out_channels))
