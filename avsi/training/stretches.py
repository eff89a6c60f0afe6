"""Reliable sound of recordings that a model is adapted to: pieces to learn from and to judge by, and gaps in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..audio.activity import is_speech
from ..config import AdaptConfig, Config
from ..data.features import Features
from ..data.gap_sampling import draw_in_speech, draw_random
from ..data.gaps import Gap, gap_spans, lost_frames
from ..rng import generator
from ..timebase import to_frames, to_seconds
from ..video.motion import n_features, visual_features
from ..video.tracks import Tracks

# What is learned from at once, as long as what a gap is restored from.
SHORTEST_S, LONGEST_S = 3.0, 6.0
# Reliable sound shorter than this is not learned from: artificial gaps need sound around them.
MIN_STRETCH_S = 1.0
GAP_VARIES = 0.3  # artificial gaps are longer or shorter than those to be restored by at most this share
MOST_LOST = 0.5  # the share of a piece that its artificial gaps take at most
MOST_GAPS = 4  # in one piece
SHORTEST_GAP_S = 0.02  # also between two
IN_SPEECH = 0.5  # the share of what the artificial gaps take that is speech, where that can be drawn


@dataclass(frozen=True)
class Stretch:
    """Reliable sound of one recording, without interruption, and the face meanwhile.

    Attributes:
        samples: at the model's rate, float32, shape (n_frames * hop_samples,).
        log_spectrum: natural log magnitude, shape (n_frames, n_bins); no frame's window touches a gap.
        tracks: the face, its clock starting with the first frame; None where it is not known.
    """

    samples: Tensor
    log_spectrum: Tensor
    tracks: Tracks | None


def split(stretches: Sequence[Stretch], settings: AdaptConfig, config: Config) -> tuple[list[Stretch], list[Stretch]]:
    """(what is learned from, what is held out), of pieces of some seconds, at least one each."""
    longest = to_frames((SHORTEST_S + LONGEST_S) / 2, config.stft)
    pieces = []  # stretch, first frame, frame after the last
    for index, stretch in enumerate(stretches):
        count = max(1 + (len(stretches) == 1), round(len(stretch.log_spectrum) / longest))
        edges = np.linspace(0, len(stretch.log_spectrum), count + 1)
        pieces += [(index, a, b) for a, b in zip(edges[:-1].astype(int), edges[1:].astype(int), strict=True)]
    total = sum(len(stretch.log_spectrum) for stretch in stretches)
    chosen: set[int] = set()
    frames = 0
    for number in generator(settings.seed, "held-out").permutation(len(pieces)).tolist():
        if chosen and (frames >= settings.held_out * total or len(chosen) == len(pieces) - 1):
            break
        chosen.add(number)
        frames += pieces[number][2] - pieces[number][1]
    training: list[list[int]] = []
    # Frames that lie side by side share samples: one is left out between what is learned from and what is held out.
    for number, (index, first, last) in enumerate(pieces):
        if number in chosen:
            continue
        if training and training[-1][0] == index and training[-1][2] == first:
            training[-1][2] = last
        else:
            training.append([index, first, last])
    held_out = [(index, first + 1, last - 1) for index, first, last in (pieces[n] for n in sorted(chosen))]

    def cut(parts: Iterable[Sequence[int]]) -> list[Stretch]:
        return [part_of(stretches[index], first, last, config) for index, first, last in parts]

    return cut(training), cut(held_out)


def part_of(stretch: Stretch, first: int, last: int, config: Config) -> Stretch:
    """The frames ``[first, last)`` of a stretch."""
    hop = config.stft.hop_samples
    frame_s = hop / config.stft.sample_rate
    tracks = stretch.tracks and stretch.tracks.excerpt(first * frame_s, last * frame_s)
    return Stretch(stretch.samples[first * hop : last * hop], stretch.log_spectrum[first:last], tracks)


def features_of(stretch: Stretch, config: Config) -> Features:
    """What a model gets of a stretch; without a face its visual features are NaN."""
    n_frames = len(stretch.log_spectrum)
    if not config.model.video:
        visual = np.zeros((n_frames, 0), np.float32)
    elif stretch.tracks is None or not stretch.tracks.found.any():
        visual = np.full((n_frames, n_features(config.visual)), np.nan, np.float32)
    else:
        visual, _ = visual_features(stretch.tracks, n_frames, config.stft, config.visual)
    return Features(stretch.log_spectrum, torch.from_numpy(visual))


def draw_gaps(
    log_spectrum: Tensor, gaps_s: Sequence[float], config: Config, rng: np.random.Generator
) -> tuple[list[tuple[int, int]], Tensor]:
    """Artificial gaps in a piece, mostly of speech: (their samples ``[start, stop)``, which frames they take, bool of
    shape (n_frames,)).

    Args:
        gaps_s: the lengths that the gaps resemble; where there are none, those of the model's training.
    """
    stft, n_frames = config.stft, len(log_spectrum)
    n_samples = n_frames * stft.hop_samples
    duration_s = to_seconds(n_samples, stft.sample_rate)
    most_ms = min(config.gaps.total_max_ms, MOST_LOST * duration_s * 1000)
    mean_ms = min(config.gaps.total_mean_ms, most_ms)
    shortest_ms = min(config.gaps.min_ms, most_ms)
    most_gaps = min(config.gaps.max_count, int(most_ms // shortest_ms))
    gaps = replace(
        config.gaps,
        region_ms=duration_s * 1000,
        total_max_ms=most_ms,
        total_mean_ms=mean_ms,
        min_ms=shortest_ms,
        max_count=most_gaps,
        min_count=min(config.gaps.min_count, most_gaps),
    )

    def draw() -> list[Gap]:
        if gaps_s:
            return _gaps_like(gaps_s, duration_s, rng)
        return draw_random(duration_s, gaps, stft.sample_rate, rng)

    said = is_speech(log_spectrum, stft, config.normalise).numpy()
    drawn = draw_in_speech(draw, said, replace(gaps, in_speech=IN_SPEECH), stft)
    spans = gap_spans(drawn, n_samples, stft.sample_rate)
    return spans, torch.from_numpy(lost_frames(spans, n_frames, stft))


def _gaps_like(gaps_s: Sequence[float], duration_s: float, rng: np.random.Generator) -> list[Gap]:
    """Gaps about as long as some of those given, at random places of a piece; as many as fit."""
    room_s = MOST_LOST * duration_s
    lengths_s: list[float] = []
    while len(lengths_s) < MOST_GAPS:
        length_s = float(rng.choice(gaps_s)) * rng.uniform(1 - GAP_VARIES, 1 + GAP_VARIES)
        if lengths_s and sum(lengths_s) + length_s > room_s:
            break
        lengths_s.append(min(max(length_s, SHORTEST_GAP_S), room_s))
    spare_s = duration_s - sum(lengths_s) - SHORTEST_GAP_S * len(lengths_s)
    places_s = np.sort(rng.uniform(0, max(spare_s, 0), len(lengths_s)))
    before_s = np.cumsum([0, *lengths_s[:-1]]) + SHORTEST_GAP_S * np.arange(len(lengths_s))
    starts_s = (places_s + before_s).tolist()
    return [Gap(start_s, start_s + length_s) for start_s, length_s in zip(starts_s, lengths_s, strict=True)]
