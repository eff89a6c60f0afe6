"""Landmarks drawn over the video they were found in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .files import frames
from .landmarks import Tracks

# The open and closed lines that join the 68 points, and their colours (RGB).
LINES = (
    (range(0, 17), False, (255, 255, 255)),
    (range(17, 22), False, (255, 220, 0)),
    (range(22, 27), False, (255, 220, 0)),
    (range(27, 31), False, (0, 220, 255)),
    (range(31, 36), False, (0, 220, 255)),
    (range(36, 42), True, (0, 255, 0)),
    (range(42, 48), True, (0, 255, 0)),
    (range(48, 60), True, (255, 60, 120)),
    (range(60, 68), True, (255, 60, 120)),
)


def draw_tracks(path: str | Path, tracks: Tracks) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of a video as (time in seconds, RGB) with the face drawn in, or a red frame where none was found."""
    for (time_s, image), points in zip(frames(path), tracks.points, strict=True):
        yield time_s, draw_points(image, points)


def draw_points(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A copy of an RGB image with 68 points, in pixels, joined by lines; NaN draws a red frame."""
    import cv2

    canvas = np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    thickness = max(1, round(height / 400))
    if np.isnan(points).any():
        cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), (255, 0, 0), 4 * thickness)
        return canvas
    # OpenCV draws between pixels when coordinates come as integers with binary places.
    fixed = np.rint(points * 16).astype(np.int32)
    for indices, closed, colour in LINES:
        cv2.polylines(canvas, [fixed[list(indices)]], closed, colour, thickness, cv2.LINE_AA, shift=4)
    return canvas
