"""Losses on the lost bins alone: what is reliable is kept, so its prediction does not count."""

from __future__ import annotations

from torch import Tensor


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
