"""Writing of videos: a picture track, copied or encoded, and sound in sync with it."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import MediaError
from ..timebase import to_samples
from .containers import create_container, open_container, picture_stream, start_s, time_base
from .video_reading import UNTIMED, read_frames

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer, OutputContainer

TIME_BASE = Fraction(1, 90000)  # of encoded pictures; that of MPEG
# Encoder settings: H.264 without visible loss; VP9 for small files and quick encoding.
OPTIONS = {"libx264": {"crf": "18"}, "libvpx-vp9": {"crf": "33", "b": "0", "deadline": "good", "cpu-used": "4"}}


def write_mp4(
    path: str | Path,
    picture: str | Path | Iterator[tuple[float, np.ndarray]],
    sound_wav: str | Path | None,
    sound_start_s: float,
    comment: str = "",
    progress: Callable = lambda items, total, what: items,
) -> None:
    """Write an MP4 with a picture track and lossless FLAC sound, in sync with each other.

    Args:
        picture: a video file, whose picture track is copied unchanged, at a player's times (re-encoded as H.264 if MP4
            does not support its codec); or frames as (time in seconds, RGB of shape (height, width, 3), uint8), which
            are encoded as H.264. Their times count from the first sample of the sound.
        sound_wav: a WAV file, whose samples are kept exactly up to 24 bit; None for a video without sound.
        sound_start_s: when a player of the MP4 plays the first sample, in seconds.
        comment: kept in the file's metadata.
        progress: wraps the loop over the seconds of the sound, as :func:`avsi.program.progress` does.

    Raises:
        MediaError: FFmpeg cannot write the file.
    """
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(create_container(path, "mp4"))
        if comment:
            out.metadata["comment"] = comment
        packets = None
        if isinstance(picture, (str, Path)):
            source = stack.enter_context(open_container(picture))
            packets = copied_picture(source, out) if can_be_copied(source, out) else None
            picture = read_frames(picture)
        if packets is None:
            images = ((time_s + sound_start_s, image) for time_s, image in picture)
            packets = _encoded_picture(images, out, "libx264")
        sound: Iterator[Packet] = iter(())
        length_s = 0.0
        if sound_wav:
            track = stack.enter_context(open_container(sound_wav))
            length_s = (track.duration or 0) / 1e6
            sound = encoded_sound(track, out, "flac", sound_start_s)
        for _ in progress(_each_second(interleave(out, packets, sound)), math.ceil(length_s), "writing the film"):
            pass


def write_webm(path: str | Path, images: Iterator[tuple[float, np.ndarray]], sound_wav: str | Path) -> None:
    """Write a small WebM with VP9 picture and Opus sound in sync, which browsers play without a licensed codec.

    Args:
        images: (time in seconds, RGB of shape (height, width, 3), uint8), times from the first sample of the sound.
        sound_wav: a WAV file; Opus is lossy.

    Raises:
        MediaError: there is no frame, or FFmpeg cannot write it.
    """
    with create_container(path, "webm") as out, open_container(sound_wav) as source:
        for _ in interleave(out, _encoded_picture(images, out, "libvpx-vp9"), encoded_sound(source, out, "libopus")):
            pass


def _each_second(times_s: Iterator[float]) -> Iterator[float]:
    due_s = 1.0
    for time_s in times_s:
        if time_s >= due_s:
            due_s += 1
            yield time_s


def interleave(out: OutputContainer, picture: Iterator[Packet], sound: Iterator[Packet]) -> Iterator[float]:
    """Write the packets of two tracks in the order of their decode times, as players expect; yields these, in seconds,
    one after the other.
    """
    for packet in heapq.merge(picture, sound, key=lambda packet: (packet.dts or 0) * packet.time_base):
        time_s = float((packet.dts or 0) * packet.time_base)
        out.mux(packet)
        yield time_s


def can_be_copied(source: InputContainer, out: OutputContainer) -> bool:
    """Whether a picture track can be copied into another container without encoding it anew."""
    stream = picture_stream(source)
    # With B-frames, but no presentation times, only a decoder knows in which order pictures are shown.
    unknown_order = source.format.name in UNTIMED and stream.codec_context.has_b_frames
    return stream.codec.canonical_name in out.supported_codecs and not unknown_order


def copied_picture(source: InputContainer, out: OutputContainer) -> Iterator[Packet]:
    """The packets of a picture track; a player shows each at the same time as in ``source``."""
    stream = picture_stream(source)
    copied = out.add_stream_from_template(stream)
    start = round(start_s(source) / time_base(stream))
    with open_container(source.name) as again:
        shown = [time - start for _, time in _picture_packets(again)]
    decoded = _decode_times(shown)

    def packets() -> Iterator[Packet]:
        for (packet, _), pts, dts in zip(_picture_packets(source), shown, decoded, strict=True):
            packet.pts, packet.dts, packet.stream = pts, dts, copied
            yield packet

    return packets()


def _picture_packets(container: InputContainer) -> Iterator[tuple[Packet, int]]:
    """The packets of the picture track in decoding order, with the time at which each is shown; those without a time
    are left out.
    """
    for packet in container.demux(picture_stream(container)):
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            yield packet, time


def _decode_times(shown: list[int]) -> list[int]:
    """Decode times of pictures in decoding order, from the times at which they are shown: they increase, and none is
    later than the picture is shown. MP4 needs them for all pictures; Matroska has none for the first ones.
    """
    rising = list(itertools.accumulate(sorted(shown), lambda last, time: max(last + 1, time)))
    delay = max((dts - pts for dts, pts in zip(rising, shown, strict=True)), default=0)
    return [dts - delay for dts in rising]


def _encoded_picture(
    images: Iterator[tuple[float, np.ndarray]], out: OutputContainer, codec: Literal["libx264", "libvpx-vp9"]
) -> Iterator[Packet]:
    import av

    first_s, first = next(images, (0.0, None))
    if first is None:
        raise MediaError(f"{out.name}: there is no frame to write")
    stream = out.add_stream(codec, rate=25, options=OPTIONS[codec])
    # yuv420p halves the resolution of the colours, so that height and width must be even.
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


def encoded_sound(
    source: InputContainer,
    out: OutputContainer,
    codec: Literal["flac", "libopus"],
    first_s: float = 0.0,
    format_: str = "",
) -> Iterator[Packet]:
    """The sound of a WAV file as packets of a codec; ``first_s`` is when a player plays its first sample, ``format_``
    FFmpeg's name of a sample format in place of the one that keeps all.
    """
    import av

    track = source.streams.audio[0]
    # Opus works at 48 kHz whatever rate it is given.
    rate = track.rate if codec == "flac" else 48000
    first = to_samples(first_s, rate)
    stream = out.add_stream(codec, rate=rate, layout=track.layout.name)
    kept = "s16" if track.format.packed.name in ("u8", "s16") else "s32" if codec == "flac" else "flt"
    format_ = format_ or kept
    stream.format = format_

    def packets() -> Iterator[Packet]:
        convert = av.AudioResampler(format=format_, layout=track.layout.name, rate=rate)
        for decoded in itertools.chain(source.decode(track), [None]):
            for frame in convert.resample(decoded):
                frame.pts = (frame.pts or 0) + first
                yield from stream.encode(frame)
        yield from stream.encode()

    return packets()
