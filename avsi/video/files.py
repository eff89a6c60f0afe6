"""The frames of a video with their times on the clock of its sound, and videos with another sound track."""

from __future__ import annotations

import contextlib
import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..containers import create_container, decoded_frames, open_container, picture_stream
from ..errors import MediaError

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer, OutputContainer

SEEK_BACK_S = (1.0, 5.0, 30.0, float("inf"))  # how far before a time to look for a key frame
# Containers without presentation times: frames follow each other at the mean rate.
UNTIMED = ("avi", "h264", "hevc", "m4v", "mpegvideo")
TIME_BASE = Fraction(1, 90000)  # of pictures that are drawn here; MPEG's own
# How pictures are encoded: H.264 as good as the eye can tell, VP9 small, and quick at it.
H264 = {"crf": "18"}
VP9 = {"crf": "33", "b": "0", "deadline": "good", "cpu-used": "4"}


@dataclass(frozen=True)
class VideoInfo:
    width: int
    height: int
    fps: float
    n_frames: int  # as the container states or implies it: an estimate, for progress bars


def video_info(path: str | Path) -> VideoInfo:
    """Size, mean frame rate and number of frames of the first picture track. Raises MediaError where there is none."""
    with open_container(path) as container:
        stream = _picture(container, path)
        fps = float(stream.average_rate or 25)
        duration_s = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
        return VideoInfo(stream.width, stream.height, fps, stream.frames or round(duration_s * fps))


def has_picture(path: str | Path) -> bool:
    with open_container(path) as container:
        return picture_stream(container) is not None


