"""The loss on the lost bins alone (what is reliable is kept, so its prediction does not count), and that on phones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..data.phones import BLANK


def masked_loss(predicted: Tensor, target: Tensor, lost: Tensor, kind: str) -> Tensor:
    """Mean error over the bins of the lost frames of a batch.

    Args:
        predicted, target: normalised log spectra, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames), with at least one lost frame.
        kind: "l1", mean absolute error (the released code), or "mse", mean squared error (equation 2 of the paper).

    Raises:
        ValueError: no frame is lost, or another kind.
    """
    if kind not in ("l1", "mse"):
        raise ValueError(f"loss '{kind}': expected 'l1' or 'mse'")
    if not lost.any():
        raise ValueError("no frame is lost: there is nothing to measure")
    error = predicted[lost] - target[lost]
    return error.abs().mean() if kind == "l1" else error.square().mean()


def ctc_loss(scores: Tensor, lengths: Tensor, labels: Tensor, label_lengths: Tensor) -> Tensor:
    """Connectionist temporal classification (Graves et al., 2006): ``-ln p(labels | frames)``, summed over each
    utterance as it stands (not divided by frames or labels), and averaged over the utterances of the batch.

    It is worked out in float32 whatever the training's precision, for it sums over hundreds of frames.

    Args:
        scores: before the softmax, shape (batch, n_frames, 1 + n_phones).
        lengths, label_lengths: int64, shape (batch,); labels must fit into the frames.
        labels: int64, shape (batch, n_labels).
    """
    with torch.autocast(scores.device.type, enabled=False):
        log_probs = scores.float().log_softmax(dim=-1).transpose(0, 1)
        each = functional.ctc_loss(log_probs, labels, lengths, label_lengths, BLANK, reduction="none")
        return each.mean()
