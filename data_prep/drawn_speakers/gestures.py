"""Random movements of a speaking head besides speech: swaying, nodding, breathing, blinking, gaze."""

from dataclasses import dataclass

import numpy as np

BLINK_S = 0.24  # from open to open
BREATHS_PER_S = 0.28


@dataclass(frozen=True)
class Gestures:
    """Curves over the frames of a clip.

    Attributes:
        turn: shape (n, 3), radians about x (nod), y (shake) and z (tilt).
        shift_mm: shape (n, 3).
        lids: shape (n,), 1 for open eyes, 0 for closed.
        gaze: shape (n, 2), where the eyes look, -1 to 1 across and down.
        brows_mm: shape (n,), how far they are raised.
        breath: shape (n,), -1 to 1.
    """

    turn: np.ndarray
    shift_mm: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    brows_mm: np.ndarray
    breath: np.ndarray


def random_gestures(time_s: np.ndarray, liveliness: float, rng: np.random.Generator) -> Gestures:
    """Gestures at the given times; with ``liveliness`` 1 the head turns by about two degrees."""
    turn = np.stack([_sway(time_s, rng) * size for size in (0.03, 0.04, 0.022)], axis=1)
    shift_mm = np.stack([_sway(time_s, rng) * size for size in (3.0, 1.8, 3.0)], axis=1)
    blinks = np.cumsum(rng.uniform(0.8, 3.5, size=len(time_s)))
    closed = np.max([np.exp(-(((time_s - at) / (BLINK_S / 3)) ** 4)) for at in blinks[blinks < time_s[-1] + 1]], axis=0)
    # The gaze rests on one point and jumps to the next.
    places = rng.normal(0, 0.25, (len(time_s) // 20 + 1, 2))
    gaze = np.clip(np.repeat(places, 20, axis=0)[: len(time_s)], -0.8, 0.8)
    breath = np.sin(2 * np.pi * (BREATHS_PER_S * time_s + rng.random()))
    brows_mm = 1.5 * np.maximum(_sway(time_s, rng), 0)
    return Gestures(liveliness * turn, liveliness * shift_mm, 1 - closed, gaze, brows_mm, breath)


def _sway(time_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A slow, smooth curve without a noticeable period; its values have a standard deviation near 1."""
    rates = rng.uniform((0.1, 0.25, 0.5, 0.9), (0.2, 0.4, 0.8, 1.5))
    phases = rng.uniform(0, 2 * np.pi, 4)
    sizes = np.array([0.9, 0.8, 0.5, 0.25])
    return np.sin(2 * np.pi * rates * time_s[:, None] + phases) @ sizes
