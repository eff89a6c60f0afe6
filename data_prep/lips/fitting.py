"""Learning lips from films, and measuring on held-out speakers what the sound tells of them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from avsi.data.datadir import Utterance
from avsi.errors import AvsiError, DataError
from avsi.media.sound_reading import read_mono
from avsi.program import in_parallel, progress
from avsi.video.motion import STILL

from .face import mean_face, measured
from .model import LipModel, predict
from .network import Example, train_network
from .residual import Residual
from .sound import STFT, loudness, sound_bands

FOLDS = 3
SHORTEST_FRAMES = 25  # an utterance of less than this is left out
BALANCE = 0.5  # speakers are learned from by their share of the utterances to this power


@dataclass(frozen=True)
class HeldOut:
    """How much of the lips of speakers who were left out of training is predicted.

    Attributes:
        correlation, explained: by held-out speaker, of each free measure; explained is the share of its variance. NaN
            where the measure does not move.
    """

    correlation: dict[str, np.ndarray]
    explained: dict[str, np.ndarray]


def fit(
    utterances: list[Utterance], n_networks: int, steps: int, seed: int, jobs: int, max_left_out: float
) -> tuple[LipModel, HeldOut, dict[str, str]]:
    """Learn from the utterances that were filmed.

    Returns:
        The model, how well it does on speakers left out, and by id why an utterance was left out.

    Raises:
        DataError: fewer than two speakers who were filmed, or a larger share than ``max_left_out`` is left out.
    """
    examples, gains, neutral, left_out = load_examples(utterances)
    if len(left_out) > max_left_out * len(utterances):
        id_, reason = next(iter(left_out.items()))
        raise DataError(
            f"{len(left_out)} of {len(utterances)} utterances cannot be learned from, more than --max-left-out "
            f"{max_left_out:g}, such as {id_}: {reason}"
        )
    folds = speaker_folds(Counter(example.speaker for example in examples))
    parts = [[example for example in examples if example.speaker not in fold] for fold in folds]
    tasks = [(train_network, part, steps, seed + n) for part in (*parts, examples) for n in range(n_networks)]
    trained = list(progress(in_parallel(jobs, tasks), len(tasks), "networks"))
    groups = [tuple(trained[start : start + n_networks]) for start in range(0, len(trained), n_networks)]
    held_out = [
        (example, predict(groups[n], example.bands))
        for n, fold in enumerate(folds)
        for example in examples
        if example.speaker in fold
    ]
    slope, residual, scores = calibrate(held_out)
    ids = np.array(sorted(example.id for example in examples))
    return LipModel(groups[-1], slope, residual, gains, neutral, ids), scores, left_out


def load_examples(utterances: list[Utterance]) -> tuple[list[Example], np.ndarray, np.ndarray, dict[str, str]]:
    """(examples, the speakers' deviations, their mean face, by id why an utterance was left out)."""
    loaded, faces, left_out = [], {}, {}
    for utterance in progress(utterances, len(utterances), "sound and lips"):
        try:
            if utterance.landmarks is None or utterance.made_lips:
                raise DataError("its lips are made" if utterance.made_lips else "has no landmarks")
            tracks = utterance.load_landmarks()
            start_s, lips = measured(tracks)
            if len(lips) < SHORTEST_FRAMES:
                raise DataError("lasts less than a second")
            bands = sound_bands(read_mono(utterance.wav, STFT.sample_rate), start_s, len(lips))
        except AvsiError as error:
            left_out[utterance.id] = " ".join(str(error).split())
            continue
        loaded.append((utterance, bands, lips - lips.mean(axis=0)))
        faces.setdefault(utterance.speaker, []).append(mean_face(tracks))
    if len(faces) < 2:
        reasons = [f"; left out {len(left_out)}, such as {id_}: {reason}" for id_, reason in left_out.items()]
        raise DataError(
            f"found {len(faces)} speakers who were filmed, expected 2 or more: one is left out to measure what sound "
            f"tells of unseen lips{''.join(reasons[:1])}"
        )
    count = Counter(utterance.speaker for utterance, *_ in loaded)
    gains = {
        speaker: np.maximum(
            np.sqrt(np.mean([lips.var(axis=0) for u, _, lips in loaded if u.speaker == speaker], 0)), STILL
        )
        for speaker in sorted(count)
    }
    examples = [
        Example(u.id, u.speaker, bands, lips / gains[u.speaker], count[u.speaker] ** (BALANCE - 1))
        for u, bands, lips in loaded
    ]
    neutral = np.mean([np.mean(of, axis=0) for of in faces.values()], axis=0)
    return examples, np.stack(list(gains.values())), neutral, left_out


def speaker_folds(count: Counter[str]) -> list[set[str]]:
    """Groups of speakers who are left out together. One of more than half of all utterances is in none: what is learned
    without him says little about a model that is learned with him.
    """
    total = count.total()
    left_out = [
        speaker for speaker, of in sorted(count.items(), key=lambda item: (-item[1], item[0])) if 2 * of <= total
    ]
    return [set(left_out[start::FOLDS]) for start in range(min(FOLDS, len(left_out)))]


def calibrate(held_out: list[tuple[Example, np.ndarray]]) -> tuple[np.ndarray, Residual, HeldOut]:
    """From the predictions for speakers who were left out: the slope of the real lips over these, the process of what
    is left over, and how much was predicted.
    """
    weights = [example.weight for example, _ in held_out]
    real = [example.lips for example, _ in held_out]
    told = [predicted for _, predicted in held_out]
    loud = [loudness(example.bands) for example, _ in held_out]
    slope = sum(w * (p * y).sum(axis=0) for w, p, y in zip(weights, told, real, strict=True))
    slope /= sum(w * (p**2).sum(axis=0) for w, p in zip(weights, told, strict=True))
    slope = np.clip(slope, 0, 1)
    residual = Residual.fit([y - slope * p for p, y in zip(told, real, strict=True)], loud, weights)
    correlation, explained = {}, {}
    for speaker in sorted({example.speaker for example, _ in held_out}):
        of = [(slope * p, example.lips) for example, p in held_out if example.speaker == speaker]
        p, y = (np.concatenate(parts) for parts in zip(*of, strict=True))
        real_square, told_square = (y**2).sum(axis=0), (p**2).sum(axis=0)
        moves = real_square > STILL**2 * len(y)  # in units of its deviation, a measure that moves is about 1
        norm = np.sqrt(np.maximum(told_square, 1e-12) * np.maximum(real_square, 1e-12))
        correlation[speaker] = np.where(moves, (p * y).sum(axis=0) / norm, np.nan)
        error = ((y - p) ** 2).sum(axis=0)
        explained[speaker] = np.where(moves, 1 - error / np.maximum(real_square, 1e-12), np.nan)
    return slope, residual, HeldOut(correlation, explained)
