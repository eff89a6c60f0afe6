"""What a recording may hold that is no damage: noise and echoes of a room, hum, breaths, music from next door, a voice
that turns away. Samples are of shape (n_samples,), full scale 1.0.
"""

from functools import partial

import numpy as np

from .noises import coloured_noise, power_of, resonances, shaped_noise

HUMMING = 0.3  # the share of noisy rooms in which the mains hum, too


def noisy(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A noise 10 to 35 dB below the speech, from white to brown, that sways by some decibels."""
    noise = coloured_noise(len(samples), rng.uniform(0, 2), rng)
    sway_db = wander(len(samples), max(2, round(2 * len(samples) / rate)), 1.5, rng)
    made = samples + loudness(samples, rng.uniform(10, 35)) * 10 ** (sway_db / 20) * noise
    if rng.random() < HUMMING:
        made = made + loudness(samples, rng.uniform(10, 30)) * hum(len(samples), rate, rng)
    return made


def hum(count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """That of the mains, with harmonics; shape (count,), of power 1."""
    loud = rng.uniform(0, 1, 6) * (0.3, 1, 0.5, 0.5, 0.3, 0.3) + (1, 0, 0, 0, 0, 0)
    steps = 2 * np.pi * rng.choice([50.0, 60.0]) * np.arange(count) / rate
    sound = sum(each * np.sin(n * steps + rng.uniform(0, 2 * np.pi)) for n, each in enumerate(loud, start=1))
    return sound / np.sqrt(power_of(sound))


def reverberant(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Echoes that die away by 60 dB in 0.2 to 0.8 s, together 5 dB above to 10 dB below what comes straight."""
    count, below_db = int(rng.uniform(0.2, 0.8) * rate), rng.uniform(-5, 10)
    tail = coloured_noise(count, rng.uniform(0.3, 1.2), rng) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(0.003 * rate)] = 0
    tail *= np.sqrt(10 ** (-below_db / 10) / (tail @ tail))
    size = 1 << (len(samples) + count - 1).bit_length()
    echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (samples + echo) * np.sqrt(power_of(samples) / power_of(samples + echo))


def drifting(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A level that changes by some decibels within a second or more, as when a speaker turns."""
    n_knots = max(2, round(len(samples) / rate / rng.uniform(0.7, 2)) + 1)
    return samples * 10 ** (wander(len(samples), n_knots, 4, rng) / 20)


def uneven(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Words that are spoken 4 to 14 dB softer or louder than others: the level changes within a tenth of a second."""
    n_knots = max(3, round(len(samples) / rate / rng.uniform(0.4, 1.2)) + 1)
    steps_db = np.repeat(rng.choice([0.0, 1.0], n_knots) * rng.uniform(-14, 6, n_knots), -(-len(samples) // n_knots))
    ramp = np.hanning(int(rng.uniform(0.08, 0.3) * rate))
    smooth_db = np.convolve(np.pad(steps_db, len(ramp), "edge"), ramp / ramp.sum(), "same")
    return samples * 10 ** (smooth_db[len(ramp) :][: len(samples)] / 20)


def breaths(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """One to three breaths or rustles of 0.15 to 0.5 s that swell and fade, 15 to 35 dB below the speech, anywhere."""
    made = samples.copy()
    for _ in range(int(rng.integers(1, 4))):
        count = min(int(rng.uniform(0.15, 0.5) * rate), len(samples))
        at, width = rng.uniform(800, 5000, 2) / rate, rng.uniform(300, 1500, 2) / rate
        floor = rng.uniform(0.02, 0.3)
        sound = shaped_noise(count, partial(_rustling, at=at, width=width, floor=floor), rng)
        start = int(rng.integers(0, len(samples) - count + 1))
        made[start : start + count] += loudness(samples, rng.uniform(15, 35)) * sound * np.hanning(count)
    return made


def _rustling(share: np.ndarray, at: np.ndarray, width: np.ndarray, floor: float) -> np.ndarray:
    return floor + resonances(share, at, width)


def music(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Chords of harmonic tones that begin and fade, 10 to 30 dB below the speech, throughout."""
    count, sound = len(samples), np.zeros(len(samples))
    beat = int(rng.uniform(0.25, 0.8) * rate)
    for start in range(0, count, beat):
        time_s = np.arange(min(3 * beat, count - start)) / rate
        for pitch_hz in 110 * 2 ** (rng.integers(0, 36, int(rng.integers(1, 4))) / 12):
            fade = np.minimum(time_s / 0.01, 1) * np.exp(-time_s * rng.uniform(1, 6))
            tones = (np.sin(2 * np.pi * n * pitch_hz * time_s) / n**1.3 for n in range(1, 6) if n * pitch_hz < rate / 2)
            sound[start : start + len(time_s)] += fade * sum(tones)
    return samples + loudness(samples, rng.uniform(10, 30)) * sound / np.sqrt(power_of(sound))


def narrow(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Nothing above 3.2 to 7 kHz, as of 8 kHz files and of codecs; half of the time nothing below 300 Hz either."""
    highest, lowest = rng.uniform(3200, 7000) / rate, (300 / rate if rng.random() < 0.5 else 0.0)
    spectrum = np.fft.rfft(samples)
    share = np.fft.rfftfreq(len(samples))
    keep = 1 / (1 + (share / highest) ** 80)
    if lowest:
        keep = keep / (1 + (lowest / np.maximum(share, 1e-6)) ** 8)
    return np.fft.irfft(spectrum * keep, len(samples))


def wander(count: int, n_knots: int, spread_db: float, rng: np.random.Generator) -> np.ndarray:
    """Decibels that go straight from one random value to the next; shape (count,)."""
    return np.interp(np.linspace(0, n_knots - 1, count), np.arange(n_knots), rng.normal(0, spread_db, n_knots))


def loudness(samples: np.ndarray, below_db: float) -> float:
    """The amplitude of a sound of power 1 that is to be so far below others."""
    return float(np.sqrt(power_of(samples) * 10 ** (-below_db / 10)))
