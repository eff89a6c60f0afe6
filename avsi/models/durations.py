"""The duration model: how long phones last, by those beside them and by how long the speaker's other phones last."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..config import Config
from ..data.stats import Stats
from .blstm import make_blstm, run_blstm

USUAL_S = 0.08  # what lengths are measured by
SMALLEST_SPREAD, LARGEST_SPREAD = 0.15, 2.0  # of a length's natural log
N_FURTHER = 2  # inputs beside the label: the length, and whether it is known


class DurationModel(nn.Module):
    """BLSTM layers over the phones and pauses of an utterance, some of whose lengths are known; a linear layer gives
    the log-normal distribution of each phone's length.

    Attributes:
        phones: the inventory; label 0 is a pause, label 1 ``phones[0]``.
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """``stats`` are not read: nothing is normalised by them."""
        super().__init__()
        self.config, self.phones = config, phones
        self.usual = math.log(USUAL_S * config.stft.sample_rate / config.stft.hop_samples)
        self.blstm = make_blstm(1 + len(phones) + N_FURTHER, config.model)
        self.to_lengths = nn.Linear(2 * config.model.hidden, 2)

    def forward(self, labels: Tensor, known: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the natural log of each phone's length in frames.

        Args:
            labels: int64, shape (batch, n): phones, and the pauses whose lengths are known.
            known: the lengths in frames, float, shape (batch, n); NaN where a length is not known.
            lengths: number of labels of each utterance; None if there is no padding.

        Returns:
            Two tensors of shape (batch, n); those of pauses mean nothing.
        """
        is_known = ~known.isnan()
        log_length = torch.where(is_known, known.clamp_min(1).log() - self.usual, 0)
        inputs = [one_hot(labels, 1 + len(self.phones)).to(known.dtype), log_length[..., None], is_known[..., None]]
        mean, spread = self.to_lengths(run_blstm(self.blstm, torch.cat(inputs, dim=-1), lengths)).unbind(dim=-1)
        return mean + self.usual, spread.exp().clamp(SMALLEST_SPREAD, LARGEST_SPREAD)

    @torch.inference_mode()
    def predict(self, labels: Sequence[int], known: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`forward`, of one utterance; shapes (n,)."""
        device = self.to_lengths.weight.device
        inputs = torch.tensor([labels], device=device), torch.tensor([known], dtype=torch.float32, device=device)
        mean, spread = self(*inputs)
        return mean[0].cpu().numpy(), spread[0].cpu().numpy()
