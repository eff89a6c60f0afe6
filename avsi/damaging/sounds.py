"""Damage that puts other sound over the speech or in its place: noise, bursts, tones, clicks. As of :mod:`.cuts`."""

import numpy as np

from .cuts import Made, Span, ramps
from .noises import coloured_noise, cough, power_of, shaped_noise, slam, wind

NOISES = ("coloured", "wind", "band")


def noise(
    samples: np.ndarray,
    span: Span,
    rate: int,
    rng: np.random.Generator,
    snr_db: float | None = None,
    which: str | None = None,
) -> Made:
    """Noise over the speech, with short ramps: white, pink, brown or between these, of wind, or of a band.

    Args:
        snr_db: power of the sound in the stretch over that of the noise; by default from -20 to 0 dB.
        which: of :data:`NOISES`; by default drawn.
    """
    start, stop = span
    count = stop - start
    drawn_db, ramp_ms, drawn = rng.uniform(-20, 0), np.exp(rng.uniform(np.log(1), np.log(30))), rng.choice(NOISES)
    which = drawn if which is None else which
    if which == "wind":
        sound = wind(count, rate, rng)
    elif which == "band":
        at, width = np.exp(rng.uniform(np.log(300), np.log(5000))) / rate, np.exp(rng.uniform(-1.5, 0.5))
        sound = shaped_noise(count, lambda share: 0.01 + 1 / (1 + ((share - at) / (at * width)) ** 2), rng)
    else:
        sound = coloured_noise(count, rng.choice([0.0, 1.0, 2.0, rng.uniform(0, 2)]), rng)
    sound = sound * ramps(count, rate * ramp_ms / 1000)
    return Made(_over(samples[start:stop], sound, drawn_db if snr_db is None else snr_db), [(span, "noise")])


def burst(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator, snr_db: float | None = None) -> Made:
    """A cough or a door. ``snr_db`` as of :func:`noise`, by default from -20 to -5 dB."""
    start, stop = span
    drawn_db = rng.uniform(-20, -5)
    sound = (cough if rng.random() < 0.5 else slam)(stop - start, rate, rng)
    sound *= ramps(stop - start, rate * 0.003)
    return Made(_over(samples[start:stop], sound, drawn_db if snr_db is None else snr_db), [(span, "burst")])


def tone(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator, instead: bool | None = None) -> Made:
    """A bleep of 400 to 2000 Hz with fades of a few milliseconds, as loud as the sound in the stretch or up to 15 dB
    louder; in some draws with a few harmonics.

    Args:
        instead: of the speech, and not over it; by default drawn.
    """
    start, stop = span
    part, time_s = samples[start:stop], np.arange(stop - start) / rate
    pitch_hz, louder_db, fade_ms = np.exp(rng.uniform(np.log(400), np.log(2000))), rng.uniform(0, 15), rng.uniform(1, 8)
    drawn, harmonics = rng.random() < 0.5, (0.0, 0.3, 0.1) if rng.random() < 0.3 else ()
    parts = [np.sin(2 * np.pi * pitch_hz * time_s)]
    parts += [loud * np.sin(2 * np.pi * pitch_hz * (n + 2) * time_s) for n, loud in enumerate(harmonics)]
    sound = np.sum(parts, axis=0) * ramps(stop - start, rate * fade_ms / 1000)
    made = _over(part, sound, -louder_db)
    if drawn if instead is None else instead:
        made = made - part
    return Made(made, [(span, "tone")])


def click(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator) -> Made:
    """An impulse of one to eight milliseconds in the middle of the stretch, which rings down and is 10 to 30 dB louder
    than the stretch; or a few of them through all of it, as of crackling.
    """
    start, stop = span
    loudness = np.sqrt(power_of(samples[start:stop])) * 10 ** (rng.uniform(10, 30) / 20)
    lengths = np.maximum(2, (rng.uniform(0.001, 0.008, int(rng.integers(1, 4))) * rate).astype(int))
    made, spans = samples[start:stop].copy(), list[tuple[Span, str]]()
    share = (stop - start) // len(lengths)
    for number, length in enumerate(np.minimum(lengths, share)):
        first = number * share + int(rng.integers(0, share - length + 1))
        ring = rng.standard_normal(length) * np.exp(-4 * np.arange(length) / length)
        ring[0] = rng.choice([-1.5, 1.5])
        made[first : first + length] += (loudness * ring)[:, None].astype(np.float32)
        spans.append(((start + first, start + first + int(length)), "click"))
    return Made(made, spans)


def _over(part: np.ndarray, sound: np.ndarray, snr_db: float) -> np.ndarray:
    """A sound, of shape (n,), put over all channels of a stretch, at a signal-to-noise ratio."""
    loudness = np.sqrt(power_of(part) / power_of(sound) * 10 ** (-snr_db / 10))
    return (part + (loudness * sound)[:, None]).astype(np.float32)
