"""Reading of a video's picture track: its size, its frames and their times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MediaError
from .containers import decoded_frames, find_picture, first_sample_s, open_container, picture_stream, start_s, time_base

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

SEEK_BACK_S = (1.0, 5.0, 30.0, float("inf"))  # how far before a time to seek, until a key frame before it is found
# Containers without presentation times: their frames are taken to be evenly spaced at the mean rate.
UNTIMED = ("avi", "h264", "hevc", "m4v", "mpegvideo")


@dataclass(frozen=True)
class VideoInfo:
    width: int
    height: int
    fps: float
    n_frames: int  # an estimate from the container's header, for progress bars


def video_info(path: str | Path) -> VideoInfo:
    """Size, mean frame rate and number of frames of the first picture track. Raises MediaError if there is none."""
    with open_container(path) as container:
        stream = picture_stream(container)
        fps = float(stream.average_rate or 25)
        duration_s = float(stream.duration * time_base(stream)) if stream.duration else (container.duration or 0) / 1e6
        return VideoInfo(stream.width, stream.height, fps, stream.frames or round(duration_s * fps))


def has_picture(path: str | Path) -> bool:
    with open_container(path) as container:
        return find_picture(container) is not None


def sound_start_s(path: str | Path) -> float:
    """When a player plays the first sample of a video's sound, in seconds; of a video without sound, when it shows the
    first picture. A player's time is that of :func:`read_frames`, which counts from the first sample, plus this.
    """
    with open_container(path) as container:
        picture_stream(container)
        return round(first_sample_s(container) - start_s(container), 6)


def read_frames(
    path: str | Path, start_s: float | None = None, stop_s: float | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of the first picture track as (time in seconds, RGB of shape (height, width, 3), uint8).

    Times are the container's timestamps, counted from the first sample of its sound (from the first frame if it has no
    sound). So the frames stay in sync with the sound if some were dropped, rates vary or a track starts late.

    Args:
        start_s, stop_s: only frames with ``start_s <= time < stop_s``.

    Raises:
        MediaError: no picture track, or none of its frames can be decoded.
    """
    with open_picture(path) as picture:
        yield from picture.frames(start_s, stop_s)


@contextmanager
def open_picture(path: str | Path) -> Iterator[Picture]:
    """The first picture track of a video, of which several stretches can be read. Raises MediaError as
    :func:`read_frames`.
    """
    with ExitStack() as files:
        yield Picture(path, files)


class Picture:
    """A picture track that stays open from one stretch to the next; only to go back to its start it is opened anew."""

    def __init__(self, path: str | Path, files: ExitStack) -> None:
        self._path, self._files = path, files
        self._open()

    def _open(self) -> None:
        self._files.close()
        self._container = self._files.enter_context(open_container(self._path))
        self._stream = picture_stream(self._container)
        self._stream.thread_type = "AUTO"
        self._at_start, self._reached_s = True, float("inf")
        self._rest: Iterator[tuple[float, VideoFrame]] = iter(())

    def frames(self, start_s: float | None = None, stop_s: float | None = None) -> Iterator[tuple[float, np.ndarray]]:
        """As the function :func:`read_frames`; stretches are best read in the order of their times."""
        # What cannot be sought in is decoded once.
        goes_on = self._container.format.name in UNTIMED and (start_s or 0.0) >= self._reached_s
        decoded = self._rest if goes_on else self._decoded_from(start_s or 0.0)
        self._reached_s = float("inf")
        count = 0
        for time_s, frame in decoded:
            count += 1
            if stop_s is not None and time_s >= stop_s:
                self._rest, self._reached_s = chain([(time_s, frame)], decoded), time_s
                break
            if start_s is None or time_s >= start_s:
                yield time_s, np.rot90(frame.to_ndarray(format="rgb24"), k=(frame.rotation // 90) % 4)
        if count == 0:
            raise MediaError(f"{self._path}: no frame of its picture can be decoded")

    def _decoded_from(self, start_s: float) -> Iterator[tuple[float, VideoFrame]]:
        """The frames with their times on the sound's clock, from one at or before ``start_s`` on, if there is one.

        Seeking lands on a key frame; in an MPEG program stream, which has no index, perhaps on one behind the time
        asked for.
        """
        for earlier_s in SEEK_BACK_S:
            from_the_start = start_s <= earlier_s
            if from_the_start and not self._at_start:
                self._open()
            self._at_start = False
            if not from_the_start and not _seek(self._container, self._stream, start_s - earlier_s):
                continue
            timed = _timed(self._container, self._stream)
            first = next(timed, None)
            if from_the_start or (first is not None and first[0] <= start_s):
                if first is not None:
                    yield first
                    yield from timed
                return


def _seek(container: InputContainer, stream: VideoStream, time_s: float) -> bool:
    """Go to the key frame before a time, counted from the first sample; returns whether that worked."""
    import av

    if container.format.name in UNTIMED:
        return False
    try:
        container.seek(int((time_s + first_sample_s(container)) / time_base(stream)), stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    if container.format.name in UNTIMED:
        rate = float(stream.average_rate or 25)
        yield from ((index / rate, frame) for index, frame in enumerate(decoded_frames(container, stream)))
        return
    origin_s = first_sample_s(container)
    for frame in decoded_frames(container, stream):
        if frame.time is not None:
            yield frame.time - origin_s, frame
