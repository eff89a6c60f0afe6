"""Damaged sound that tests make: of the voice in conftest, with pauses and a noise floor."""

from pathlib import Path

import numpy as np
import soundfile
from conftest import RATE, speech

from avsi.data.damage import Damage
from avsi.detecting.detect import detect_file


def voice(duration_s: float = 6.0, pause_s: float = 0.0) -> np.ndarray:
    """A voice; its pauses, of 0.22 s, have a noise floor. With ``pause_s``, one at 2 s is longer."""
    samples = speech(0, duration_s).astype(np.float64)
    if pause_s:
        noise = 0.003 * np.random.default_rng(1).standard_normal(round(pause_s * RATE))
        samples[2 * RATE : 2 * RATE + len(noise)] = noise
    return samples


def found(
    tmp_path: Path, samples: np.ndarray, rate: int = RATE, sure: float = 0.5, kinds=None, **options
) -> list[Damage]:
    path = tmp_path / "damaged.wav"
    soundfile.write(path, samples, rate, **options)
    return detect_file(path, kinds, sure, tagger=None)  # to the pretrained one this voice is noise


def spans(damages: list[Damage], rate: int = RATE) -> list[tuple[str, int, int]]:
    """Kind, first sample, the one after the last."""
    return [(each.kind, round(each.start_s * rate), round(each.end_s * rate)) for each in damages]


def is_near(found: list[tuple[str, int, int]], expected: list[tuple[str, int, int]], within_s: float) -> bool:
    same_kinds = [each[0] for each in found] == [each[0] for each in expected]
    edges = [np.subtract(one[1:], two[1:]) for one, two in zip(found, expected, strict=False)]
    return same_kinds and bool((np.abs(edges) <= within_s * RATE).all())
