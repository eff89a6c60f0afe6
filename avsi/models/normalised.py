"""What networks of damaged speech share: they hold the statistics of the training set, and normalise by them."""

import math

import torch
from torch import Tensor, nn

from ..audio.activity import level_below_speech
from ..config import Config
from ..data.stats import Stats
from ..timebase import to_frames
from ..video.motion import n_features


class NormalisedModel(nn.Module):
    """A network that normalises its inputs by the statistics of its training set, which are saved with its weights.

    Attributes:
        phones: the inventory of a model that knows phones, else empty; label 0 is none of them, label 1 ``phones[0]``.
    """

    audio_mean: Tensor
    audio_std: Tensor
    visual_mean: Tensor
    visual_std: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__()
        self.config, self.phones = config, phones
        n_visual = n_features(config.visual) if config.model.video else 0
        for name, size in (("audio", config.stft.n_bins), ("visual", n_visual)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))
        if stats is not None:
            for name, buffer in self.named_buffers():
                if len(buffer):
                    buffer.copy_(torch.from_numpy(getattr(stats, name)))

    def normalise(
        self, log_spectrum: Tensor, lost: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalise natural log magnitudes by a mean and a standard deviation per bin.

        With ``model.normalise: corpus`` both are those of the training set. With ``utterance`` the mean is that of the
        recording's reliable frames, which removes its level and any fixed filter, and the deviation is the geometric
        mean of theirs and the training set's. With too few reliable frames both are the training set's, shifted to the
        recording's level.

        Longer and quieter pauses than in the training set would lower the mean and be unlike all training data. So
        levels far below that of speech are raised to a lowest one, and digital silence and pauses beyond some seconds
        do not count towards the mean. The limits are the config's section ``normalise``; with the defaults hardly
        anything in GRID's clips is affected.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            lost: bool, shape (batch, n_frames).
            lengths: number of frames of each utterance; None if there is no padding.

        Returns:
            The normalised spectrum, shape (batch, n_frames, n_bins), and mean and deviation, each of shape
            (batch, 1, n_bins), or (n_bins,) with ``model.normalise: corpus``.
        """
        if self.config.model.normalise == "corpus":
            return (log_spectrum - self.audio_mean) / self.audio_std, self.audio_mean, self.audio_std
        reliable = ~lost
        if lengths is not None:
            reliable = reliable & (torch.arange(lost.shape[1], device=lost.device) < lengths[:, None])
        stft, limits = self.config.stft, self.config.normalise
        floor = math.log(stft.log_floor)
        level = log_spectrum.mean(dim=-1)
        depth = level_below_speech(level, reliable, stft, limits, floor)
        raised = log_spectrum + (depth - limits.deepest_nats).clamp_min(0)[..., None]
        reliable = reliable & (log_spectrum > floor + limits.silence_nats).any(dim=-1)
        count = reliable.sum(dim=1)[:, None, None]
        pause = reliable & (depth > limits.pause_nats)
        pause_weight = (to_frames(limits.max_pauses_s, stft) / pause.sum(dim=1, keepdim=True)).clamp_max(1)
        weight = torch.where(pause, pause_weight, reliable.to(level.dtype))[..., None]
        weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1)
        mean = (raised * weight).sum(dim=1, keepdim=True)
        variance = ((raised - mean).square() * weight).sum(dim=1, keepdim=True)
        enough = count * stft.hop_samples >= limits.min_reliable_s * stft.sample_rate
        std = (variance.sqrt().clamp_min(limits.min_deviation * self.audio_std) * self.audio_std).sqrt()
        level_shift = (mean - self.audio_mean).mean(dim=-1, keepdim=True).masked_fill(count == 0, 0)
        mean, std = torch.where(enough, mean, self.audio_mean + level_shift), torch.where(enough, std, self.audio_std)
        return (raised - mean) / std, mean, std
