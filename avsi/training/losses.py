"""Loss functions: on the lost bins, on phones, on intelligibility, and on fine structure."""

import torch
from torch import Tensor
from torch.nn import functional

from ..audio.stft import magnitude
from ..config import StftConfig
from ..data.phones import BLANK

# STOI (Taal et al., 2011): 15 third-octave bands from 150 Hz on, segments of 384 ms; segments 40 dB below the loudest
# are left out, and the signal-to-distortion ratio is clipped at -15 dB.
BANDS, LOWEST_HZ, SEGMENT_S, RANGE_DB, CLIP_DB = 15, 150.0, 0.384, 40.0, -15.0
FINE_HZ = 1000.0  # what differs from the mean over so many hertz is fine structure
HIGHEST = 40.0  # of log magnitudes, far above full scale; the squares of higher magnitudes overflow float32


def masked_loss(predicted: Tensor, target: Tensor, lost: Tensor, kind: str) -> Tensor:
    """Mean error over the bins of the lost frames of a batch; the reliable frames are not restored from predictions.

    Args:
        predicted, target: normalised log spectra, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames), with at least one lost frame; or (batch, n_frames, n_bins), where bins are.
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
    """Connectionist temporal classification (Graves et al., 2006): ``-ln p(labels | frames)``, summed over the
    frames of each utterance (not divided by their number), and averaged over the utterances of the batch.

    It is computed in float32 whatever the precision of training, since it sums over hundreds of frames.

    Args:
        scores: before the softmax, shape (batch, n_frames, 1 + n_phones).
        lengths, label_lengths: int64, shape (batch,); labels must fit into the frames.
        labels: int64, shape (batch, n_labels).
    """
    with torch.autocast(scores.device.type, enabled=False):
        log_probs = scores.float().log_softmax(dim=-1).transpose(0, 1)
        each = functional.ctc_loss(log_probs, labels, lengths, label_lengths, BLANK, reduction="none")
        return each.mean()


def stoi_losses(restored: Tensor, clean: Tensor, lost: Tensor, lengths: Tensor, stft: StftConfig) -> Tensor:
    """1 minus the mean correlation of band envelopes, of each segment that holds a lost frame and speech.

    It is the STOI of Taal et al. (2011), but computed from this package's STFT frames and not from the waveform, as a
    differentiable loss (like Kolbaek et al., 2020).

    Args:
        restored, clean: natural log magnitude, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames).
        lengths: int64, shape (batch,): the number of frames of each utterance; the rest is padding.

    Returns:
        Shape (n_segments,), which may be none.
    """
    length = round(SEGMENT_S * stft.sample_rate / stft.hop_samples)
    if lost.shape[1] < length:
        return restored.new_zeros(0)
    with torch.autocast(restored.device.type, enabled=False):
        bands = third_octaves(stft).to(restored.device)
        # Shape (batch, n_segments, n_bands, length).
        x, y = (
            (magnitude(log, stft).square() @ bands + stft.log_floor**2).sqrt().unfold(1, length, 1)
            for log in (clean.float().clamp_max(HIGHEST), restored.float().clamp_max(HIGHEST))
        )
        ends = torch.arange(length, lost.shape[1] + 1, device=lost.device)
        power = x.square().sum(dim=(2, 3)).masked_fill(ends > lengths[:, None], 0)
        loud = power > power.amax(dim=1, keepdim=True) * 10 ** (-RANGE_DB / 10)
        chosen = loud & lost.unfold(1, length, 1).any(dim=2)
        x, y = x[chosen], y[chosen]
        y = y * x.norm(dim=-1, keepdim=True) / y.norm(dim=-1, keepdim=True)
        y = torch.minimum(y, x * (1 + 10 ** (-CLIP_DB / 20)))
        return 1 - functional.cosine_similarity(x - x.mean(-1, True), y - y.mean(-1, True), dim=-1).mean(dim=1)


def texture_loss(one: Tensor, other: Tensor, true: Tensor, lost: Tensor, stft: StftConfig) -> Tensor:
    """The energy distance of two drawn spectra from the true one (Gritsenko et al., 2020), by their fine structure:
    how far each is from the truth, less half of how far they are from each other. It is lowest where what is drawn is
    distributed as what is true; without the last term it would be lowest without any noise.

    Args:
        one, other, true: log magnitudes of one scale, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames), with at least one lost frame.

    Returns:
        Root mean square over the bins, averaged over the lost frames. Shape ().
    """
    first, second, target = (fine_structure(each[lost], stft) for each in (one, other, true))
    pairs = ((target, first, 0.5), (target, second, 0.5), (first, second, -0.5))
    distances = [weight * (left - right).norm(dim=-1).mean() for left, right, weight in pairs]
    return torch.stack(distances).sum() / true.shape[-1] ** 0.5


def fine_structure(frames: Tensor, stft: StftConfig) -> Tensor:
    """By how much each bin differs from the mean over the bins around it, shape (n, n_bins) as ``frames``."""
    reach = round(FINE_HZ / 2 * stft.n_fft / stft.sample_rate)
    around = functional.pad(frames[:, None], (reach, reach), mode="replicate")
    return frames - functional.avg_pool1d(around, 2 * reach + 1, stride=1)[:, 0]


def third_octaves(stft: StftConfig) -> Tensor:
    """The bins of each third-octave band as a matrix of 0 and 1, shape (n_bins, 15), float32."""
    frequencies = torch.arange(stft.n_bins) * stft.sample_rate / stft.n_fft
    centres = LOWEST_HZ * 2 ** (torch.arange(BANDS) / 3)
    low, high = centres * 2 ** (-1 / 6), centres * 2 ** (1 / 6)
    return ((frequencies[:, None] >= low) & (frequencies[:, None] < high)).float()
