"""Where the features of a data set are kept, so that they are computed once: on disk, in memory or nowhere."""

import math
import os
import shlex
import shutil
import warnings
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from ..config import TrainingConfig
from ..data.feature_files import FeatureFiles
from ..errors import AvsiWarning, DataError
from ..folders import check_folder, in_turn, user_cache
from ..program import progress
from .dataset import SpeechData
from .loading import Loader

GB = 1e9
SPARE_GB = 1.0  # that stay free on the disk


def keep_features(data: SpeechData, processes: int, makes: bool, tells: bool) -> None:
    """Choose by ``training.cache`` where a data set keeps its features, and make the files that are missing on disk.

    Args:
        processes: of this run on this host, each of which would have a memory of its own.
        makes: whether this process makes the files. Others call this when they are there.
        tells: whether it says what it makes, and how far it is.

    Raises:
        DataError: features cannot be made, or there is no room for those that are to be on disk.
    """
    settings = data.config.training
    place = settings.cache
    if place == "memory" and settings.workers:
        told = "training.cache: memory keeps nothing where training.workers load the data; disk does"
        warnings.warn(told, AvsiWarning, stacklevel=2)
    if place == "auto" and not settings.workers and size_of(data) * processes <= settings.cache_memory_gb * GB:
        place = "memory"
    data.keep(place if place in ("memory", "none") else "none")
    if place not in ("auto", "disk"):
        return
    files = data.files_in(user_cache() / "features")
    if makes:
        files.mark_used()
    missing = files.missing()
    size = size_of(data) * len(missing) / len(files)
    try:
        _check_room(files, size, settings)
    except DataError as error:
        if place == "disk":
            raise
        warnings.warn(f"features are computed in each epoch, since not all can be kept: {error}", AvsiWarning, 2)
        return
    if missing and makes:
        if tells:
            print(f"features are made and kept: {_gb(size)} in {files.folder}")
        _make(data, files, tells)
    data.keep(files)


def size_of(data: SpeechData) -> float:
    """About how many bytes the features of a data set take, by those of its first utterance."""
    one = sum(tensor.nbytes for tensor in data.make(0).values()) / data.utterances[0].duration_s
    return one * sum(utterance.duration_s for utterance in data.utterances)


def _check_room(files: FeatureFiles, size: float, settings: TrainingConfig) -> None:
    """Raise DataError where what is missing of some files, of a size, may not be written into their folder."""
    folder, found = files.folder, {}
    check_folder(folder)
    if not size:
        return
    for path in folder.glob("*.safetensors"):
        with suppress(FileNotFoundError):  # a temporary file of another run
            found[path] = path.stat()
    there = sum(stat.st_size for stat in found.values())
    others = [stat for path, stat in found.items() if path not in files.paths]
    halve = "" if settings.half_features else "; training.half_features=true halves them"
    most = settings.cache_disk_gb * GB
    if (above := there + size - most) > 0:
        raise DataError(
            f"{folder}: {_gb(size)} of features would be added to {_gb(there)}, above the {_gb(most)} of "
            f"training.cache_disk_gb, which may be raised{halve}{_or_delete(folder, others, above)}"
        )
    free = shutil.disk_usage(next(path for path in (folder, *folder.absolute().parents) if path.exists())).free
    if (lacking := size + SPARE_GB * GB - free) > 0:
        raise DataError(
            f"{folder}: {_gb(size)} of features would be written where {_gb(free)} are free; AVSI_CACHE names another "
            f"folder{halve}{_or_delete(folder, others, lacking)}"
        )


def _or_delete(folder: Path, others: list[os.stat_result], size: float) -> str:
    """How to delete as much as a size of the files of other settings and data, those first that were not used for the
    longest time; nothing where there is not as much. It is left to the user: whether a run on another host uses a file
    is not known for certain, since locks do not reach other hosts on every network drive.
    """
    for last_s in sorted({math.ceil(stat.st_atime) for stat in others}):
        total = sum(stat.st_size for stat in others if stat.st_atime <= last_s)
        if total >= size:
            last = datetime.fromtimestamp(last_s).isoformat(" ")
            return (
                f"; or, if no run uses them, delete the {_gb(total)} that were last used by {last}: "
                f"find {shlex.quote(str(folder))} -name '*.safetensors' ! -newerat '{last}' -delete"
            )
    return ""


def _gb(size: float) -> str:
    return f"{size / GB:.2g} GB" if size < 100 * GB else f"{size / GB:.0f} GB"


def _make(data: SpeechData, files: FeatureFiles, tells: bool) -> None:
    """Make the files that are missing, unless another process makes them."""
    files.folder.mkdir(parents=True, exist_ok=True)
    with in_turn(files.folder / f".{files.name}.lock"):
        missing = files.missing()
        made = Loader(partial(_write, data, files), missing, data.config.training.workers)
        for _ in progress(made, len(missing), "features") if tells else made:
            pass


def _write(data: SpeechData, files: FeatureFiles, number: int) -> None:
    files.write(number, [data.make(index) for index in files.indices(number)])
