"""Facial landmarks drawn over the frames of a video."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..data.gaps import Gap
from ..media.video_reading import read_frames
from ..video.tracks import Tracks

# The lines that join the 68 points: indices, whether the line is closed, and its colour (RGB).
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
GAP_COLOUR = (190, 255, 60)  # also in spectrograms


def draw_tracks(
    path: str | Path,
    tracks: Tracks,
    start_s: float | None = None,
    stop_s: float | None = None,
    gaps: Sequence[Gap] = (),
    max_height: int | None = None,
) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of a video as (time in seconds, RGB) with the landmarks, or with a red border if no face was found.

    Args:
        tracks: landmarks for each of the frames with ``start_s <= time < stop_s``.
        gaps: during a gap the picture has a green border.
        max_height: larger pictures are scaled down to this height in pixels.
    """
    # A picture is shown until the next one, so that a gap between their times is marked on the first.
    until_s = np.append(tracks.time_s[1:], np.inf)
    for (time_s, image), points, next_s in zip(read_frames(path, start_s, stop_s), tracks.points, until_s, strict=True):
        if max_height and len(image) > max_height:
            image, points = _scaled(image, points, max_height / len(image))
        drawn = draw_points(image, points)
        if any(gap.start_s < next_s and time_s < gap.end_s for gap in gaps):
            _draw_border(drawn, GAP_COLOUR)
        yield time_s, drawn


def _scaled(image: np.ndarray, points: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), points * factor


def draw_points(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A copy of an RGB image with 68 points, in pixels, joined by lines; a red border if any is NaN."""
    import cv2

    canvas = np.ascontiguousarray(image).copy()
    if np.isnan(points).any():
        _draw_border(canvas, (255, 0, 0))
        return canvas
    # OpenCV takes subpixel positions as integers with fractional bits (shift).
    fixed = np.rint(points * 16).astype(np.int32)
    for indices, closed, colour in LINES:
        cv2.polylines(canvas, [fixed[list(indices)]], closed, colour, _thickness(canvas), cv2.LINE_AA, shift=4)
    return canvas


def _draw_border(canvas: np.ndarray, colour: tuple[int, int, int]) -> None:
    import cv2

    height, width = canvas.shape[:2]
    # Half of the line's width is outside the picture.
    cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), colour, 8 * _thickness(canvas))


def _thickness(image: np.ndarray) -> int:
    """The width of a line in pixels."""
    return max(1, round(len(image) / 400))
