"""Containers that FFmpeg reads and writes: their tracks and clocks, with errors that a user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, overload

from ..errors import MediaError

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, VideoFrame, VideoStream
    from av.container import InputContainer, OutputContainer


def check_file(path: str | Path) -> None:
    """Raise MediaError unless there is a file that is not empty."""
    path = Path(path)
    if path.is_dir():
        raise MediaError(f"{path}: is a folder; expected a sound or video file")
    if not path.is_file():
        raise MediaError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")


@contextmanager
def open_container(path: str | Path) -> Iterator[InputContainer]:
    """A sound or video container, opened for reading.

    Raises:
        MediaError: no such file, a folder, an empty file, or one that FFmpeg does not recognise.
    """
    import av

    check_file(path)
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: not a sound or video file, or damaged beyond reading ({error.strerror})") from error
    with container:
        yield container


@contextmanager
def create_container(path: str | Path, format_: str) -> Iterator[OutputContainer]:
    """A sound or video container, opened for writing; ``format_`` is FFmpeg's name.

    Raises:
        MediaError: FFmpeg cannot write it: no such codec in this format, or a full disk.
    """
    import av

    try:
        with av.open(str(path), "w", format=format_) as out:
            yield out
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{path}: cannot be written as {format_.upper()} ({reason})") from error


@overload
def decoded_frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]: ...
@overload
def decoded_frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]: ...
def decoded_frames(container: InputContainer, stream: AudioStream | VideoStream) -> Iterator[AudioFrame | VideoFrame]:
    """The frames of a stream; damaged packets are skipped."""
    import av

    for packet in container.demux(stream):
        try:
            yield from stream.decode(packet)
        except av.error.InvalidDataError:
            continue


def find_picture(container: InputContainer) -> VideoStream | None:
    """The first picture track that is not a cover image; None if there is none."""
    from av.stream import Disposition

    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)


def picture_stream(container: InputContainer) -> VideoStream:
    """As :func:`find_picture`, but raises MediaError if there is none."""
    stream = find_picture(container)
    if stream is None:
        raise MediaError(f"{container.name}: has no picture track")
    return stream


def time_base(stream: AudioStream | VideoStream) -> Fraction:
    """The unit of a stream's timestamps in seconds."""
    assert stream.time_base is not None  # FFmpeg sets it for every sound and picture track
    return stream.time_base


def start_s(container: InputContainer) -> float:
    """The timestamp in seconds at which a player's clock shows 0: that of the track that starts first."""
    import av

    return (container.start_time or 0) / av.time_base


def first_sample_s(container: InputContainer) -> float:
    """The timestamp in seconds of the first sample of the sound; of the first picture if there is no sound."""
    stream = container.streams.audio[0] if container.streams.audio else picture_stream(container)
    return float((stream.start_time or 0) * time_base(stream))
