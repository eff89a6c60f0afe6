"""Known words and a recording -> when each word and each phone is said, also where the sound is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.datadir import Timed
from ..data.phones import SILENCE_LABEL
from ..errors import DataError
from ..models.aligner import PhoneAligner, log_normal
from ..models.durations import DurationModel
from ..models.segment_search import Segment, best_segments

# Slowness is estimated from the phones that are heard; so many count as much as what is known beforehand: 1.
PRIOR_PHONES = 10
FASTEST, SLOWEST = 0.5, 2.0
# Of what the model says of frames that are neither heard nor seen: beside a duration model, it is a guess that counts
# for little.
BLIND_WEIGHT = 0.25


@dataclass(frozen=True)
class Aligned:
    """Words found in the frames of a recording.

    Attributes:
        segments: phones and silences in the order of time, without a hole.
        confidence: of each of them, the mean probability of its label in its frames.
        fit: of each of them, the mean over its frames of how much less probable its label is than the most probable
            one, natural log; 0 at best (Witt and Young, 2000).
        slowness: how many times as long as in training the phones are.
    """

    segments: list[Segment]
    confidence: list[float]
    fit: list[float]
    slowness: float

    @property
    def words(self) -> list[int]:
        """The word of each phone."""
        return [each.word for each in self.segments if each.word >= 0]

    def timed_phones(self, model: PhoneAligner) -> list[Timed]:
        """(start_s, duration_s, phone) of each phone, on the clock of the frames."""
        frame_s = model.config.stft.hop_samples / model.config.stft.sample_rate
        return [
            (each.start * frame_s, (each.stop - each.start) * frame_s, model.phones[each.label - 1])
            for each in self.segments
            if each.word >= 0
        ]


@torch.inference_mode()
def align_frames(
    model: PhoneAligner,
    log_spectrum: Tensor,
    visual: Tensor,
    lost: Tensor,
    words: Sequence[Sequence[Sequence[str]]],
    word_at: Tensor | None = None,
) -> Aligned:
    """Align words with one recording.

    Args:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins); ignored where ``lost``.
        visual: shape (n_frames, n_visual); NaN where no face is seen.
        lost: bool, shape (n_frames,).
        words: of each word its pronunciations, each of one phone or more.
        word_at: the word that is said in each frame, where it is known, as :func:`.best_segments` takes it.

    Raises:
        DataError: phones that the model does not know; words that do not fit into the recording.
    """
    unknown = {phone for variants in words for each in variants for phone in each} - set(model.phones)
    if unknown:
        raise DataError(
            f"the model does not know the phones {', '.join(sorted(unknown))}, but {' '.join(model.phones)}"
        )
    device = model.prior.device
    log_probs = model(*(each[None].to(device) for each in (log_spectrum, visual, lost)))[0]
    labels = [[[1 + model.phones.index(phone) for phone in each] for each in variants] for variants in words]
    known = None if word_at is None else word_at.cpu().numpy()
    slowness, segments = 1.0, list[Segment]()
    for _ in range(2):
        segments = best_segments(*model.search_scores(log_probs, slowness), labels, known)
        if not segments:
            shortest = sum(min(map(len, variants)) for variants in labels)
            raise DataError(
                f"the {len(labels)} words of the transcript, {shortest} phones, do not fit into the recording's "
                f"{len(lost) * model.config.stft.hop_samples / model.config.stft.sample_rate:.2f} s"
            )
        slowness = _slowness(model, segments, lost)
    if model.durations is not None and lost.any():
        segments = _retimed(model, model.durations, log_probs, segments, lost, visual.isnan().all(dim=1), known)
    best = log_probs.max(dim=1).values
    own = [log_probs[each.start : each.stop, each.label] for each in segments]
    fit = [float((o - best[s.start : s.stop]).mean()) for o, s in zip(own, segments, strict=True)]
    return Aligned(segments, [float(each.exp().mean()) for each in own], fit, slowness)


def _retimed(
    model: PhoneAligner,
    durations: DurationModel,
    log_probs: Tensor,
    segments: list[Segment],
    lost: Tensor,
    unseen: Tensor,
    word_at: np.ndarray | None,
) -> list[Segment]:
    """The best segments in the pronunciations found, where the phones that are lost last as long as a duration model
    says.

    Args:
        unseen: the frames without a face, bool, shape (n_frames,).
    """
    is_lost = [bool(lost[each.start : each.stop].any()) for each in segments]
    told = [n for n, each in enumerate(segments) if each.label != SILENCE_LABEL or not is_lost[n]]
    known = [math.nan if is_lost[n] else segments[n].stop - segments[n].start for n in told]
    mean, spread = durations.predict([segments[n].label for n in told], known)
    phones = [place for place, n in enumerate(told) if segments[n].label != SILENCE_LABEL]
    words: dict[int, list[int]] = {}
    for each in segments:
        if each.label != SILENCE_LABEL:
            words.setdefault(each.word, []).append(each.label)
    frames, lengths = model.search_scores(log_probs)
    frames[(lost & unseen).cpu().numpy()] *= BLIND_WEIGHT
    own = log_normal(mean[phones], spread[phones], len(lengths))
    return best_segments(frames, lengths, [[labels] for labels in words.values()], word_at, own) or segments


def fit_of_words(aligned: Aligned, evidence: Tensor) -> dict[int, float]:
    """How well each word fits what is heard or seen of it: the mean ``fit`` of its phones, each weighing by its length.

    Args:
        evidence: the frames in which the sound is there or the face is seen, bool, shape (n_frames,). Phones that lie
            in others do not count, and words of which none is left are not in the result.
    """
    fits: dict[int, list[tuple[float, int]]] = {}
    for each, fit in zip(aligned.segments, aligned.fit, strict=True):
        if each.word >= 0 and evidence[each.start : each.stop].all():
            fits.setdefault(each.word, []).append((fit, each.stop - each.start))
    return {word: sum(fit * n for fit, n in of) / sum(n for _, n in of) for word, of in fits.items()}


def _slowness(model: PhoneAligner, segments: list[Segment], lost: Tensor) -> float:
    """From the phones outside gaps, which last longer or shorter than those of training."""
    heard = [s for s in segments if s.label != SILENCE_LABEL and not lost[s.start : s.stop].any()]
    return slowness(model, [(s.label, s.stop - s.start) for s in heard])


def slowness(model: PhoneAligner, phones: Sequence[tuple[int, float]]) -> float:
    """How many times as long as in training phones are: (label, length in frames) of each."""
    errors = [math.log(n_frames) - float(model.length_mean[label]) for label, n_frames in phones]
    return float(np.clip(math.exp(sum(errors) / (len(errors) + PRIOR_PHONES)), FASTEST, SLOWEST))
