"""Where the features of a data set are kept, so that they are computed once: on disk, in memory or nowhere."""

import shutil
import warnings
from functools import partial
from pathlib import Path

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
    missing = files.missing()
    size = size_of(data) * len(missing) / len(files)
    try:
        _check_room(files.folder, size, settings.cache_disk_gb * GB)
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


def _check_room(folder: Path, size: float, most: float) -> None:
    """Raise DataError where files of a size may not be written into a folder, which may not exist."""
    check_folder(folder)
    there = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if size and there + size > most:
        raise DataError(
            f"{folder}: {_gb(size)} of features would be added to {_gb(there)}, above the {_gb(most)} of "
            "training.cache_disk_gb; raise it, delete old files there, or take training.half_features=true"
        )
    free = shutil.disk_usage(next(path for path in (folder, *folder.absolute().parents) if path.exists())).free
    if size + SPARE_GB * GB > free and size:
        raise DataError(
            f"{folder}: {_gb(size)} of features would be written where {_gb(free)} are free; AVSI_CACHE names another "
            "folder, and training.half_features=true halves them"
        )


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
