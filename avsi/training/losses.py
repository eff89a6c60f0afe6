"""The loss on the lost bins alone (what is reliable is kept, so its prediction does not count), and that on phones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..audio.stft import magnitude
from ..config import StftConfig
from ..data.phones import BLANK

# Of the measure by Taal et al. (2011): 15 third-octave bands from 150 Hz on, stretches of 384 ms, what lies 40 dB below
# the loudest is left out, and errors count up to a signal-to-distortion ratio of -15 dB.
BANDS, LOWEST_HZ, STRETCH_S, RANGE_DB, CLIP_DB = 15, 150.0, 0.384, 40.0, -15.0
HIGHEST = 40.0  # of log magnitudes, 15 orders above full scale: squares of more are no float32


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


def stoi_loss(restored: Tensor, clean: Tensor, lost: Tensor, lengths: Tensor, stft: StftConfig) -> Tensor:
    """1 minus the mean correlation of band envelopes over the stretches that hold a lost frame.

    It is the short-time objective intelligibility of Taal et al. (2011), but on this package's frames and without a way
    through the waveform, so that it can be minimised (as by Kolbaek et al., 2020).

    Args:
        restored, clean: natural log magnitude, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames).
        lengths: int64, shape (batch,): the frames of each utterance; what follows is padding.

    Returns:
        Shape (); 0 where no stretch holds a lost frame and speech.
    """
    length = round(STRETCH_S * stft.sample_rate / stft.hop_samples)
    if lost.shape[1] < length:
        return restored.new_zeros(())
    with torch.autocast(restored.device.type, enabled=False):
        bands = third_octaves(stft).to(restored.device)
        # Bands, then stretches of frames: shape (batch, n_stretches, n_bands, length).
        x, y = (
            (magnitude(log, stft).square() @ bands + stft.log_floor**2).sqrt().unfold(1, length, 1)
            for log in (clean.float().clamp_max(HIGHEST), restored.float().clamp_max(HIGHEST))
        )
        ends = torch.arange(length, lost.shape[1] + 1, device=lost.device)
        power = x.square().sum(dim=(2, 3)).masked_fill(ends > lengths[:, None], 0)
        loud = power > power.amax(dim=1, keepdim=True) * 10 ** (-RANGE_DB / 10)
        chosen = loud & lost.unfold(1, length, 1).any(dim=2)
        if not chosen.any():
            return restored.new_zeros(())
        x, y = x[chosen], y[chosen]
        y = y * x.norm(dim=-1, keepdim=True) / y.norm(dim=-1, keepdim=True)
        y = torch.minimum(y, x * (1 + 10 ** (-CLIP_DB / 20)))
        return 1 - functional.cosine_similarity(x - x.mean(-1, True), y - y.mean(-1, True), dim=-1).mean()


def third_octaves(stft: StftConfig) -> Tensor:
    """Which bins each third-octave band adds up, shape (n_bins, 15), float32."""
    frequencies = torch.arange(stft.n_bins) * stft.sample_rate / stft.n_fft
    centres = LOWEST_HZ * 2 ** (torch.arange(BANDS) / 3)
    low, high = centres * 2 ** (-1 / 6), centres * 2 ** (1 / 6)
    return ((frequencies[:, None] >= low) & (frequencies[:, None] < high)).float()
