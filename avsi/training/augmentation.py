"""Augmentation of features, drawn anew each time an utterance is trained on. Voice conversion is done beforehand."""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..config import AugmentConfig, StftConfig
from ..data.features import Features

FILTER_WAVES = 4


@dataclass(frozen=True)
class Variation:
    """The parameters of one augmentation.

    Attributes:
        speed: of sound and face; above 1 is faster.
        start: as in :func:`change_tempo`.
        contrast: factor on each bin's distance from its mean.
        noise_db: mean power of the noise floor, relative to the loudest reliable bin; None for no noise.
        face_lag_ms: delay of the face relative to the sound; negative for a lead.
        face_hidden: whether the visual features are replaced by NaN.
        face_seed: for the gains and the noise of visual features.
        noise_seed: for the noise floor.
        filter_seed: for the filter.
    """

    speed: float
    start: float
    contrast: float
    noise_db: float | None
    face_lag_ms: float
    face_hidden: bool
    face_seed: np.random.SeedSequence = field(repr=False)
    noise_seed: np.random.SeedSequence = field(repr=False)
    filter_seed: np.random.SeedSequence = field(repr=False)


def augment(
    features: Features, config: AugmentConfig, stft: StftConfig, rng: np.random.Generator, lost: Tensor | None = None
) -> Features:
    """Draw a variation and apply it; the number of frames stays the same. ``lost`` as in :func:`apply_variation`."""
    return apply_variation(features, draw_variation(config, rng), config, stft, lost)


def draw_variation(config: AugmentConfig, rng: np.random.Generator) -> Variation:
    """Draw the parameters of a variation. All random numbers are drawn whatever the settings, so that a setting does
    not change the numbers drawn for the others.
    """
    speed, start, has_noise, noise_share = rng.uniform(-1, 1), rng.random(), rng.random(), rng.random()
    lag, hidden = rng.uniform(-1, 1), rng.random()
    contrast = rng.uniform(-1, 1)
    seed = rng.bit_generator.seed_seq
    assert isinstance(seed, np.random.SeedSequence)  # numpy's types do not say that it can spawn
    face_seed, noise_seed, filter_seed = seed.spawn(3)
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
        filter_seed=filter_seed,
    )


def apply_variation(
    features: Features, variation: Variation, config: AugmentConfig, stft: StftConfig, lost: Tensor | None = None
) -> Features:
    """Apply a variation; the number of frames stays the same. Size of the face's gains and noise: see ``config``.

    Args:
        lost: bool, shape (n_frames,): the lost frames of the result, which must not affect the others; None if all are
            reliable.
    """
    if config.tempo:
        features = _at_other_speed(features, variation)
    spectrum, visual = features.log_spectrum, features.visual
    if config.contrast:
        spectrum = change_contrast(spectrum, variation.contrast, stft, lost)
    if config.filter_nats:
        filter_rng = np.random.default_rng(variation.filter_seed)
        spectrum = change_filter(spectrum, config.filter_nats, stft, filter_rng)
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


def _at_other_speed(features: Features, variation: Variation) -> Features:
    def change(frames: Tensor | None) -> Tensor | None:
        return None if frames is None else change_tempo(frames, variation.speed, variation.start)

    spectrum, visual = (
        change_tempo(each, variation.speed, variation.start) for each in (features.log_spectrum, features.visual)
    )
    return features._replace(
        log_spectrum=spectrum,
        visual=visual,
        word_at=change(features.word_at),
        said=change(features.said),
        contour=change(features.contour),
    )


def change_tempo(frames: Tensor, speed: float, start: float) -> Tensor:
    """Change the speed of frames of shape (n, ...) by taking the nearest one at each time; n stays the same.

    Args:
        speed: above 1 is faster; the last frame is then held.
        start: if slower, the share of the surplus that is cut off at the beginning, 0 to 1.
    """
    count = len(frames)
    first = max(0.0, count - count * speed) * start
    places = torch.arange(count) * speed + first
    return frames[places.round().long().clamp_max(count - 1)]


def change_contrast(log_spectrum: Tensor, factor: float, stft: StftConfig, lost: Tensor | None = None) -> Tensor:
    """Multiply each bin's distance from its mean over the reliable frames, in natural log magnitude, by a factor:
    speakers and rooms differ in dynamic range.
    """
    mean = _reliable(log_spectrum, lost).mean(dim=0)
    return (mean + factor * (log_spectrum - mean)).clamp_min(math.log(stft.log_floor))


def change_filter(log_spectrum: Tensor, deviation: float, stft: StftConfig, rng: np.random.Generator) -> Tensor:
    """Apply the same smooth random filter, as of a room or a microphone, to all frames of shape (n_frames, n_bins).

    Args:
        deviation: of its natural log gain, over bins and filters: a sum of ``FILTER_WAVES`` half waves.
    """
    places = (np.arange(log_spectrum.shape[1]) + 0.5) / log_spectrum.shape[1]
    waves = np.cos(np.pi * np.arange(1, FILTER_WAVES + 1)[:, None] * places)
    gain = deviation * math.sqrt(2 / FILTER_WAVES) * rng.standard_normal(FILTER_WAVES) @ waves
    return (log_spectrum + torch.from_numpy(gain).to(log_spectrum.dtype)).clamp_min(math.log(stft.log_floor))


def add_noise_floor(
    log_spectrum: Tensor, level_db: float, stft: StftConfig, rng: np.random.Generator, lost: Tensor | None = None
) -> Tensor:
    """Add the power of white noise to natural log magnitudes of shape (n_frames, n_bins).

    Args:
        level_db: the noise's mean power in dB, relative to that of the loudest reliable bin.
    """
    power = torch.exp(2 * log_spectrum)
    loudest = _reliable(power, lost).max()
    # The power of Gaussian noise in one bin is exponentially distributed.
    noise = torch.from_numpy(rng.standard_exponential(log_spectrum.shape, dtype=np.float32))
    return torch.log((power + noise * loudest * 10 ** (level_db / 10)).sqrt() + stft.log_floor)


def _reliable(frames: Tensor, lost: Tensor | None) -> Tensor:
    """The frames that are not lost; all frames if every one is lost."""
    return frames if lost is None or lost.all() else frames[~lost]


def change_face(visual: Tensor, config: AugmentConfig, rng: np.random.Generator) -> Tensor:
    """Multiply each visual feature by its own random gain, and add white noise."""
    gain = np.exp(config.face_gain * rng.standard_normal(visual.shape[1], dtype=np.float32))
    noise = config.face_noise * rng.standard_normal(visual.shape, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is always NaN has no deviation
        deviation = torch.from_numpy(np.nan_to_num(np.nanstd(visual.numpy(), axis=0)))
    return visual * torch.from_numpy(gain) + torch.from_numpy(noise) * deviation


def shift(frames: Tensor, count: int) -> Tensor:
    """Delay frames of shape (n, ...) by ``count`` (negative: advance); the first or last frame is held."""
    return frames[(torch.arange(len(frames)) - count).clamp(0, len(frames) - 1)]
