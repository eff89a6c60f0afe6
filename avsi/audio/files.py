"""Read and write sound: sound files as they are, and the sound track of a video.

Everything here works on spans of a file, so that an hour-long recording takes the memory of a short one.
"""

from __future__ import annotations

import contextlib
import errno
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from ..containers import check_file, decoded_frames, open_container, start_s
from ..errors import AvsiWarning, DataError, MediaError
from ..files import written_beside
from ..timebase import to_samples, to_seconds

BLOCK_SAMPLES = 1 << 16
HOLE_S = 0.02  # more than timestamps are rounded by

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
_OVER_24_BIT = ("PCM_32", "FLOAT", "DOUBLE")
# The types in which PyAV may hand out decoded sound, and the WAV subtype that holds them exactly.
_SUBTYPE_OF_DECODED = {"u8": "PCM_U8", "s16": "PCM_16", "s32": "PCM_32", "flt": "FLOAT", "dbl": "DOUBLE"}


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
        start, over_24_bit = _decode_track(path, decoded)
        sound = _checked(_sound_file(decoded), path)
        yield replace(sound, start_s=start, over_24_bit=over_24_bit)


def read_mono(path: str | Path, rate: int) -> np.ndarray:
    """A whole sound file or track as the mean of its channels at ``rate``; float32 of shape (n_samples,), full scale
    1.0.
    """
    with open_sound(path) as sound:
        return sound.mono(rate)


def to_float(samples: np.ndarray) -> np.ndarray:
    """Samples of any type as float64 with full scale 1.0; same shape.

    Raises:
        MediaError: an integer type other than 8, 16 and 32 bit, or something that is not a number.
    """
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128
    if samples.dtype in (np.int8, np.int16, np.int32):
        return samples / -float(np.iinfo(samples.dtype).min)
    if np.issubdtype(samples.dtype, np.floating):
        return samples.astype(np.float64)
    raise MediaError(f"samples of type {samples.dtype}: expected float, int16, int32 or 8 bit")


def from_float(samples: np.ndarray, dtype: np.dtype | str) -> np.ndarray:
    """The inverse of :func:`to_float`: rounded, and limited to what the type holds."""
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.floating):
        return samples.astype(dtype)
    middle = 128.0 if dtype == np.uint8 else 0.0
    info = np.iinfo(dtype)
    scale = (float(info.max) - middle) + 1
    return np.clip(np.rint(samples * scale + middle), info.min, info.max).astype(dtype)


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Polyphase resampling along the first axis with SciPy's default anti-aliasing filter; ``ceil(n * new / old)``
    samples.
    """
    if rate == new_rate:
        return samples
    from scipy.signal import resample_poly

    return resample_poly(samples, new_rate, rate, axis=0)


def write_wav(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Write float samples of shape (n,) as 16-bit WAV, complete or not at all.

    Raises:
        DataError: it cannot be written, which is no fault of the recording that the samples are from.
    """
    with written_beside(path) as partial:
        try:
            with _writing(partial, rate, 1, "PCM_16", "WAV") as out:
                out.write(from_float(samples, np.int16))
        except MediaError as error:
            raise DataError(str(error)) from error


def copy_patched(
    sound: Sound, path: str | Path, patches: list[tuple[int, np.ndarray]], format_: str, subtype: str | None = None
) -> None:
    """Write ``sound`` to ``path`` with spans replaced, all other samples unchanged.

    Args:
        patches: (first sample, samples in ``sound.dtype`` of shape (n, channels)), in any order.
        format_: libsndfile's name of the container; WAV becomes RF64 where the file is too large for it.
        subtype: libsndfile's name of the sample format; that of ``sound`` by default.
    """
    subtype = subtype or sound.subtype
    if format_ == "WAV" and sound.n_samples * sound.channels * 8 > 4_000_000_000:
        format_ = "RF64"
    with _writing(Path(path), sound.rate, sound.channels, subtype, format_) as out:
        for start, block in sound.blocks():
            for first, patch in patches:
                begin, end = max(first, start), min(first + len(patch), start + len(block))
                if begin < end:
                    block[begin - start : end - start] = patch[begin - first : end - first]
            out.write(block)


def _sound_file(path: Path) -> Sound | None:
    """What libsndfile says of a file; None where it does not know it, or cannot read it exactly at any place (MP3)."""
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return None
    if info.subtype not in _EXACT_DTYPE:
        return None
    dtype, over_24_bit = _EXACT_DTYPE[info.subtype], info.subtype in _OVER_24_BIT
    return Sound(path, info.samplerate, info.channels, info.frames, info.subtype, dtype, over_24_bit=over_24_bit)


def _checked(sound: Sound, path: Path) -> Sound:
    if sound.n_samples == 0:
        raise MediaError(f"{path}: holds no sound samples")
    return sound


def _decode_track(path: Path, wav: Path) -> tuple[float, bool]:
    """Decode the first sound track of ``path`` into a WAV file of the same rate, channels and sample values.

    Where packets are lost or damaged, zeros keep what follows at its time, and a warning says how much that was.

    Returns:
        ``start_s`` and ``over_24_bit`` of its :class:`Sound`.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path}: has no sound track")
        stream = container.streams.audio[0]
        lossless = stream.codec.lossless and not stream.codec.lossy
        out, missing, over_24_bit = None, 0, False
        with contextlib.ExitStack() as stack:
            for frame in decoded_frames(container, stream):
                if out is None:
                    subtype = _SUBTYPE_OF_DECODED[frame.format.packed.name]
                    channels = frame.layout.nb_channels
                    out = stack.enter_context(_writing(wav, frame.rate, channels, subtype, "RF64"))
                    origin_s = start_s(container) if frame.time is None else frame.time
                if frame.time is not None:
                    hole = to_samples(frame.time - origin_s, frame.rate) - out.tell()
                    if hole > HOLE_S * frame.rate:
                        missing += hole
                        for length in _block_lengths(hole):
                            out.write(np.zeros((length, out.channels), np.int16))
                values = frame.to_ndarray()
                # Narrower samples come in wider types, with zeros below.
                over_24_bit |= subtype in _OVER_24_BIT and (subtype != "PCM_32" or bool((values & 0xFF).any()))
                out.write(values.T if frame.format.is_planar else values.reshape(-1, out.channels))
        if out is None:
            raise MediaError(f"{path}: its sound track cannot be decoded")
        if missing:
            lost_s = to_seconds(missing, stream.rate)
            warnings.warn(
                f"{path}: {lost_s:.2f} s of its sound are lost and count as silence", AvsiWarning, stacklevel=2
            )
        return round(origin_s - start_s(container), 6), lossless and over_24_bit


def _block_lengths(n_samples: int) -> Iterator[int]:
    while n_samples > 0:
        yield min(n_samples, BLOCK_SAMPLES)
        n_samples -= BLOCK_SAMPLES


@contextlib.contextmanager
def _writing(path: Path, rate: int, channels: int, subtype: str, format_: str) -> Iterator[soundfile.SoundFile]:
    """A sound file to write; what hinders it becomes a MediaError."""
    try:
        with soundfile.SoundFile(path, "w", rate, channels, subtype, format=format_) as out:
            yield out
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{path}: cannot be written ({_reason(path) or error.error_string})") from error


def _reason(path: Path) -> str:
    """Why the system lets a file not be made or grow, which libsndfile does not tell; "" where it does."""
    try:
        with path.open("ab") as file:
            file.write(bytes(BLOCK_SAMPLES))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return f"{error.strerror}; is the disk full?" if full else error.strerror
    return ""
