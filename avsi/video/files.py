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

from ..containers import create_container, decoded_frames, first_sample_s, open_container, picture_stream, start_s
from ..errors import MediaError
from ..timebase import to_samples

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


def sound_start_s(path: str | Path) -> float:
    """When the first sample of a video's sound plays, in seconds of a player's time; of a silent film, when its first
    picture is shown. What counts from the first sample, as :func:`frames` does, is that much behind a player.
    """
    with open_container(path) as container:
        _picture(container, path)
        return round(first_sample_s(container) - start_s(container), 6)


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
        container.seek(int((time_s + first_sample_s(container)) / stream.time_base), stream=stream)
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


def write_mp4(
    path: str | Path,
    picture: str | Path | Iterator[tuple[float, np.ndarray]],
    sound_wav: str | Path | None,
    sound_start_s: float,
) -> None:
    """Write an MP4 of a picture and lossless FLAC sound, in step with each other.

    Args:
        picture: a video file, whose picture track is taken over unchanged, at the times at which a player shows it (as
            H.264 where MP4 does not know its codec); or frames as (time in seconds, RGB of shape (height, width, 3),
            uint8), which become H.264. Their times count from the first sample of the sound.
        sound_wav: a WAV file, whose samples are kept exactly up to 24 bit; None for a silent film.
        sound_start_s: when its first sample plays in the film, in seconds of a player's time.

    Raises:
        MediaError: FFmpeg cannot write it, such as a codec that MP4 does not know.
    """
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(create_container(path, "mp4"))
        packets = None
        if isinstance(picture, (str, Path)):
            source = stack.enter_context(open_container(picture))
            packets = _copied_picture(source, out, picture) if _is_copied(source, out, picture) else None
            picture = frames(picture)
        if packets is None:
            packets = _encoded_picture(_moved(picture, sound_start_s), out, "libx264", H264)
        sound = iter(())
        if sound_wav:
            sound = _encoded_sound(stack.enter_context(open_container(sound_wav)), out, "flac", sound_start_s)
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


def _moved(images: Iterator[tuple[float, np.ndarray]], by_s: float) -> Iterator[tuple[float, np.ndarray]]:
    return ((time_s + by_s, image) for time_s, image in images)


def _is_copied(source: InputContainer, out: OutputContainer, name: str | Path) -> bool:
    """Whether a picture track can go into another container as it is."""
    stream = _picture(source, name)
    # Where pictures are stored in another order than they are shown, and no times tell in which, only a decoder knows.
    untold = source.format.name in UNTIMED and stream.codec_context.has_b_frames
    return stream.codec.canonical_name in out.supported_codecs and not untold


def _copied_picture(source: InputContainer, out: OutputContainer, name: str | Path) -> Iterator[Packet]:
    """The packets of a picture track, each to be shown when it was."""
    stream = _picture(source, name)
    copied = out.add_stream_from_template(stream)
    start = round(start_s(source) / stream.time_base)
    with open_container(name) as again:
        shown = [_shown(packet) - start for packet in _picture_packets(again)]
    decoded = _decode_times(shown)

    def packets() -> Iterator[Packet]:
        for packet, pts, dts in zip(_picture_packets(source), shown, decoded, strict=True):
            packet.pts, packet.dts, packet.stream = pts, dts, copied
            yield packet

    return packets()


def _picture_packets(container: InputContainer) -> Iterator[Packet]:
    """The packets of the picture track that can be placed in time, in the order in which they are decoded."""
    packets = container.demux(picture_stream(container))
    return (packet for packet in packets if _shown(packet) is not None)


def _shown(packet: Packet) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


def _decode_times(shown: list[int]) -> list[int]:
    """Decode times for pictures in the order in which they are decoded, from the times at which they are shown: they
    rise, and none is later than the picture is shown. Matroska tells none for the first pictures; MP4 needs each.
    """
    rising = list(itertools.accumulate(sorted(shown), lambda last, time: max(last + 1, time)))
    delay = max((dts - pts for dts, pts in zip(rising, shown, strict=True)), default=0)
    return [dts - delay for dts in rising]


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


def _encoded_sound(source: InputContainer, out: OutputContainer, codec: str, first_s: float = 0.0) -> Iterator[Packet]:
    """The sound of a WAV file as packets of a codec; ``first_s`` is when its first sample is to play."""
    import av

    track = source.streams.audio[0]
    # Opus knows few rates, and works at this one whichever it is given.
    rate = track.rate if codec == "flac" else 48000
    first = to_samples(first_s, rate)
    stream = out.add_stream(codec, rate=rate, layout=track.layout.name)
    wide = "s32" if codec == "flac" else "flt"
    stream.format = "s16" if track.format.packed.name in ("u8", "s16") else wide

    def packets() -> Iterator[Packet]:
        convert = av.AudioResampler(format=stream.format, layout=track.layout.name, rate=rate)
        for decoded in itertools.chain(source.decode(track), [None]):
            for frame in convert.resample(decoded):
                frame.pts += first
                yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def _picture(container: InputContainer, path: str | Path) -> VideoStream:
    stream = picture_stream(container)
    if stream is None:
        raise MediaError(f"{path}: has no picture track")
    return stream
