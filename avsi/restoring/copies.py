"""Copies of one recording among several: under another name, in another format, or the sound of a film beside it."""

import warnings
from collections.abc import Sequence
from functools import cache

import numpy as np

from ..audio.samples import resample, to_float
from ..errors import AvsiWarning
from ..timebase import to_samples, to_seconds
from .reliable import Source

COMPARED_S = 10.0  # of the middle of recordings
RATE = 4000  # in Hz, at which they are compared: speech has most of its energy below 2 kHz
# Formats that lose something may put so much before or after the sound.
SHIFTED_S = 0.1
# How far copies correlate, at least: those in MP3 at 57 kbit/s did by 0.998, and two clips of GRID by 0.5 at most.
ALIKE = 0.9


def without_copies(sources: Sequence[Source]) -> list[Source]:
    """The recordings, without those that hold the same sound as another from start to end; a warning names each that is
    left out. Of copies that with a picture stays, or else the first. What lies in gaps does not count.
    """
    middle = cache(_middle)
    kept: list[Source] = []
    for source in sorted(sources, key=lambda source: source.video is None):
        length_s = to_seconds(source.n_samples, source.rate)
        as_long = [one for one in kept if abs(to_seconds(one.n_samples, one.rate) - length_s) <= SHIFTED_S]
        copied = next((one for one in as_long if _alike(middle(one), middle(source))), None)
        if copied is None:
            kept.append(source)
        else:
            warnings.warn(
                f"{source.name}: holds the same sound as {copied.name}, and is left out; what is held out of a "
                "recording must not be learned from in a copy",
                AvsiWarning,
                stacklevel=3,
            )
    return [source for source in sources if source in kept]


def _middle(source: Source) -> np.ndarray:
    """The middle of a recording, with zeros in its gaps, shape (n_samples,)."""
    before = max(source.n_samples - to_samples(COMPARED_S, source.rate), 0) // 2
    samples = to_float(source.read(before, source.n_samples - before))
    for start, stop in source.gaps:
        samples[max(start - before, 0) : max(stop - before, 0)] = 0
    return resample(samples.mean(axis=1), source.rate, RATE)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether sounds correlate, one a little later than the other; those that are silent do not."""
    size, furthest = 1 << (len(one) + len(other)).bit_length(), 2 * to_samples(SHIFTED_S, RATE)
    products = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size).conj(), size)
    best = max(products[: furthest + 1].max(), products[-furthest:].max())
    return bool(best > ALIKE * np.sqrt(one @ one * (other @ other)))
