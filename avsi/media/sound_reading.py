"""Random access to the samples of sound files and of the sound tracks of videos.

Spans are read one at a time, so that an hour-long recording takes as little memory as a short one.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from ..audio.samples import resample, to_float
from ..errors import MediaError
from .containers import check_file
from .sound_decoding import OVER_24_BIT, decode_track
from .sound_writing import BLOCK_SAMPLES

# By libsndfile subtype, the numpy type in which samples are read and written back without any change.
_EXACT_DTYPE = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "PCM_16", "ALAW", "ULAW"), "int16"),
    **dict.fromkeys(("PCM_24", "PCM_32"), "int32"),
    "FLOAT": "float32",
    "DOUBLE": "float64",
}


@dataclass(frozen=True)
class Sound:
    """A readable sound file.

    Attributes:
        dtype: the numpy type that holds its samples exactly.
        start_s: when a player plays the first sample, in seconds. The sound of a video may start later than its
            picture; a sound file starts at 0.
        over_24_bit: whether its samples have more than 24 significant bits that do not come from decoding a lossy
            format.
        holes: where the time stamps of its container skip, samples [start, stop) that are zeros in place of what is
            missing.
        only: the one channel that is read; None for all.
    """

    path: Path
    rate: int
    channels: int
    n_samples: int
    subtype: str
    dtype: str
    start_s: float = 0.0
    over_24_bit: bool = False
    holes: tuple[tuple[int, int], ...] = ()
    only: int | None = None

    def channel(self, number: int) -> Sound:
        """One of its channels, from 0 on, as a sound of one."""
        return replace(self, channels=1, only=number)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples ``[start, stop)`` in ``self.dtype``; shape (n, channels)."""
        try:
            samples = soundfile.read(self.path, start=start, stop=stop, dtype=self.dtype, always_2d=True)[0]
            return samples if self.only is None else samples[:, [self.only]]
        except soundfile.LibsndfileError as error:
            raise MediaError(f"{self.path}: cannot be read ({error.error_string})") from error

    def mono(self, rate: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples ``[start, stop)`` as the mean of the channels at ``rate``; float32 of shape (n_samples,), full scale
        1.0.
        """
        samples = to_float(self.read(start, stop)).mean(axis=1)
        if not np.isfinite(samples).all():
            raise MediaError(f"{self.path}: holds samples that are not a number")
        return resample(samples, self.rate, rate).astype(np.float32)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """The whole file as (first sample, samples of shape (n, channels))."""
        start = 0
        try:
            for block in soundfile.blocks(self.path, BLOCK_SAMPLES, dtype=self.dtype, always_2d=True):
                yield start, block if self.only is None else block[:, [self.only]]
                start += len(block)
        except soundfile.LibsndfileError as error:
            raise MediaError(f"{self.path}: cannot be read to its end ({error.error_string})") from error


@contextlib.contextmanager
def open_sound(path: str | Path, progress: Callable = lambda items, total, what: items) -> Iterator[Sound]:
    """Open a sound file, or the first sound track of any container that FFmpeg reads.

    A sound track is decoded into a temporary file, which is deleted when the context ends. ``progress`` is as of
    :func:`.decode_track`.

    Raises:
        MediaError: no such file, not a sound or video file, truncated beyond use, no sound track, no samples.
    """
    path = Path(path)
    sound = sound_file(path)
    if sound is not None:
        yield sound
        return
    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        yield decoded_sound(path, Path(folder) / "track.wav", progress)


def sound_file(path: Path) -> Sound | None:
    """A sound file that is read in place; None for what has to be decoded first. Raises MediaError as
    :func:`open_sound`.
    """
    check_file(path)
    sound = _sound_file(path)
    return None if sound is None else _checked(sound, path)


def decoded_sound(path: Path, wav: Path, progress: Callable = lambda items, total, what: items) -> Sound:
    """The first sound track of a container, decoded into a WAV file that stays."""
    track = decode_track(path, wav, progress)
    sound = _checked(_sound_file(wav), path)
    return replace(sound, start_s=track.start_s, over_24_bit=track.over_24_bit, holes=track.holes)


def read_mono(path: str | Path, rate: int) -> np.ndarray:
    """A whole sound file or track as the mean of its channels at ``rate``; float32 of shape (n_samples,), full scale
    1.0.
    """
    with open_sound(path) as sound:
        return sound.mono(rate)


def _sound_file(path: Path) -> Sound | None:
    """A file as libsndfile reads it; None if it does not know the format, or cannot seek in it exactly (MP3)."""
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return None
    if info.subtype not in _EXACT_DTYPE:
        return None
    dtype, over_24_bit = _EXACT_DTYPE[info.subtype], info.subtype in OVER_24_BIT
    return Sound(path, info.samplerate, info.channels, info.frames, info.subtype, dtype, over_24_bit=over_24_bit)


def _checked(sound: Sound | None, path: Path) -> Sound:
    if sound is None or sound.n_samples == 0:
        raise MediaError(f"{path}: holds no sound samples")
    return sound
