"""Adaptation of a trained model to one speaker's own reliable sound and face, by artificial gaps in them."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.activity import is_speech
from ..config import AdaptConfig, Config
from ..data.features import Features
from ..data.gap_sampling import draw_in_speech, draw_random
from ..data.gaps import Gap, gap_spans, lost_frames
from ..models.inpainter import BLSTMInpainter
from ..rng import generator
from ..timebase import to_frames, to_seconds
from ..video.motion import n_features, visual_features
from ..video.tracks import Tracks
from .augmentation import augment
from .dataset import Batch, collate
from .tasks import restoring_losses

# What is learned from at once, as long as what a gap is restored from.
SHORTEST_S, LONGEST_S = 3.0, 6.0
# Reliable sound shorter than this is not learned from: artificial gaps need sound around them.
MIN_STRETCH_S = 1.0
HELD_OUT_DRAWS = 4  # how often the held-out sound is judged, each time with other gaps
GAP_VARIES = 0.3  # artificial gaps are longer or shorter than those to be restored by at most this share
MOST_LOST = 0.5  # the share of a piece that its artificial gaps take at most
MOST_GAPS = 4  # in one piece
SHORTEST_GAP_S = 0.02  # also between two
IN_SPEECH = 0.5  # the share of what the artificial gaps take that is speech, where that can be drawn


@dataclass(frozen=True)
class Stretch:
    """Reliable sound of one recording, without interruption, and the face meanwhile.

    Attributes:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins); no frame's window touches a gap.
        tracks: the face, its clock starting with the first frame; None where it is not known.
    """

    log_spectrum: Tensor
    tracks: Tracks | None


class Judged(NamedTuple):
    """How well a model restores artificial gaps in sound that was held out.

    Attributes:
        loss: what training minimises.
        intelligibility: the mean correlation of band envelopes, at most 1, as in
            :func:`avsi.training.losses.stoi_loss`.
    """

    loss: float
    intelligibility: float


@dataclass(frozen=True)
class Outcome:
    """What adaptation gained on sound that was held out from it.

    Attributes:
        before, after: the start model and the adapted one, judged on it.
        held_out_s: how much sound that is, in seconds.
    """

    before: Judged
    after: Judged
    held_out_s: float

    @property
    def better(self) -> bool:
        """Whether the loss fell and speech did not become less intelligible: the spectrum of pauses, to which the loss
        alone may owe its fall, is not what a model is adapted for.
        """
        return self.after.loss < self.before.loss and self.after.intelligibility >= self.before.intelligibility


def adapt_model(
    start: BLSTMInpainter,
    stretches: Sequence[Stretch],
    gaps_s: Sequence[float],
    settings: AdaptConfig,
    progress: Callable = lambda items, total, what: items,
) -> tuple[BLSTMInpainter, Outcome]:
    """Train a copy of a model on with artificial gaps, and judge both on pieces that were held out.

    Equal arguments give equal weights, on one machine.

    Args:
        gaps_s: the lengths of the gaps to be restored, which the artificial gaps resemble; where there are none, those
            resemble the ones that the model was trained with.
        progress: wraps the loop over the steps, as :func:`avsi.program.progress` does.
    """
    config, device = start.config, start.audio_mean.device
    training, held_out = split(stretches, settings, config)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        torch.manual_seed(settings.seed)  # for dropout
        judged = _held_out_batches(held_out, gaps_s, settings, config)
        before = judge(start, judged)
        model = copy.deepcopy(start).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
        origin = [weights.detach().clone() for weights in model.parameters()]
        for step in progress(range(settings.steps), settings.steps, "adapting"):
            rng = generator(settings.seed, "adapt", step)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * math.cos(math.pi / 2 * step / settings.steps)
            batch = _to(_draw_batch(training, gaps_s, settings, config, rng), device)
            terms, _ = restoring_losses(model, batch, config.training)
            loss = sum((term.weight * term.value for term in terms), start=terms[0].value.new_zeros(()))
            if settings.pull:
                away = sum((w - o).square().sum() for w, o in zip(model.parameters(), origin, strict=True))
                loss = loss + settings.pull * away
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        after = judge(model, judged)
    held_out_s = sum(len(each.log_spectrum) for each in held_out) * config.stft.hop_samples / config.stft.sample_rate
    return model, Outcome(before, after, held_out_s)


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
    frame_s = config.stft.hop_samples / config.stft.sample_rate
    tracks = stretch.tracks and stretch.tracks.excerpt(first * frame_s, last * frame_s)
    return Stretch(stretch.log_spectrum[first:last], tracks)


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


def draw_lost(log_spectrum: Tensor, gaps_s: Sequence[float], config: Config, rng: np.random.Generator) -> Tensor:
    """Which frames of a piece artificial gaps take, mostly of speech; bool, shape (n_frames,).

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
    return torch.from_numpy(lost_frames(gap_spans(drawn, n_samples, stft.sample_rate), n_frames, stft))


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


def _draw_batch(
    training: Sequence[Stretch],
    gaps_s: Sequence[float],
    settings: AdaptConfig,
    config: Config,
    rng: np.random.Generator,
) -> Batch:
    """Pieces at random places, stretches by their length, each with gaps of its own."""
    counts = np.array([len(stretch.log_spectrum) for stretch in training])
    items = []
    for index in rng.choice(len(training), settings.batch_size, p=counts / counts.sum()):
        length = min(to_frames(rng.uniform(SHORTEST_S, LONGEST_S), config.stft), int(counts[index]))
        first = int(rng.integers(0, counts[index] - length + 1))
        features = features_of(part_of(training[index], first, first + length, config), config)
        lost = draw_lost(features.log_spectrum, gaps_s, config, rng)
        items.append(("", augment(features, config.augment, config.stft, rng, lost), lost))
    return collate(items)


def _held_out_batches(
    held_out: Sequence[Stretch], gaps_s: Sequence[float], settings: AdaptConfig, config: Config
) -> list[Batch]:
    """Each held-out piece with several draws of gaps, one batch a piece."""
    batches = []
    for number, piece in enumerate(held_out):
        features = features_of(piece, config)
        rngs = [generator(settings.seed, "held-out gaps", number, draw) for draw in range(HELD_OUT_DRAWS)]
        batches.append(collate([("", features, draw_lost(features.log_spectrum, gaps_s, config, rng)) for rng in rngs]))
    return batches


@torch.no_grad()
def judge(model: BLSTMInpainter, batches: Sequence[Batch]) -> Judged:
    """A model in evaluation mode on batches, each weighted by its lost frames."""
    training = model.config.training
    measured = replace(training, stoi_weight=training.stoi_weight or 1.0)
    figures, weights = [], []
    for batch in batches:
        terms, _ = restoring_losses(model, _to(batch, model.audio_mean.device), measured)
        values = {term.name: float(term.value) for term in terms}
        figures.append((values["gaps"] + training.stoi_weight * values["stoi"], 1 - values["stoi"]))
        weights.append(int(batch.lost.sum()))
    return Judged(*map(float, np.average(figures, axis=0, weights=weights)))


def _to(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.ids, *(each.to(device) for each in batch[1:]))
