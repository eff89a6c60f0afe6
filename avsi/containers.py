"""Open what FFmpeg reads and writes, with errors that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MediaError

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, VideoFrame, VideoStream
    from av.container import InputContainer, OutputContainer


@contextmanager
def open_container(path: str | Path) -> Iterator[InputContainer]:
    """A sound or video container, opened for reading.

    Raises:
        MediaError: no such file, an empty one, or one that FFmpeg does not recognise.
    """
    import av

    path = Path(path)
    if not path.is_file():
        raise MediaError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
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


def decoded_frames(container: InputContainer, stream: AudioStream | VideoStream) -> Iterator[AudioFrame | VideoFrame]:
    """The frames of a stream; packets that are damaged are passed over."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first picture track; None where there is none but, perhaps, a cover."""
    from av.stream import Disposition

    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)
