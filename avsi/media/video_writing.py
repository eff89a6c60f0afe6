"""Videos written: a picture, copied or encoded, and sound in step with it."""

from __future__ import annotations

import contextlib
import heapq
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MediaError
from ..timebase import to_samples
from .containers import create_container, open_container, picture_stream, start_s
from .video_reading import UNTIMED, frames, picture_of

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer, OutputContainer

TIME_BASE = Fraction(1, 90000)  # of pictures that are drawn here; MPEG's own
# How pictures are encoded: H.264 as good as the eye can tell, VP9 small, and quick at it.
H264 = {"crf": "18"}
VP9 = {"crf": "33", "b": "0", "deadline": "good", "cpu-used": "4"}


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
    stream = picture_of(source, name)
    # Where pictures are stored in another order than they are shown, and no times tell in which, only a decoder knows.
    untold = source.format.name in UNTIMED and stream.codec_context.has_b_frames
    return stream.codec.canonical_name in out.supported_codecs and not untold


def _copied_picture(source: InputContainer, out: OutputContainer, name: str | Path) -> Iterator[Packet]:
    """The packets of a picture track, each to be shown when it was."""
    stream = picture_of(source, name)
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
