"""What a duration model learns from: the phones of a batch, and how long those last that are not lost."""

import math

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..data.phones import SILENCE_LABEL
from ..models.durations import DurationModel
from .dataset import Batch

ALL_LOST = 0.1  # the share of the utterances of which no length is known


def duration_loss(model: DurationModel, batch: Batch) -> tuple[Tensor, int]:
    """The mean negative log likelihood of the lengths of the lost phones, in natural log of frames; and how many there
    are.
    """
    assert batch.said is not None
    rows = [
        _segments(said[:length], lost[:length] if not model.training or torch.rand(()) >= ALL_LOST else None)
        for said, lost, length in zip(batch.said, batch.lost, batch.lengths.tolist(), strict=True)
    ]
    labels, lengths, is_lost = (pad_sequence(list(column), batch_first=True) for column in zip(*rows, strict=True))
    counts = torch.tensor([len(row[0]) for row in rows], device=labels.device)
    mean, spread = model(labels, lengths.masked_fill(is_lost, math.nan), counts)
    errors = (lengths[is_lost].log() - mean[is_lost]) / spread[is_lost]
    each = errors.square() / 2 + spread[is_lost].log() + math.log(2 * math.pi) / 2
    return each.sum() / max(len(each), 1), len(each)


def _segments(said: Tensor, lost: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """(label, length in frames, whether it is lost) of each phone and of each pause that is not lost.

    Args:
        said: as of :func:`avsi.data.said.phones_at`, shape (n_frames, 3).
        lost: bool, shape (n_frames,); None for all.
    """
    numbers, inverse, counts = said[:, 2].unique(return_inverse=True, return_counts=True)
    first = torch.searchsorted(said[:, 2].contiguous(), numbers)
    labels = said[first, 0].long()
    touched = (
        torch.zeros(len(numbers), device=said.device).index_add_(0, inverse, lost.float())
        if lost is not None
        else counts
    )
    is_lost = touched > 0
    stays = (labels != SILENCE_LABEL) | ~is_lost
    return labels[stays], counts[stays].float(), is_lost[stays]
