"""Noise that is made: of any colour, gusts of wind, coughs and slammed doors."""

from collections.abc import Callable

import numpy as np

QUIETEST = 1e-5  # the deviation that nothing at all counts as: -100 dB of full scale


def power_of(samples: np.ndarray) -> float:
    """The mean square; that of digital silence is not 0."""
    return float(max(np.mean(np.square(samples, dtype=np.float64)), QUIETEST**2))


def shaped_noise(count: int, gain: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of deviation 1 with a spectrum; shape (count,), float64.

    Args:
        gain: the magnitude at frequencies, given as shares of the sample rate from 0 to 0.5.
    """
    size = 1 << max(4, (count - 1).bit_length())  # of which count samples are used, so that nothing is periodic
    spectrum = np.fft.rfft(rng.standard_normal(size)) * gain(np.fft.rfftfreq(size))
    noise = np.fft.irfft(spectrum, size)[:count]
    return noise / max(noise.std(), 1e-12)


def coloured_noise(count: int, slope: float, rng: np.random.Generator, lowest: float = 0.003) -> np.ndarray:
    """Noise whose power falls with frequency to this power: 0 is white, 1 pink, 2 brown; flat below ``lowest``."""
    return shaped_noise(count, lambda share: np.maximum(share, lowest) ** (-slope / 2), rng)


def wind(count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Low noise that comes in gusts."""
    corner = rng.uniform(100, 500) / rate
    low = shaped_noise(count, lambda share: 1 / (1 + (share / corner) ** 2), rng)
    gusts = shaped_noise(count, lambda share: share < 6 / rate, rng) if count > rate // 6 else np.zeros(count)
    return low * np.exp(0.5 * np.clip(gusts, -2, 2))


def resonances(share: np.ndarray, at: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The magnitude of a sum of resonances ``at`` shares of the sample rate, each as wide as its ``width``."""
    return (1 / (1 + ((share[:, None] - at) / width) ** 2)).sum(axis=1)


def cough(count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A burst of noise with the formants of an open mouth, and a weaker second part."""
    formants = np.array([500, 1500, 2500, 3500]) * rng.uniform(0.85, 1.2) * rng.uniform(0.85, 1.15, 4) / rate
    width = np.array([150, 250, 350, 500]) * rng.uniform(0.7, 1.5) / rate
    floor = rng.uniform(0.02, 0.2)
    noise = shaped_noise(count, lambda share: floor + resonances(share, formants, width), rng)
    place = np.arange(count) / count
    attack, decay = rng.uniform(0.01, 0.06), rng.uniform(2.0, 4.5)
    second, loudness = rng.uniform(0.35, 0.7), rng.uniform(0.0, 0.6)
    envelope = np.minimum(place / attack, 1) * np.exp(-decay * place)
    envelope += loudness * (place > second) * np.exp(-decay * (place - second)) * np.minimum((place - second) / 0.1, 1)
    return noise * envelope


def slam(count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A door: modes of a low pitch that die away, after a short knock."""
    time_s = np.arange(count) / rate
    length_s = count / rate
    sound = np.zeros(count)
    for _ in range(int(rng.integers(3, 8))):
        pitch_hz, decay_s = np.exp(rng.uniform(np.log(50), np.log(500))), length_s * rng.uniform(0.15, 0.4)
        phase = rng.uniform(0, 2 * np.pi)
        sound += rng.uniform(0.3, 1) * np.sin(2 * np.pi * pitch_hz * time_s + phase) * np.exp(-time_s / decay_s)
    rumble = coloured_noise(count, rng.uniform(0.5, 2), rng) * np.exp(-time_s / (0.35 * length_s))
    knock = coloured_noise(count, 0.5, rng) * np.exp(-time_s / rng.uniform(0.004, 0.02))
    return sound + rng.uniform(0.3, 1.5) * rumble + rng.uniform(0.5, 3) * knock
