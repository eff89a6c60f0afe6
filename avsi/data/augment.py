"""What is varied in an utterance each time it is trained on; the voices, which take longer, are made beforehand."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..config import AugmentConfig, StftConfig
from .features import Features


def augment(features: Features, config: AugmentConfig, stft: StftConfig, rng: np.random.Generator) -> Features:
    """One variation, of as many frames as before; each step draws from ``rng`` whether it does anything or not."""
    spectrum, visual = features.log_spectrum, features.visual
    speed, start, has_noise, noise_db = 1 + config.tempo * rng.uniform(-1, 1), rng.random(), rng.random(), rng.random()
    lag, hidden = rng.uniform(-1, 1), rng.random()
    contrast = rng.uniform(-1, 1)
    visual_rng, noise_rng = rng.spawn(2)
    if config.tempo:
        spectrum, visual = change_tempo(spectrum, speed, start), change_tempo(visual, speed, start)
    if config.contrast:
        spectrum = change_contrast(spectrum, math.exp(contrast * config.contrast), stft)
    if has_noise < config.noise:
        level_db = config.noise_min_db + noise_db * (config.noise_max_db - config.noise_min_db)
        spectrum = add_noise_floor(spectrum, level_db, stft, noise_rng)
    if visual.shape[1]:
        visual = change_face(visual, config, visual_rng)
        visual = shift(visual, round(lag * config.face_lag_ms / 1000 * stft.sample_rate / stft.hop_samples))
        if hidden < config.face_hidden:
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


def change_contrast(log_spectrum: Tensor, factor: float, stft: StftConfig) -> Tensor:
    """Each bin's distance from its mean over the recording, in natural log magnitude, times a factor: speakers and
    rooms differ in how far loud and soft are apart.
    """
    mean = log_spectrum.mean(dim=0)
    return (mean + factor * (log_spectrum - mean)).clamp_min(math.log(stft.log_floor))


def add_noise_floor(log_spectrum: Tensor, level_db: float, stft: StftConfig, rng: np.random.Generator) -> Tensor:
    """White noise under a log-magnitude spectrogram, powers added.

    Args:
        level_db: its mean power in dB, relative to that of the loudest bin.
    """
    power = torch.exp(2 * log_spectrum)
    # The power of Gaussian noise in one bin is exponentially distributed.
    noise = torch.from_numpy(rng.standard_exponential(log_spectrum.shape, dtype=np.float32))
    return torch.log((power + noise * power.max() * 10 ** (level_db / 10)).sqrt() + stft.log_floor)


def change_face(visual: Tensor, config: AugmentConfig, rng: np.random.Generator) -> Tensor:
    """Each visual feature times a factor of its own, and white noise."""
    gain = np.exp(config.face_gain * rng.standard_normal(visual.shape[1], dtype=np.float32))
    noise = config.face_noise * rng.standard_normal(visual.shape, dtype=np.float32)
    deviation = torch.from_numpy(np.nan_to_num(np.nanstd(visual.numpy(), axis=0)))
    return visual * torch.from_numpy(gain) + torch.from_numpy(noise) * deviation


def shift(frames: Tensor, count: int) -> Tensor:
    """Frames of shape (n, ...) later by ``count``, or earlier where it is negative; the first or last is held."""
    return frames[(torch.arange(len(frames)) - count).clamp(0, len(frames) - 1)]
