"""68 facial landmarks per frame, by MediaPipe's Face Mesh through whichever of its two APIs is installed."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, FaceError, MediaError
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

TASK_MODEL_NAME = "face_landmarker.task"
TASK_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
TASK_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


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
    path: str | Path, start_s: float | None = None, stop_s: float | None = None, progress: Callable = iter
) -> Tracks:
    """The landmarks in every frame of a video with ``start_s <= time < stop_s``; ``progress`` wraps the loop over the
    frames.

    Raises:
        MediaError: the video cannot be read, or MediaPipe cannot be used.
        FaceError: no frame shows a face.
    """
    times, points = [], []
    with open_detector() as detect:
        for time_s, image in progress(frames(path, start_s, stop_s)):
            times.append(time_s)
            points.append(detect(image, time_s))
    tracks = Tracks(np.array(times), np.array(points, dtype=np.float32).reshape(-1, 68, 2))
    if not tracks.found.any():
        raise FaceError(f"{path}: no face was found in any of its {len(times)} frames")
    return tracks


@contextmanager
def open_detector() -> Iterator:
    """A function (RGB image, its time in seconds) -> points of shape (68, 2) in pixels, NaN without a face.

    Images must come in the order of their times: MediaPipe follows the face from frame to frame.
    """
    # MediaPipe's C++ log tells every user about its internals; errors still come through as exceptions.
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import mediapipe

        detector = _MeshDetector(mediapipe) if hasattr(mediapipe, "solutions") else _TaskDetector(mediapipe)
        # The face detector loads with the first image, in a thread of its own; the mesh with the first face.
        detector.mesh(np.zeros((64, 64, 3), np.uint8), 0.0)
    try:
        yield detector.points
    finally:
        with _quiet_stderr():
            detector.close()


class _Detector:
    """What both APIs share: one face's mesh -> 68 points."""

    _met_a_face = False

    def points(self, image: np.ndarray, time_s: float) -> np.ndarray:
        """Points of shape (68, 2), float32, in pixels; NaN without a face."""
        with contextlib.nullcontext() if self._met_a_face else _quiet_stderr():
            mesh = self.mesh(np.ascontiguousarray(image), time_s)
        if mesh is None:
            return np.full((68, 2), np.nan, np.float32)
        self._met_a_face = True
        height, width = image.shape[:2]
        return np.array([(mesh[i].x * width, mesh[i].y * height) for i in MESH_TO_68], np.float32)


class _MeshDetector(_Detector):
    """`mediapipe.solutions`, up to 0.10.21: the models are inside the wheel."""

    def __init__(self, mediapipe) -> None:
        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)

    def mesh(self, image: np.ndarray, time_s: float):
        faces = self._mesh.process(image).multi_face_landmarks
        return faces[0].landmark if faces else None

    def close(self) -> None:
        self._mesh.close()


class _TaskDetector(_Detector):
    """The Tasks API, the only one from 0.10.30 on: it reads a model file."""

    def __init__(self, mediapipe) -> None:
        vision = mediapipe.tasks.vision
        self._mediapipe = mediapipe
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(task_model())),
                running_mode=vision.RunningMode.VIDEO,
            )
        )
        self._last_ms = -1

    def mesh(self, image: np.ndarray, time_s: float):
        # The API wants strictly rising times in whole milliseconds.
        self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
        frame = self._mediapipe.Image(self._mediapipe.ImageFormat.SRGB, image)
        faces = self._landmarker.detect_for_video(frame, self._last_ms).face_landmarks
        return faces[0] if faces else None

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
