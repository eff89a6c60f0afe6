"""Between the landmarks of a face and the measures of its lips and jaw that are learned."""

import numpy as np

from avsi.errors import DataError
from avsi.timebase import video_grid_s
from avsi.video.motion import CHIN, JAW, MOUTH, lip_measures, upright
from avsi.video.tracks import Tracks

from .sound import FPS

# Of the 13 measures, those from which the others follow: from rim to rim is the lips and what is between them, and the
# chin is as far below the nose as the upper rim, from rim to rim, and the chin below the lower rim.
FREE = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12)
JAW_REACH = 5  # points of the jaw beside the chin that fall with it, the less the farther
# A made face in pixels: the distance of its eyes, and where the bridge of its nose is.
EYES_PX, NOSE_PX = 100.0, 250.0


def measured(tracks: Tracks) -> tuple[float, np.ndarray]:
    """The free measures of a face at 25 frames a second; shape (n, 11), in eye distances.

    Frames without a face are interpolated.

    Returns:
        The time of the first, and the measures.

    Raises:
        DataError: less than half of the frames show a face.
    """
    if tracks.found.mean() < 0.5:
        raise DataError("less than half of its frames show a face")
    times_s = video_grid_s(tracks.time_s[0], tracks.time_s[-1], FPS)
    found = lip_measures(upright(tracks.points[tracks.found]))[:, FREE]
    found_s = tracks.time_s[tracks.found]
    return float(times_s[0]), np.stack([np.interp(times_s, found_s, column) for column in found.T], axis=1)


def mean_face(tracks: Tracks) -> np.ndarray:
    """The mean of the upright faces of a clip; shape (68, 2), in eye distances from the bridge of the nose."""
    return upright(tracks.points[tracks.found]).mean(axis=0)


def made_face(neutral: np.ndarray, differences: np.ndarray) -> Tracks:
    """A face whose mouth and chin move so that its free measures differ from those of ``neutral`` by these differences,
    and which is still elsewhere; 25 frames a second from time 0 on.

    Args:
        neutral: shape (68, 2), as of :func:`mean_face`.
        differences: shape (n, 11), in eye distances.
    """
    neutral = upright(neutral[None])[0]
    moves = np.zeros((2 * len(MOUTH) + 1, 68, 2))
    for row, point in enumerate(MOUTH):
        moves[2 * row, point, 0] = moves[2 * row + 1, point, 1] = 1
    for point in JAW:
        moves[-1, point, 1] = max(0.0, 1 - abs(point - CHIN) / JAW_REACH)
    # The measures are linear in the points: of all movements that have them, the smallest.
    by_measure = np.tensordot(np.linalg.pinv(lip_measures(moves)[:, FREE]), moves, axes=1)
    points = neutral + np.tensordot(differences, by_measure, axes=1)
    return Tracks(np.arange(len(points)) / FPS, (points * EYES_PX + NOSE_PX).astype(np.float32))
