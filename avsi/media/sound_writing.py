"""Writing of sound files: from an array, or as a copy with some spans replaced."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from ..audio.samples import from_float
from ..errors import DataError, MediaError
from ..files import written_beside

if TYPE_CHECKING:
    from .sound_reading import Sound

BLOCK_SAMPLES = 1 << 16


def write_wav(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Write float samples of shape (n,) as 16-bit WAV, complete or not at all.

    Raises:
        DataError: the file cannot be written. It is no MediaError, since the recording is not at fault.
    """
    with written_beside(path) as partial:
        try:
            with sound_writer(partial, rate, 1, "PCM_16", "WAV") as out:
                out.write(from_float(samples, "int16"))
        except MediaError as error:
            raise DataError(str(error)) from error


def copy_patched(
    sound: Sound,
    path: str | Path,
    patches: list[tuple[int, np.ndarray]],
    format_: str,
    subtype: str | None = None,
    comment: str = "",
    progress: Callable = lambda items, total, what: items,
) -> None:
    """Copy ``sound`` to ``path`` with some spans replaced and all other samples unchanged.

    Args:
        patches: (first sample, samples in ``sound.dtype`` of shape (n, channels)), in any order.
        format_: libsndfile's name of the container; WAV becomes RF64 if the file would be larger than 4 GB.
        subtype: libsndfile's name of the sample format; that of ``sound`` by default.
        comment: kept in the file's metadata.
        progress: wraps the loop over blocks of the sound, as :func:`avsi.program.progress` does.
    """
    subtype = subtype or sound.subtype
    if format_ == "WAV" and sound.n_samples * sound.channels * 8 > 4_000_000_000:
        format_ = "RF64"
    with sound_writer(Path(path), sound.rate, sound.channels, subtype, format_) as out:
        if comment:
            out.comment = comment  # before the samples, or players that do not read to the end would miss it
        for start, block in progress(sound.blocks(), -(-sound.n_samples // BLOCK_SAMPLES), "writing the sound"):
            for first, patch in patches:
                begin, end = max(first, start), min(first + len(patch), start + len(block))
                if begin < end:
                    block[begin - start : end - start] = patch[begin - first : end - first]
            out.write(block)


@contextlib.contextmanager
def sound_writer(path: Path, rate: int, channels: int, subtype: str, format_: str) -> Iterator[soundfile.SoundFile]:
    """A sound file, opened for writing. Raises MediaError if it cannot be created or written."""
    try:
        with soundfile.SoundFile(path, "w", rate, channels, subtype, format=format_) as out:
            yield out
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{path}: cannot be written ({_reason(path) or error.error_string})") from error


def _reason(path: Path) -> str:
    """The system's reason why a file cannot be created or grow, which libsndfile does not report; "" if it can."""
    try:
        with path.open("ab") as file:
            file.write(bytes(BLOCK_SAMPLES))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return f"{error.strerror}; is the disk full?" if full else str(error.strerror)
    return ""