def frames(
    path: str | Path, start_s: float | None = None, stop_s: float | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of the first picture track as (time in seconds, RGB of shape (height, width, 3), uint8).

    Times are the container's timestamps, counted from the first sample of its sound (or from the first frame where it
    has none), so that dropped frames, odd frame rates and tracks that start late stay in step with the sound.

    Args:
        start_s, stop_s: only frames with ``start_s <= time < stop_s``.

    Raises:
        MediaError: no picture track, or one of which no frame can be decoded.
    """
    count = 0
    for time_s, frame in _decoded_from(path, start_s or 0.0):
        count += 1
        if stop_s is not None and time_s >= stop_s:
            break
        if start_s is None or time_s >= start_s:
            yield time_s, np.rot90(frame.to_ndarray(format="rgb24"), k=(frame.rotation // 90) % 4)
    if count == 0:
        raise MediaError(f"{path}: no frame of its picture can be decoded")


def _decoded_from(path: str | Path, start_s: float) -> Iterator[tuple[float, VideoFrame]]:
    """The frames of a video with their times on its sound's clock, from one at or before ``start_s`` on, if there is
    one.

    Seeking lands on a key frame; in an MPEG program stream, which has no index, perhaps on one behind the time asked
    for.
    """
    for earlier_s in SEEK_BACK_S:
        with open_container(path) as container:
            stream = _picture(container, path)
            stream.thread_type = "AUTO"
            from_the_start = start_s <= earlier_s
            if not from_the_start and not _seek(container, stream, start_s - earlier_s):
                continue
            timed = _timed(container, stream)
            first = next(timed, None)
            if from_the_start or (first is not None and first[0] <= start_s):
                if first is not None:
                    yield first
                    yield from timed
                return


def _seek(container: InputContainer, stream: VideoStream, time_s: float) -> bool:
    """Whether the container went to the key frame before a time on its sound's clock."""
    import av

    if container.format.name in UNTIMED:
        return False
    try:
        container.seek(int((time_s + _clock_origin_s(container)) / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    if container.format.name in UNTIMED:
        rate = float(stream.average_rate or 25)
        yield from ((index / rate, frame) for index, frame in enumerate(decoded_frames(container, stream)))
        return
    origin_s = _clock_origin_s(container)
    for frame in decoded_frames(container, stream):
        if frame.time is not None:
            yield frame.time - origin_s, frame


def write_mp4(
    path: str | Path, picture: str | Path | Iterator[tuple[float, np.ndarray]], sound_wav: str | Path | None
) -> None:
    """Write an MP4 of a picture and lossless FLAC sound, in step with each other.

    Args:
        picture: a video file, whose picture track is taken over unchanged (as H.264 where MP4 does not know its codec);
            or frames as (time in seconds, RGB of shape (height, width, 3), uint8), which become H.264. Times count from
            the first sample of the sound.
        sound_wav: a WAV file, whose samples are kept exactly up to 24 bit; None for a silent film.

    Raises:
        MediaError: FFmpeg cannot write it, such as a codec that MP4 does not know.
    """
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(create_container(path, "mp4"))
        if isinstance(picture, (str, Path)):
            source = stack.enter_context(open_container(picture))
            if _picture(source, picture).codec.canonical_name in out.supported_codecs:
                packets = _copied_picture(source, out, picture)
            else:
                packets = _encoded_picture(frames(picture), out, "libx264", H264)
        else:
            packets = _encoded_picture(picture, out, "libx264", H264)
        sound = _encoded_sound(stack.enter_context(open_container(sound_wav)), out, "flac") if sound_wav else iter(())
        _interleave(out, packets, sound)


def write_webm(path: str | Path, images: Iterator[tuple[float, np.ndarray]], sound_wav: str | Path) -> None:
    """Write a small WebM of VP9 and Opus, in step with each other, which browsers play without a licensed
    codec.

    Args:
        images: (time in seconds, RGB of shape (height, width, 3), uint8), counted from the first sample of the sound.
        sound_wav: a WAV file; its sound is coded with loss.

    Raises:
        MediaError: there is no frame, or FFmpeg cannot write it.
    """
    with create_container(path, "webm") as out, open_container(sound_wav) as source:
        _interleave(out, _encoded_picture(images, out, "libvpx-vp9", VP9), _encoded_sound(source, out, "libopus"))


def _interleave(out: OutputContainer, picture: Iterator[Packet], sound: Iterator[Packet]) -> None:
    """Write the packets of two tracks in the order of their times, as players want to meet them."""
    for packet in heapq.merge(picture, sound, key=lambda packet: packet.dts * packet.time_base):
        out.mux(packet)


def _copied_picture(source: InputContainer, out: OutputContainer, name: str | Path) -> Iterator[Packet]:
    stream = _picture(source, name)
    copied = out.add_stream_from_template(stream)
    origin = round(_clock_origin_s(source) / stream.time_base)

    def packets() -> Iterator[Packet]:
        for packet in source.demux(stream):
            if packet.dts is None:
                continue
            packet.dts -= origin
            packet.pts = packet.dts if packet.pts is None else packet.pts - origin
            packet.stream = copied
            yield packet

    return packets()


def _encoded_picture(
    images: Iterator[tuple[float, np.ndarray]], out: OutputContainer, codec: str, options: dict[str, str]
) -> Iterator[Packet]:
    import av

    first_s, first = next(images, (0.0, None))
    if first is None:
        raise MediaError(f"{out.name}: there is no frame to write")
    stream = out.add_stream(codec, rate=25, options=options)
    # The codecs' common form halves the colour's resolution: sizes are even.
    stream.height, stream.width = first.shape[0] // 2 * 2, first.shape[1] // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = TIME_BASE

    def packets() -> Iterator[Packet]:
        for time_s, image in itertools.chain([(first_s, first)], images):
            even = np.ascontiguousarray(image[: stream.height, : stream.width])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
            yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def _encoded_sound(source: InputContainer, out: OutputContainer, codec: str) -> Iterator[Packet]:
    import av

    track = source.streams.audio[0]
    # Opus knows few rates, and works at this one whichever it is given.
    rate = track.rate if codec == "flac" else 48000
    stream = out.add_stream(codec, rate=rate, layout=track.layout.name)
    wide = "s32" if codec == "flac" else "flt"
    stream.format = "s16" if track.format.packed.name in ("u8", "s16") else wide

    def packets() -> Iterator[Packet]:
        convert = av.AudioResampler(format=stream.format, layout=track.layout.name, rate=rate)
        for decoded in itertools.chain(source.decode(track), [None]):
            for frame in convert.resample(decoded):
                yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def _picture(container: InputContainer, path: str | Path) -> VideoStream:
    stream = picture_stream(container)
    if stream is None:
        raise MediaError(f"{path}: has no picture track")
    return stream


def _clock_origin_s(container: InputContainer) -> float:
    """The container time of the first sound sample, or of the first frame where there is no sound."""
    stream = container.streams.audio[0] if container.streams.audio else picture_stream(container)
    return float((stream.start_time or 0) * stream.time_base)
