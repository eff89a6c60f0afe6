"""68 facial landmarks per frame, by MediaPipe's Face Mesh through whichever of its two APIs is installed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AvsiWarning, ConfigError, DataError, FaceError, MediaError
from ..files import written_beside
from .files import frames

# The vertex of MediaPipe's face mesh at each of the 68 points of the Multi-PIE / dlib convention: jaw 0-16, brows
# 17-26, nose 27-35, eyes 36-47, outer lips 48-59, inner lips 60-67.
# fmt: off
MESH_TO_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)
# fmt: on

RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)  # among the 68 points

LOOK_AROUND_S = 1.0  # how often a video of one face is searched for others
MAX_FACES = 8
MIN_SEEN = 0.1  # the share of the frames in which a face must be seen to be counted among several
# How far a face may move from one frame to the next in which it is seen, in distances of its eyes.
MAX_STEP = 1.5

TASK_MODEL_NAME = "face_landmarker.task"
TASK_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
TASK_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


NO_FACE = np.full((68, 2), np.nan, np.float32)


@dataclass(frozen=True)
class Tracks:
    """The landmarks of one face over time.

    Attributes:
        time_s: shape (n,), ascending, in seconds on the clock of the sound.
        points: shape (n, 68, 2), float32, in pixels from the top left; NaN in frames where no face was found.
    """

    time_s: np.ndarray
    points: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Whether each frame shows a face; shape (n,), bool."""
        return ~np.isnan(self.points[:, 0, 0])

    def to_matrix(self) -> np.ndarray:
        """Time and coordinates as one float32 matrix of shape (n, 137), as in a Kaldi archive."""
        return np.hstack([self.time_s[:, None], self.points.reshape(len(self.points), -1)]).astype(np.float32)

    @classmethod
    def from_matrix(cls, matrix: np.ndarray) -> Tracks:
        """Raises DataError for a matrix that is none of :meth:`to_matrix`."""
        if matrix.ndim != 2 or matrix.shape[1] != 137:
            raise DataError(f"expected a time and 68 points a row, 137 columns, found a shape of {matrix.shape}")
        time_s, points = matrix[:, 0], matrix[:, 1:]
        if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
            raise DataError("expected times that ascend")
        if np.isinf(points).any() or (np.isnan(points).any(axis=1) != np.isnan(points).all(axis=1)).any():
            raise DataError("expected in each row all 68 points, or none")
        return cls(time_s.astype(np.float64), points.reshape(-1, 68, 2).astype(np.float32, copy=False))


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
        for time_s, image in progress(frames(path, start_s, stop_s)):
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
        seen = [(time_s, detect(image, time_s)) for time_s, image in progress(frames(path, start_s, stop_s))]
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


@contextmanager
def open_detector(n_faces: int = 1, still: bool = False) -> Iterator:
    """A function (RGB image, its time in seconds) -> for each face points of shape (68, 2), float32, in pixels.

    Args:
        n_faces: how many are looked for.
        still: look at each image afresh. Else images must come in the order of their times: MediaPipe follows the faces
            from one to the next.
    """
    # MediaPipe's C++ log tells every user about its internals; errors still come through as exceptions.
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import mediapipe

        kind = _MeshDetector if hasattr(mediapipe, "solutions") else _TaskDetector
        detector = kind(mediapipe, n_faces, still)
        # The face detector loads with the first image, in a thread of its own; the mesh with the first face.
        detector.meshes(np.zeros((64, 64, 3), np.uint8), 0.0)
    try:
        yield detector.faces
    finally:
        with _quiet_stderr():
            detector.close()


class _Detector:
    """What both APIs share: a face's mesh -> 68 points."""

    _met_a_face = False

    def faces(self, image: np.ndarray, time_s: float) -> list[np.ndarray]:
        """For each face points of shape (68, 2), float32, in pixels."""
        with contextlib.nullcontext() if self._met_a_face else _quiet_stderr():
            meshes = self.meshes(np.ascontiguousarray(image), time_s)
        self._met_a_face |= bool(meshes)
        height, width = image.shape[:2]
        return [np.array([(mesh[i].x * width, mesh[i].y * height) for i in MESH_TO_68], np.float32) for mesh in meshes]


class _MeshDetector(_Detector):
    """`mediapipe.solutions`, up to 0.10.21: the models are inside the wheel."""

    def __init__(self, mediapipe, n_faces: int, still: bool) -> None:
        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
            static_image_mode=still, max_num_faces=n_faces, refine_landmarks=True
        )

    def meshes(self, image: np.ndarray, time_s: float) -> list:
        return [face.landmark for face in self._mesh.process(image).multi_face_landmarks or ()]

    def close(self) -> None:
        self._mesh.close()


class _TaskDetector(_Detector):
    """The Tasks API, the only one from 0.10.30 on: it reads a model file."""

    def __init__(self, mediapipe, n_faces: int, still: bool) -> None:
        vision = mediapipe.tasks.vision
        self._mediapipe = mediapipe
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(task_model())),
                running_mode=vision.RunningMode.IMAGE if still else vision.RunningMode.VIDEO,
                num_faces=n_faces,
            )
        )
        self._still = still
        self._last_ms = -1

    def meshes(self, image: np.ndarray, time_s: float) -> list:
        frame = self._mediapipe.Image(self._mediapipe.ImageFormat.SRGB, image)
        if self._still:
            return self._landmarker.detect(frame).face_landmarks
        # The API wants strictly rising times in whole milliseconds.
        self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
        return self._landmarker.detect_for_video(frame, self._last_ms).face_landmarks

    def close(self) -> None:
        self._landmarker.close()


def task_model() -> Path:
    """The model file of the Tasks API: from ``AVSI_FACE_LANDMARKER``, or the user's cache, or downloaded to the cache.

    Raises:
        MediaError: it is in neither place and cannot be downloaded, or is not the file it should be.
    """
    given = os.environ.get("AVSI_FACE_LANDMARKER")
    path = Path(given) if given else _cache_folder() / TASK_MODEL_NAME
    if not path.is_file() and not given:
        _download(path)
    if not path.is_file():
        raise MediaError(f"{path}: no such file; AVSI_FACE_LANDMARKER must name MediaPipe's {TASK_MODEL_NAME}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != TASK_MODEL_SHA256:
        raise MediaError(f"{path}: not the expected release of {TASK_MODEL_NAME}; delete it or name another")
    return path


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avsi"


def _download(path: Path) -> None:
    import urllib.request

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(TASK_MODEL_URL, timeout=60) as response, written_beside(path) as partial:
            partial.write_bytes(response.read())
    except OSError as error:
        raise MediaError(
            f"{path}: this release of MediaPipe needs its model file, and the download failed ({error}); fetch "
            f"{TASK_MODEL_URL} elsewhere and name it in AVSI_FACE_LANDMARKER, or install mediapipe==0.10.21"
        ) from error


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what C++ code writes to the error stream before its log level is set."""
    keep = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(null)
