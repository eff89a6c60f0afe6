"""One face followed through a video: which of several, and its 68 landmarks in each frame."""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from ..errors import AvsiWarning, ConfigError, FaceError
from ..media.video_reading import open_picture
from ..timebase import join_stretches
from .face_detector import Detector, open_detector
from .tracks import LEFT_EYE, RIGHT_EYE, Tracks

LOOK_AROUND_S = 1.0  # how often a video of one face is searched for others
MAX_FACES = 8
MIN_SEEN = 0.1  # the share of the frames in which a face must be seen to be counted among several
# How far a face may move from one frame to the next in which it is seen, in distances of its eyes.
MAX_STEP = 1.5
NO_FACE = np.full((68, 2), np.nan, np.float32)
Faces = tuple[Sequence[float], Sequence[np.ndarray]]  # the times of a stretch's frames, and the points of its faces
Seen = list[Faces]


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
    whole = (-np.inf if start_s is None else start_s, np.inf if stop_s is None else stop_s)
    [tracks] = track_each_stretch(path, [whole], progress, face)
    if not tracks.found.any():
        raise FaceError(f"{path}: no face was found in any of its {len(tracks.time_s)} frames")
    return tracks


def track_each_stretch(
    path: str | Path, stretches: Sequence[tuple[float, float]], progress: Callable = iter, face: int | None = None
) -> list[Tracks]:
    """The landmarks in every frame of several stretches (start_s, stop_s) of a video.

    Each frame is looked at once, also where stretches overlap. Only if a second face appears after the start of a
    stretch, that stretch begins anew: a detector of several faces that starts midway would find other points.

    Args:
        progress: wraps the loop over the frames.
        face: which of several people, from 1 on, counted from the left over all stretches together. From one stretch to
            the next people keep their order from left to right; where fewer are seen, they are matched by place and
            size. By default the largest face of each stretch, since a cut may show others, and a warning says so.

    Returns:
        One for each stretch, in the same order; one without a face has no points in any of its frames.

    Raises:
        MediaError, ConfigError: as :func:`track_face`.
    """
    joined = join_stretches(stretches)
    seen: Seen = []
    for _ in progress(_look(path, joined, stretches, seen)):
        pass
    if face is not None and any(faces for _, faces in seen):
        chosen = person(_where(path, joined[0][0]), seen, face)
        return [chosen.between(*stretch) for stretch in stretches]
    return [
        largest(path, stretch, *of)
        for stretch in stretches
        for of, (start_s, stop_s) in zip(seen, joined, strict=True)
        if start_s <= stretch[0] <= stop_s
    ]


def faces_in(path: str | Path, stretch: tuple[float, float], progress: Callable = iter) -> Faces:
    """All faces of one stretch (start_s, stop_s) of a video, for :func:`person` and :func:`largest` to choose from.

    Args:
        progress: wraps the loop over the frames.

    Returns:
        The times of the frames in seconds, and for each face its points, shape (n_frames, 68, 2); NaN where not seen.

    Raises:
        MediaError: as :func:`track_face`.
    """
    seen: Seen = []
    for _ in progress(_look(path, [stretch], [stretch], seen)):
        pass
    return seen[0]


def person(where: str, seen: Sequence[Faces], face: int) -> Tracks:
    """One of several people, counted from the left over all stretches together.

    Args:
        where: begins the message.
        seen: disjoint stretches in ascending order, at least one of which shows a face.

    Raises:
        ConfigError: a face of a number that is not there.
    """
    times_s = np.concatenate([times_s for times_s, _ in seen])
    people = join_faces([(len(times_s), faces) for times_s, faces in seen])
    return _chosen(where, [Tracks(times_s, points) for points in people], face)


def largest(
    path: str | Path, stretch: tuple[float, float], times_s: Sequence[float], faces: Sequence[np.ndarray]
) -> Tracks:
    """The largest face of a stretch, out of those of a longer one; a warning says so where there are several."""
    tracks = [Tracks(np.array(times_s), points).between(*stretch) for points in faces]
    visible = [each for each in tracks if each.found.any()]
    candidates = [each for each in visible if each.found.mean() >= MIN_SEEN] or visible[:1]
    if not candidates:
        nothing = Tracks(np.array(times_s), np.full((len(times_s), 68, 2), np.nan, np.float32))
        return nothing.between(*stretch)
    candidates.sort(key=lambda each: np.nanmean(each.points[..., 0]))
    return _chosen(_where(path, stretch[0]), candidates, None)


