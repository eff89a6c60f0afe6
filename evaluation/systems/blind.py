"""Where the gaps are, as `avsi detect` finds it: for systems that are not told."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from avsi.data.gaps import gap_spans
from avsi.detecting.listener import load_listener
from avsi.media.sound_reading import open_sound
from avsi.media.sound_writing import write_wav
from avsi.program import once
from avsi.restoring.detection import find_gaps
from avsi.video.tracks import Tracks

from ..folder.layout import STFT
from ..folder.signals import Spans


def silenced(samples: np.ndarray, spans: Spans) -> np.ndarray:
    """A recording with digital silence in its gaps; shape (n_samples,)."""
    damaged = samples.copy()
    for start, stop in spans:
        damaged[start:stop] = 0
    return damaged


def found_in(damaged: np.ndarray, tracks: Tracks | None) -> Spans:
    """The gaps that are found in a recording, in samples.

    Args:
        damaged: shape (n_samples,), at the rate that scores are measured at.
        tracks: the face; None where it is not seen.
    """
    listener = replace(once(load_listener), video=tracks)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.wav"
        write_wav(path, damaged, STFT.sample_rate)
        with open_sound(path) as sound:
            gaps = find_gaps(path, sound, listener=listener)
    return gap_spans(gaps, len(damaged), STFT.sample_rate) if gaps else []
