"""What is known of the words of an utterance, made as uncertain in training as it is where a transcript is aligned."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..config import AugmentConfig, StftConfig
from ..data.datadir import Utterance
from ..data.phones import SILENCE_LABEL
from ..data.said import unknown_phones

SILENCE_SPREAD = 0.5  # deviation of the natural log of a lost silence's length: what is usual says little of it
MOST = 0.5  # of an utterance


def vary_phones(
    said: Tensor, lost: Tensor, usual: np.ndarray, config: AugmentConfig, stft: StftConfig, rng: np.random.Generator
) -> Tensor:
    """Hide the phones of a share of the utterances, and of another share those that are heard; move the boundaries
    between phones that are lost. Where most of an utterance is lost they take no usual lengths: the words of a whole
    sentence would be told at other times than they were said, and be learned not to count.

    Args:
        said: as of :func:`.phones_at`.
        lost: bool, shape (n_frames,).
        usual: the usual length of each label in frames, shape (n_labels,); that of silence is not read.

    Returns:
        As ``said``.
    """
    hidden, lengths_usual = rng.random() < config.text_hidden, rng.random() < config.text_usual
    lengths_usual = lengths_usual and float(lost.float().mean()) < MOST
    if hidden or said[0, 0] < 0:
        return unknown_phones(len(said))
    label, _, number = said.numpy().T
    places = np.flatnonzero(np.diff(number, prepend=-1))
    labels = label[places].astype(int)
    starts = places.astype(float)
    edges = np.flatnonzero(np.diff(lost.numpy().astype(int), prepend=0, append=0))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        first, last = (int(np.searchsorted(starts, edge, side="right")) - 1 for edge in (start, stop - 1))
        if first == last:
            continue
        inner = slice(first + 1, last + 1)  # the boundaries between phones that both are lost
        if lengths_usual:
            ends = np.append(starts, len(said))
            lengths = np.where(
                labels == SILENCE_LABEL,
                np.diff(ends) * np.exp(SILENCE_SPREAD * rng.standard_normal(len(labels))),
                usual[labels],
            )
            lengths[first] = max(lengths[first] - (start - starts[first]), 1)
            lengths[last] = max(lengths[last] - (ends[last + 1] - stop), 1)
            sums = np.cumsum(lengths[first : last + 1])
            starts[inner] = start + sums[:-1] / sums[-1] * (stop - start)
        else:
            jitter = config.text_jitter_ms / 1000 * stft.sample_rate / stft.hop_samples
            moved = starts[inner] + jitter * rng.standard_normal(last - first)
            starts[inner] = np.maximum.accumulate(moved.clip(start, stop))
    frames = np.arange(len(said)) + 0.5
    segment = (np.searchsorted(starts, frames, side="right") - 1).clip(0)
    ends = np.append(starts[1:], len(said))
    passed = (frames - starts[segment]) / np.maximum(ends - starts, 1e-6)[segment]
    varied = torch.from_numpy(np.stack([labels[segment], passed.clip(0, 1), segment], axis=1).astype(np.float32))
    lost_alone = rng.random() < config.text_lost_alone  # drawn last: it leaves the other draws as they are without it
    return torch.where(lost[:, None], varied, unknown_phones(len(said))) if lost_alone else varied


def usual_lengths(utterances: Sequence[Utterance], inventory: Sequence[str], stft: StftConfig) -> np.ndarray:
    """The geometric mean of the lengths of each label's phones, in frames, shape (1 + n_phones,); 1 of silence and of a
    phone that does not occur.
    """
    logs: dict[str, list[float]] = {}
    for utterance in utterances:
        for _, length_s, phone in utterance.phones:
            logs.setdefault(phone, []).append(math.log(max(length_s, 1e-3) * stft.sample_rate / stft.hop_samples))
    return np.array([1.0, *(math.exp(np.mean(logs[phone])) if phone in logs else 1.0 for phone in inventory)])
