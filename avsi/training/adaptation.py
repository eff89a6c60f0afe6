"""Adaptation of a trained model to one speaker's own reliable sound and face, by artificial gaps in them."""

import contextlib
import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.phase import fill_gaps
from ..config import AdaptConfig, Config
from ..data.features import Features
from ..data.gaps import lost_samples
from ..metrics.checks import UndefinedMetric
from ..metrics.intelligibility import stoi
from ..models.spectrum_inpainter import SpectrumInpainter
from ..rng import generator
from ..timebase import to_frames
from .augmentation import augment
from .dataset import Batch, collate
from .stretches import LONGEST_S, SHORTEST_S, Stretch, draw_gaps, features_of, part_of, split
from .tasks import LossTerm, losses_of, restore

STEP_S = 0.5  # lengths of pieces differ by this: the libraries of a CPU keep working memory for each one that they met
HELD_OUT_DRAWS = 4  # how often the held-out sound is judged, each time with other gaps


class Judged(NamedTuple):
    """How well a model restores artificial gaps in sound that was held out.

    Attributes:
        loss: what training minimises.
        stoi: the mean short-time intelligibility of the pieces with restored gaps; NaN where it has no value.
    """

    loss: float
    stoi: float


class Damaged(NamedTuple):
    """A piece of sound with artificial gaps.

    Attributes:
        samples: undamaged, shape (n_samples,).
        features: of the undamaged piece.
        gaps: in samples ``[start, stop)``.
        lost: the frames that touch one, bool, shape (n_frames,).
    """

    samples: Tensor
    features: Features
    gaps: list[tuple[int, int]]
    lost: Tensor


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
        """Whether the loss fell, and speech did not become less intelligible: in noisy recordings the loss may fall
        although it does.
        """
        return self.after.loss < self.before.loss and not self.after.stoi < self.before.stoi


def adapt_model(
    start: SpectrumInpainter,
    stretches: Sequence[Stretch],
    gaps_s: Sequence[float],
    settings: AdaptConfig,
    progress: Callable = lambda items, total, what: items,
) -> tuple[SpectrumInpainter, Outcome]:
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
        judged = _held_out_gaps(held_out, gaps_s, settings, config)
        before = judge(start, judged)
        model = copy.deepcopy(start).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
        origin = [weights.detach().clone() for weights in model.parameters()]
        for step in progress(range(settings.steps), settings.steps, "adapting"):
            rng = generator(settings.seed, "adapt", step)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * math.cos(math.pi / 2 * step / settings.steps)
            batch = _to(_draw_batch(training, gaps_s, settings, config, rng), device)
            loss = _total(losses_of(restore(model, batch)[0], config))
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
        length_s = SHORTEST_S + STEP_S * int(rng.integers(round((LONGEST_S - SHORTEST_S) / STEP_S) + 1))
        length = min(to_frames(length_s, config.stft), int(counts[index]))
        first = int(rng.integers(0, counts[index] - length + 1))
        features = features_of(part_of(training[index], first, first + length, config), config)
        _, lost = draw_gaps(features.log_spectrum, gaps_s, config, rng)
        items.append(("", augment(features, config.augment, config.stft, rng, lost), lost))
    return collate(items)


def _held_out_gaps(
    held_out: Sequence[Stretch], gaps_s: Sequence[float], settings: AdaptConfig, config: Config
) -> list[Damaged]:
    """Each held-out piece with several draws of gaps."""
    damaged = []
    for number, piece in enumerate(held_out):
        features = features_of(piece, config)
        for draw in range(HELD_OUT_DRAWS):
            rng = generator(settings.seed, "held-out gaps", number, draw)
            damaged.append(Damaged(piece.samples, features, *draw_gaps(features.log_spectrum, gaps_s, config, rng)))
    return damaged


@torch.no_grad()
def judge(model: SpectrumInpainter, damaged: Sequence[Damaged]) -> Judged:
    """A model in evaluation mode on damaged pieces: the loss weighted by lost frames, and the mean STOI of what is
    restored.
    """
    config, device = model.config, model.audio_mean.device
    losses, weights, scores = [], [], []
    for piece in damaged:
        batch = _to(collate([("", piece.features, piece.lost)]), device)
        losses.append(float(_total(losses_of(restore(model, batch)[0], config))))
        weights.append(int(piece.lost.sum()))
        gone = torch.from_numpy(lost_samples(piece.gaps, len(piece.samples)))
        of = piece.features
        predicted = model.restore_spectrum(of.log_spectrum[None], of.visual, piece.lost)[0]
        restored = fill_gaps(piece.samples, gone, predicted, piece.lost, config.stft)
        restored = torch.where(gone, restored, piece.samples)
        with contextlib.suppress(UndefinedMetric):  # too short, or without speech
            scores.append(stoi(piece.samples.numpy(), restored.numpy(), config.stft.sample_rate))
    return Judged(float(np.average(losses, weights=weights)), float(np.mean(scores)) if scores else math.nan)


def _total(terms: list[LossTerm]) -> Tensor:
    return sum((term.weight * term.value for term in terms), start=terms[0].value.new_zeros(()))


def _to(batch: Batch, device: torch.device) -> Batch:
    ids, *tensors = batch[:7]  # of what is said nothing is known
    return Batch(ids, *(each.to(device) for each in tensors))
