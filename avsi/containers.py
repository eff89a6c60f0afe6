"""Open what FFmpeg reads, with errors that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MediaError

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, VideoFrame, VideoStream
    from av.container import InputContainer


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
