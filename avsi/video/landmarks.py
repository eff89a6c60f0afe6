"""One face followed through a video: which of several, and its 68 landmarks in each frame."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import AvsiWarning, ConfigError, FaceError
from ..media.video_reading import read_frames
from .detector import open_detector
from .tracks import LEFT_EYE, RIGHT_EYE, Tracks

LOOK_AROUND_S = 1.0  # how often a video of one face is searched for others
MAX_FACES = 8
MIN_SEEN = 0.1  # the share of the frames in which a face must be seen to be counted among several
# How far a face may move from one frame to the next in which it is seen, in distances of its eyes.
MAX_STEP = 1.5
NO_FACE = np.full((68, 2), np.nan, np.float32)


def track_face(
    path: str | Path,
    start_s: float | None = None,
    stop_s: float | None = None,
    progress: Callable = iter,
    face: int | None = None,
) -> Tracks:
    """The landmarks in every frame of a video with ``start_s <= time < stop_s``.

    Args:
        progress: wraps the loop over the frames.
        face: which of several, from 1 on, counted from the left; by default the largest, and a warning says so.

    Raises:
        MediaError: the video cannot be read, or MediaPipe cannot be used.
        FaceError: no frame shows a face.
        ConfigError: a face of a number that is not there.
    """
    times, points, several, due_s = [], [], False, -np.inf
    with open_detector() as detect, open_detector(MAX_FACES, still=True) as look_around:
        for time_s, image in progress(read_frames(path, start_s, stop_s)):
            times.append(time_s)
            points.append((detect(image, time_s) or [NO_FACE])[0])
            if time_s >= due_s and not several:
                several, due_s = len(look_around(image, time_s)) > 1, time_s + LOOK_AROUND_S
    tracks = Tracks(np.array(times), np.array(points, dtype=np.float32).reshape(-1, 68, 2))
    faces = _track_faces(path, start_s, stop_s, progress) if several else []
    if len(faces) < 2:  # a second one for a moment is none
        faces = [tracks]
    if not any(each.found.any() for each in faces):
        raise FaceError(f"{path}: no face was found in any of its {len(times)} frames")
    where = f"{path}" if start_s is None else f"{path}, from {max(start_s, 0.0):.2f} s on"
    return _chosen(where, faces, face)


def _chosen(where: str, faces: list[Tracks], face: int | None) -> Tracks:
    if face is None:
        # A face that is seen for half of the time counts for half.
        sizes = [np.nansum(_eye_distance(each.points)) for each in faces]
        face = int(np.argmax(sizes)) + 1
        if len(faces) > 1:
            others = f"face {3 - face} is the other" if len(faces) == 2 else "another can be chosen"
            warnings.warn(
                f"{where}: {len(faces)} faces are seen; the largest, face {face} from the left, was taken; {others}",
                AvsiWarning,
                stacklevel=3,
            )
    if not 1 <= face <= len(faces):
        raise ConfigError(
            f"{where}: there is no face {face}; {len(faces)} {'is' if len(faces) == 1 else 'are'} seen, counted from 1 "
            "on from the left"
        )
    return faces[face - 1]


def _track_faces(path: str | Path, start_s: float | None, stop_s: float | None, progress: Callable) -> list[Tracks]:
    """All faces that are seen for some time, from the left to the right."""
    with open_detector(MAX_FACES) as detect:
        seen = [(time_s, detect(image, time_s)) for time_s, image in progress(read_frames(path, start_s, stop_s))]
    linked = [points for points in link_faces([faces for _, faces in seen]) if _share_seen(points) >= MIN_SEEN]
    linked.sort(key=lambda points: np.nanmean(points[..., 0]))
    return [Tracks(np.array([time_s for time_s, _ in seen]), points) for points in linked]


def _share_seen(points: np.ndarray) -> float:
    return 1 - np.isnan(points[:, 0, 0]).mean()


def link_faces(seen: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Follow faces from frame to frame: each goes on where it was last seen near by; else it is a new one.

    Args:
        seen: for each frame its faces, in any order; each of shape (68, 2).

    Returns:
        For each face its points in every frame, shape (n_frames, 68, 2), float32; NaN where it is not seen.
    """
    tracks: list[np.ndarray] = []
    last: list[np.ndarray] = []
    for number, faces in enumerate(seen):
        steps = [
            (np.linalg.norm((here - there).mean(axis=0)) / _eye_distance(there), track, index)
            for track, there in enumerate(last)
            for index, here in enumerate(faces)
        ]
        track_of: dict[int, int] = {}
        for step, track, index in sorted(steps):
            if step <= MAX_STEP and index not in track_of and track not in track_of.values():
                track_of[index] = track
        for index, points in enumerate(faces):
            track = track_of.get(index, len(tracks))
            if track == len(tracks):
                tracks.append(np.full((len(seen), 68, 2), np.nan, np.float32))
                last.append(points)
            tracks[track][number] = last[track] = points
    return tracks


def _eye_distance(points: np.ndarray) -> np.ndarray:
    """The distance between the eyes in pixels, of points of shape (..., 68, 2)."""
    across = points[..., RIGHT_EYE, :].mean(axis=-2) - points[..., LEFT_EYE, :].mean(axis=-2)
    return np.linalg.norm(across, axis=-1)
