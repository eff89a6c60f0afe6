"""What an aligner learns from: a phone for each frame of a batch whose words are known, and some of their times."""

from itertools import pairwise

import torch
from torch import Tensor

from ..audio.activity import level_below_speech
from ..data.phones import SILENCE_LABEL
from ..models.aligner import PhoneAligner
from ..models.segment_search import best_segments
from .dataset import Batch

MEMORY = 0.998  # of the running means of how often and how long labels are
SHORTEST_SPREAD = 0.2  # of a length's natural log


def spread_evenly(model: PhoneAligner, batch: Batch) -> Tensor:
    """The phones of each word spread evenly over its time; where that is not known, those of all words over the frames
    that are no pause.

    Returns:
        int64, shape (batch, n_frames): places in ``batch.labels``; -1 in the padding.
    """
    assert batch.word_at is not None
    config = model.config
    inside = torch.arange(batch.lost.shape[1], device=batch.lost.device) < batch.lengths[:, None]
    level = batch.log_spectrum.mean(dim=-1)
    depth = level_below_speech(level, inside, config.stft, config.normalise, level.min().item())
    speech = inside & (depth <= config.normalise.pause_nats)
    word_of = word_of_labels(batch.labels)
    places = torch.full_like(batch.word_at, -1)
    for row, (at, labels, n_labels) in enumerate(zip(batch.word_at, batch.labels, batch.label_lengths, strict=True)):
        spoken = labels[:n_labels] != SILENCE_LABEL
        places[row, inside[row]] = 0
        stretches = [(speech[row], spoken)]
        if at[0] >= 0:
            numbers = word_of[row, :n_labels]
            stretches = [(at == word, spoken & (numbers == word)) for word in numbers[spoken].unique()]
        for frames, phones in stretches:
            chosen = phones.nonzero()[:, 0]
            count = int(frames.sum())
            places[row, frames] = chosen[torch.arange(count, device=chosen.device) * len(chosen) // max(count, 1)]
    return places


@torch.no_grad()
def align(model: PhoneAligner, batch: Batch) -> Tensor:
    """The best path of each utterance's phones by a model that hears all of the sound, within the times of words where
    they are known. Returns as :func:`spread_evenly`; -1 also where the phones do not fit.
    """
    assert batch.word_at is not None
    log_probs = model(batch.log_spectrum, batch.visual, torch.zeros_like(batch.lost), batch.lengths)
    scores, lengths = model.search_scores(log_probs)
    places = torch.full_like(batch.word_at, -1)
    for row, n_frames in enumerate(batch.lengths.tolist()):
        labels = batch.labels[row, : batch.label_lengths[row]]
        words = [[each.tolist()] for each in words_in(labels)]
        word_at = batch.word_at[row, :n_frames].cpu().numpy()
        segments = best_segments(scores[row, :n_frames], lengths, words, word_at)
        place = 0
        for segment in segments:
            while labels[place] != segment.label:  # over a silence that is not there
                place += 1
            places[row, segment.start : segment.stop] = place
            place += 1
    return places


def words_in(labels: Tensor) -> list[Tensor]:
    """The labels of each word of :func:`.with_silences`."""
    ends = (labels == SILENCE_LABEL).nonzero()[:, 0]
    return [labels[start + 1 : stop] for start, stop in pairwise(ends.tolist())]


def word_of_labels(labels: Tensor) -> Tensor:
    """The word that each label of :func:`.with_silences` belongs to, counted from 1; 0 for silences."""
    silent = labels == SILENCE_LABEL
    return silent.cumsum(dim=1).masked_fill(silent, 0)


@torch.no_grad()
def follow(model: PhoneAligner, batch: Batch, places: Tensor) -> None:
    """Let the model's running means of how often and how long labels are follow a batch's alignment."""
    known = places >= 0
    labels = batch.labels.gather(1, places.clamp_min(0))
    share = torch.bincount(labels[known], minlength=len(model.prior)) / known.sum().clamp_min(1)
    model.prior.lerp_(share, 1 - MEMORY)
    for row, at in zip(batch.labels, places, strict=True):
        which, count = at[at >= 0].unique(return_counts=True)
        label, length = row[which], count.float().log()
        for each, log_length in zip(label.tolist(), length, strict=True):
            error = log_length - model.length_mean[each]
            model.length_mean[each] += (1 - MEMORY) * error
            square = model.length_spread[each].square()
            model.length_spread[each] = (square + (1 - MEMORY) * (error.square() - square)).sqrt()
    model.length_spread.clamp_min_(SHORTEST_SPREAD)