def _where(path: str | Path, start_s: float) -> str:
    return f"{path}" if np.isinf(start_s) else f"{path}, from {max(start_s, 0.0):.2f} s on"


def _look(
    path: str | Path, stretches: list[tuple[float, float]], asked: Sequence[tuple[float, float]], seen: Seen
) -> Iterator[None]:
    """Add to ``seen`` for each stretch the times of its frames and the points of its faces; a step for each frame.

    Args:
        stretches: disjoint; those ``asked`` for lie in them. A face counts that is seen for long enough in one of them.
    """
    with (
        open_detector() as follow_one,
        open_detector(MAX_FACES) as follow_all,
        open_detector(MAX_FACES, still=True) as look_around,
        open_picture(path) as picture,
    ):
        for stretch in stretches:
            times_s, found, several = yield from _followed(picture.frames(*stretch), follow_one, look_around)
            if several:
                times_s, found, _ = yield from _followed(picture.frames(*stretch), follow_all)
                lengths = [sum(start_s <= time_s < stop_s for time_s in times_s) for start_s, stop_s in asked]
                least = MIN_SEEN * min(filter(None, lengths))
                faces = [points for points in link_faces(found) if (~np.isnan(points[:, 0, 0])).sum() >= least]
                if len(faces) > 1:
                    seen.append((times_s, faces))
                    continue
                # A second one for a moment is none.
                times_s, found, _ = yield from _followed(picture.frames(*stretch), follow_one)
            points = np.array([(faces or [NO_FACE])[0] for faces in found], np.float32)
            seen.append((times_s, [points] if any(found) else []))


def _followed(
    images: Iterator[tuple[float, np.ndarray]], detect: Detector, look_around: Detector | None = None
) -> Generator[None, None, tuple[list[float], list[list[np.ndarray]], bool]]:
    """The times of a stretch's frames, the faces in each, and whether it ended early: ``look_around`` saw several."""
    times_s: list[float] = []
    found: list[list[np.ndarray]] = []
    due_s = -np.inf
    detect.reset()
    for time_s, image in images:
        if look_around and time_s >= due_s:
            if len(look_around(image, time_s)) > 1:
                return times_s, found, True
            due_s = time_s + LOOK_AROUND_S
        times_s.append(time_s)
        found.append(detect(image, time_s))
        yield
    return times_s, found, False


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


def join_faces(stretches: Sequence[tuple[int, Sequence[np.ndarray]]]) -> list[np.ndarray]:
    """Faces of several stretches of a video -> people, from the left to the right.

    There are as many as the stretch with the most faces shows. Where fewer are seen, each is one of these, in the same
    order, so that places and sizes fit best.

    Args:
        stretches: for each its number of frames, and its faces of shape (n_frames, 68, 2); NaN where not seen.

    Returns:
        For each person the points in all frames of all stretches.
    """
    ordered = [sorted(faces, key=lambda points: np.nanmean(points[..., 0])) for _, faces in stretches]
    all_ = max(ordered, key=len)
    people: list[list[np.ndarray]] = [[] for _ in all_]
    for (n_frames, _), faces in zip(stretches, ordered, strict=True):
        apart = [[_apart(face, person) for person in all_] for face in faces]
        places = min(
            combinations(range(len(all_)), len(faces)),
            key=lambda places: sum(row[place] for row, place in zip(apart, places, strict=True)),
        )
        points_at = dict(zip(places, faces, strict=True))
        for place, person in enumerate(people):
            person.append(points_at.get(place, np.full((n_frames, 68, 2), np.nan, np.float32)))
    return [np.concatenate(person) for person in people]


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two faces are from each other on the whole, in distances of the eyes, and in octaves of their size."""
    (place, size), (there, its_size) = (
        (np.nanmean(points, axis=(0, 1)), np.nanmean(_eye_distance(points))) for points in (one, other)
    )
    return float(np.linalg.norm(place - there) / its_size + abs(np.log2(size / its_size)))


def _eye_distance(points: np.ndarray) -> np.ndarray:
    """The distance between the eyes in pixels, of points of shape (..., 68, 2)."""
    across = points[..., RIGHT_EYE, :].mean(axis=-2) - points[..., LEFT_EYE, :].mean(axis=-2)
    return np.linalg.norm(across, axis=-1)
