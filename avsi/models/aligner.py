"""The BLSTM that says which phone is spoken in each frame: by the sound where it is reliable, by the face elsewhere."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from ..config import Config
from ..data.stats import Stats
from ..timebase import to_frames
from .durations import DurationModel
from .masked_blstm import MaskedBLSTM

LONGEST_S = 1.0  # of a phone
# Neighbouring frames say much the same, and not each something of its own, as their sum would have it.
FRAME_WEIGHT = 0.5
SMALLEST_PRIOR = 1e-4  # of a label that training hardly met
# Before any alignment is known: phones of 80 ms, give or take a factor of 1.6.
FIRST_LENGTH_S, FIRST_SPREAD = 0.08, 0.5


class PhoneAligner(MaskedBLSTM):
    """BLSTM layers and a linear layer for silence and phones, trained frame by frame, and so without CTC's peaks.

    Attributes:
        phones: the inventory; label 0 is silence, label 1 ``phones[0]``.
        prior: how often each label was met in training, a share of the frames, shape (1 + n_phones,).
        length_mean, length_spread: of the natural log of each label's length in frames, shape (1 + n_phones,): its mean
            and its deviation. Those of silence mean nothing.
        durations: what knows better how long the phones last that are not heard; None where there is nothing.
    """

    prior: Tensor
    length_mean: Tensor
    length_spread: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        super().__init__(config, stats, phones)
        self.durations: DurationModel | None = None
        n_labels = 1 + len(phones)
        self.to_phones = nn.Linear(2 * config.model.hidden, n_labels)
        frame_s = config.stft.hop_samples / config.stft.sample_rate
        self.register_buffer("prior", torch.full((n_labels,), 1 / n_labels))
        self.register_buffer("length_mean", torch.full((n_labels,), FIRST_LENGTH_S / frame_s).log())
        self.register_buffer("length_spread", torch.full((n_labels,), FIRST_SPREAD))

    def forward(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Natural log of the probability of silence and each phone in each frame.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual, lost, lengths: as in :meth:`encode`.

        Returns:
            Shape (batch, n_frames, 1 + n_phones).
        """
        normalised, _, _ = self.normalise(log_spectrum, lost, lengths)
        return self.to_phones(self.encode(normalised, visual, lost, lengths)).log_softmax(dim=-1)

    def search_scores(self, log_probs: Tensor, slowness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """What :func:`.best_segments` looks for the best sum of.

        Args:
            log_probs: from :meth:`forward`, shape (..., n_frames, 1 + n_phones).
            slowness: how many times as long as in training the phones are.

        Returns:
            Of each frame, ``ln p(label | frame) - ln p(label)``, the scaled likelihood of hybrid models (Bourlard and
            Morgan, 1994), times ``FRAME_WEIGHT``; of each length of 1, 2, ... frames, its log-normal probability, shape
            (longest, 1 + n_phones). Float64.
        """
        frames = FRAME_WEIGHT * (log_probs - self.prior.clamp_min(SMALLEST_PRIOR).log())
        mean = self.length_mean.cpu().numpy() + math.log(slowness)
        lengths = log_normal(mean, self.length_spread.cpu().numpy(), to_frames(LONGEST_S, self.config.stft))
        return frames.cpu().double().numpy(), lengths


def log_normal(mean: np.ndarray, spread: np.ndarray, longest: int) -> np.ndarray:
    """Natural log of the log-normal density at lengths of 1, 2, ... ``longest`` frames, float64, shape (longest, n).

    Args:
        mean, spread: of the natural log of each length, shape (n,).
    """
    log_length = np.log(np.arange(1, longest + 1))[:, None]
    return -(((log_length - mean) / spread) ** 2) / 2 - np.log(spread) - log_length - math.log(2 * math.pi) / 2
