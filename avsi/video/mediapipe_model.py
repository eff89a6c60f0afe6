"""The model file that MediaPipe's Tasks API reads."""

import hashlib
import os
from pathlib import Path

from ..errors import MediaError
from ..files import written_beside

TASK_MODEL_NAME = "face_landmarker.task"
TASK_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
TASK_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


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
