"""What is varied in an utterance each time it is trained on; the voices, which take longer, are made beforehand."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..config import AugmentConfig, StftConfig
from ..data.features import Features


@dataclass(frozen=True)
class Variation:
    """What an utterance is changed by.

    Attributes:
        speed: of sound and face; above 1 is faster.
        start: as of :func:`change_tempo`.
        contrast: factor of each bin's distance from its mean.
        noise_db: the noise floor's mean power, relative to the loudest reliable bin; None where there is none.
        face_lag_ms: the face comes this much later than the sound, or earlier where it is negative.
        face_hidden: whether there is no face.
        face_seed, noise_seed: what the face's gains and noise, and the sound's, are drawn from.
    """

    speed: float
    start: float
    contrast: float
    noise_db: float | None
    face_lag_ms: float
    face_hidden: bool
    face_seed: np.random.SeedSequence = field(repr=False)
    noise_seed: np.random.SeedSequence = field(repr=False)


def augment(
    features: Features,
    config: AugmentConfig,
    stft: StftConfig,
    rng: np.random.Generator,
    lost: Tensor | None = None,
) -> Features:
    """One variation drawn and applied, of as many frames as before; ``lost`` as of :func:`apply_variation`."""
    return apply_variation(features, draw_variation(config, rng), config, stft, lost)


def draw_variation(config: AugmentConfig, rng: np.random.Generator) -> Variation:
    """Each value takes its place in what ``rng`` draws whether it does anything or not, so that a setting does not
    change what is drawn for the others.
    """
    speed, start, has_noise, noise_share = rng.uniform(-1, 1), rng.random(), rng.random(), rng.random()
    lag, hidden = rng.uniform(-1, 1), rng.random()
    contrast = rng.uniform(-1, 1)
    face_seed, noise_seed = rng.bit_generator.seed_seq.spawn(2)
    noise_db = config.noise_min_db + noise_share * (config.noise_max_db - config.noise_min_db)
    return Variation(
        speed=1 + config.tempo * speed,
        start=start,
        contrast=math.exp(config.contrast * contrast),
        noise_db=noise_db if has_noise < config.noise else None,
        face_lag_ms=lag * config.face_lag_ms,
        face_hidden=hidden < config.face_hidden,
        face_seed=face_seed,
        noise_seed=noise_seed,
    )


def apply_variation(
    features: Features,
    variation: Variation,
    config: AugmentConfig,
    stft: StftConfig,
    lost: Tensor | None = None,
) -> Features:
    """An utterance as the variation has it, of as many frames as before; the face's gains and noise are of ``config``'s
    size.

    Args:
        lost: bool, shape (n_frames,): the frames of the result that a model is not to know, so that nothing of them
            tells on the others; None where all are reliable.
    """
    spectrum, visual = features.log_spectrum, features.visual
    if config.tempo:
        spectrum, visual = (change_tempo(frames, variation.speed, variation.start) for frames in (spectrum, visual))
    if config.contrast:
        spectrum = change_contrast(spectrum, variation.contrast, stft, lost)
    if variation.noise_db is not None:
        noise_rng = np.random.default_rng(variation.noise_seed)
        spectrum = add_noise_floor(spectrum, variation.noise_db, stft, noise_rng, lost)
    if visual.shape[1]:
        if config.face_gain or config.face_noise:
            visual = change_face(visual, config, np.random.default_rng(variation.face_seed))
        visual = shift(visual, round(variation.face_lag_ms / 1000 * stft.sample_rate / stft.hop_samples))
        if variation.face_hidden:
            visual = torch.full_like(visual, math.nan)
    return features._replace(log_spectrum=spectrum, visual=visual)


def change_tempo(frames: Tensor, speed: float, start: float) -> Tensor:
    """Frames of shape (n, ...) at another speed, the nearest one at each time, as many as before.

    Args:
        speed: above 1 is faster; the end is then held.
        start: of what is left over where it is slower, the share that is cut off at the beginning.
    """
    count = len(frames)
    first = max(0.0, count - count * speed) * start
    places = torch.arange(count) * speed + first
    return frames[places.round().long().clamp_max(count - 1)]


def change_contrast(log_spectrum: Tensor, factor: float, stft: StftConfig, lost: Tensor | None = None) -> Tensor:
    """Each bin's distance from its mean over the reliable frames, in natural log magnitude, times a factor: speakers
    and rooms differ in how far loud and soft are apart.
    """
    mean = _reliable(log_spectrum, lost).mean(dim=0)
    return (mean + factor * (log_spectrum - mean)).clamp_min(math.log(stft.log_floor))


def add_noise_floor(
    log_spectrum: Tensor, level_db: float, stft: StftConfig, rng: np.random.Generator, lost: Tensor | None = None
) -> Tensor:
    """White noise under a log-magnitude spectrogram, powers added.

    Args:
        level_db: its mean power in dB, relative to that of the loudest reliable bin.
    """
    power = torch.exp(2 * log_spectrum)
    loudest = _reliable(power, lost).max()
    # The power of Gaussian noise in one bin is exponentially distributed.
    noise = torch.from_numpy(rng.standard_exponential(log_spectrum.shape, dtype=np.float32))
    return torch.log((power + noise * loudest * 10 ** (level_db / 10)).sqrt() + stft.log_floor)


def _reliable(frames: Tensor, lost: Tensor | None) -> Tensor:
    """The frames that are not lost; all where none would be left."""
    return frames if lost is None or lost.all() else frames[~lost]


def change_face(visual: Tensor, config: AugmentConfig, rng: np.random.Generator) -> Tensor:
    """Each visual feature times a factor of its own, and white noise."""
    gain = np.exp(config.face_gain * rng.standard_normal(visual.shape[1], dtype=np.float32))
    noise = config.face_noise * rng.standard_normal(visual.shape, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a face that is never seen has no deviation
        deviation = torch.from_numpy(np.nan_to_num(np.nanstd(visual.numpy(), axis=0)))
    return visual * torch.from_numpy(gain) + torch.from_numpy(noise) * deviation


def shift(frames: Tensor, count: int) -> Tensor:
    """Frames of shape (n, ...) later by ``count``, or earlier where it is negative; the first or last is held."""
    return frames[(torch.arange(len(frames)) - count).clamp(0, len(frames) - 1)]
