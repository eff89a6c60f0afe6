"""Where a recording is damaged: detectors of gaps."""

import warnings

import numpy as np

from ..data.gaps import Gap
from ..errors import AvsiWarning
from ..media.sound_reading import Sound
from ..timebase import to_samples, to_seconds
from .excerpts import MAX_GAP_S

MIN_SILENCE_S = 0.02


def find_silences(sound: Sound, min_s: float = MIN_SILENCE_S) -> list[Gap]:
    """The runs of digital silence: all channels exactly 0 for at least ``min_s`` seconds.

    Times count from the first sample. Runs of more than 30 s are no drop-outs; they are passed over with a warning.
    """
    shortest = to_samples(min_s, sound.rate)
    edges, previous = [], False
    for start, block in sound.blocks():
        # libsndfile moves the middle of 8-bit samples to 0.
        silent = ~block.any(axis=1)
        changes = np.flatnonzero(np.diff(silent, prepend=previous))
        edges += (start + changes).tolist()
        previous = bool(silent[-1])
    if previous:
        edges.append(sound.n_samples)
    runs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]
    longest = to_samples(MAX_GAP_S, sound.rate)
    if any(b - a > longest for a, b in runs):
        warnings.warn(f"silences of more than {MAX_GAP_S:g} s are left as they are", AvsiWarning, stacklevel=2)
        runs = [(a, b) for a, b in runs if b - a <= longest]
    return [Gap(to_seconds(a, sound.rate), to_seconds(b, sound.rate)) for a, b in runs]
