"""Sound files as they are, and the sound track of a video, read at any place.

Everything here works on spans of a file, so that an hour-long recording takes the memory of a short one.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from ..audio.samples import resample, to_float
from ..errors import MediaError
from .containers import check_file
from .sound_tracks import OVER_24_BIT, decode_track
from .sound_writing import BLOCK_SAMPLES

# The type in which a subtype's samples are read and written back without any change.
_EXACT_DTYPE = {
    "PCM_S8": "int16",
    "PCM_U8": "int16",
    "PCM_16": "int16",
    "ALAW": "int16",
    "ULAW": "int16",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "FLOAT": "float32",
    "DOUBLE": "float64",
}


@dataclass(frozen=True)
class Sound:
    """A sound file that was opened and found readable.

    Attributes:
        dtype: the numpy type that holds its samples exactly.
        start_s: when the first sample plays, in seconds of a player's time. The sound of a film may start later than
            its picture; a sound file starts at 0.
        over_24_bit: whether more than 24 bit of its samples were recorded, and not made by decoding a lossy format.
    """

    path: Path
    rate: int
    channels: int
    n_samples: int
    subtype: str
    dtype: str
    start_s: float = 0.0
    over_24_bit: bool = False

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples ``[start, stop)`` in ``self.dtype``; shape (n, channels)."""
        try:
            return soundfile.read(self.path, start=start, stop=stop, dtype=self.dtype, always_2d=True)[0]
        except soundfile.LibsndfileError as error:
            raise MediaError(f"{self.path}: cannot be read ({error.error_string})") from error

    def mono(self, rate: int) -> np.ndarray:
        """All samples as the mean of the channels at ``rate``; float32 of shape (n_samples,), full scale 1.0."""
        samples = to_float(self.read()).mean(axis=1)
        if not np.isfinite(samples).all():
            raise MediaError(f"{self.path}: holds samples that are not a number")
        return resample(samples, self.rate, rate).astype(np.float32)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """The whole file as (first sample, samples of shape (n, channels))."""
        start = 0
        try:
            for block in soundfile.blocks(self.path, BLOCK_SAMPLES, dtype=self.dtype, always_2d=True):
                yield start, block
                start += len(block)
        except soundfile.LibsndfileError as error:
            raise MediaError(f"{self.path}: cannot be read to its end ({error.error_string})") from error


@contextlib.contextmanager
def open_sound(path: str | Path) -> Iterator[Sound]:
    """Open a sound file, or the first sound track of any container that FFmpeg reads.

    A sound track is decoded into a temporary file that lives as long as the context, so that both can be read at any
    place.

    Raises:
        MediaError: no such file, not a sound or video file, truncated beyond use, no sound track, no samples.
    """
    path = Path(path)
    check_file(path)
    sound = _sound_file(path)
    if sound is not None:
        yield _checked(sound, path)
        return
    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        decoded = Path(folder) / "track.wav"
        start, over_24_bit = decode_track(path, decoded)
        sound = _checked(_sound_file(decoded), path)
        yield replace(sound, start_s=start, over_24_bit=over_24_bit)


def read_mono(path: str | Path, rate: int) -> np.ndarray:
    """A whole sound file or track as the mean of its channels at ``rate``; float32 of shape (n_samples,), full scale
    1.0.
    """
    with open_sound(path) as sound:
        return sound.mono(rate)


def _sound_file(path: Path) -> Sound | None:
    """What libsndfile says of a file; None where it does not know it, or cannot read it exactly at any place (MP3)."""
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return None
    if info.subtype not in _EXACT_DTYPE:
        return None
    dtype, over_24_bit = _EXACT_DTYPE[info.subtype], info.subtype in OVER_24_BIT
    return Sound(path, info.samplerate, info.channels, info.frames, info.subtype, dtype, over_24_bit=over_24_bit)


def _checked(sound: Sound, path: Path) -> Sound:
    if sound.n_samples == 0:
        raise MediaError(f"{path}: holds no sound samples")
    return sound
