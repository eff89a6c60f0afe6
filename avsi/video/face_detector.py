"""68 landmarks of each face in an image, by MediaPipe's Face Mesh through whichever of its two APIs is installed."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from .mediapipe_model import TASK_MODEL_SHA256, task_model

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


@contextmanager
def open_detector(n_faces: int = 1, still: bool = False) -> Iterator[Detector]:
    """A detector of faces; MediaPipe loads with the first image that it looks at.

    Args:
        n_faces: how many are looked for.
        still: look at each image afresh. Else images must come in the order of their times: MediaPipe follows the faces
            from one to the next.
    """
    mediapipe, kind = _installed()
    detector = kind(mediapipe, n_faces, still)
    try:
        yield detector
    finally:
        with _quiet_stderr():
            detector.close()


def detector_identity() -> str:
    """What the landmarks of a face depend on beside its video: the release of MediaPipe, its API, and the model file
    that this reads.
    """
    return f"mediapipe {version('mediapipe')} {_installed()[1].identity}"


def _installed() -> tuple[ModuleType, type[Detector]]:
    """MediaPipe, and the detector for the API that it has."""
    # MediaPipe's C++ log tells every user about its internals; errors still come through as exceptions.
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import mediapipe
    return mediapipe, _MeshDetector if hasattr(mediapipe, "solutions") else _TaskDetector


class Detector(ABC):
    """What both APIs share: a face's mesh -> 68 points."""

    identity: ClassVar[str]
    _begun = _found_a_face = False

    def __init__(self, mediapipe: ModuleType, n_faces: int, still: bool) -> None:
        self.mediapipe, self.n_faces, self.still = mediapipe, n_faces, still
        self.api: Any = None  # MediaPipe's own detector; it comes without types

    def __call__(self, image: np.ndarray, time_s: float) -> list[np.ndarray]:
        """For each face in an RGB image points of shape (68, 2), float32, in pixels."""
        with contextlib.nullcontext() if self._found_a_face else _quiet_stderr():
            if not self._begun:
                self.begin()
                # The face detector loads with the first image, in a thread of its own; the mesh with the first face.
                self.meshes(np.zeros((64, 64, 3), np.uint8), 0.0)
                self._begun = True
            meshes = self.meshes(np.ascontiguousarray(image), time_s)
        self._found_a_face |= bool(meshes)
        height, width = image.shape[:2]
        return [np.array([(mesh[i].x * width, mesh[i].y * height) for i in MESH_TO_68], np.float32) for mesh in meshes]

    def reset(self) -> None:
        """Forget the faces: the next image is seen as if it were the first."""
        self._begun = self._found_a_face = False

    @abstractmethod
    def begin(self) -> None:
        """Load what finds faces, or make it forget those that it follows."""

    @abstractmethod
    def meshes(self, image: np.ndarray, time_s: float) -> list:
        """The vertices of each face's mesh, with ``x`` and ``y`` as shares of the width and the height."""

    def close(self) -> None:
        if self.api is not None:
            self.api.close()


class _MeshDetector(Detector):
    """`mediapipe.solutions`, up to 0.10.21: the models are inside the wheel."""

    identity = "solutions"

    def begin(self) -> None:
        if self.api is None:
            self.api = self.mediapipe.solutions.face_mesh.FaceMesh(
                static_image_mode=self.still, max_num_faces=self.n_faces, refine_landmarks=True
            )
        else:
            self.api.reset()

    def meshes(self, image: np.ndarray, time_s: float) -> list:
        return [face.landmark for face in self.api.process(image).multi_face_landmarks or ()]


class _TaskDetector(Detector):
    """The Tasks API, the only one from 0.10.30 on: it reads a model file."""

    identity = f"tasks {TASK_MODEL_SHA256}"  # no other file is taken

    def begin(self) -> None:
        self.close()  # it cannot be made to forget
        vision = self.mediapipe.tasks.vision
        self.api = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=self.mediapipe.tasks.BaseOptions(model_asset_path=str(task_model())),
                running_mode=vision.RunningMode.IMAGE if self.still else vision.RunningMode.VIDEO,
                num_faces=self.n_faces,
            )
        )
        self._last_ms = -1

    def meshes(self, image: np.ndarray, time_s: float) -> list:
        frame = self.mediapipe.Image(self.mediapipe.ImageFormat.SRGB, image)
        if self.still:
            return self.api.detect(frame).face_landmarks
        # The API wants strictly rising times in whole milliseconds.
        self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
        return self.api.detect_for_video(frame, self._last_ms).face_landmarks


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
