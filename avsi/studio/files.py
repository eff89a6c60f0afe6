"""Tasks that read and write files of sound and picture: decoding, previews, what is saved."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..media.containers import create_container, decoded_frames, open_container, picture_stream, start_s
from ..media.sound_reading import Sound, decoded_sound
from ..media.video_reading import UNTIMED
from ..media.video_writing import TIME_BASE, can_be_copied, copied_picture, encoded_sound, interleave

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer, OutputContainer

    from .worker import Teller

MAX_PIXELS = 1280 * 720  # of a preview
QUICKLY = {"preset": "ultrafast", "crf": "23", "tune": "zerolatency"}
KEY_EACH = 50  # pictures: how finely a player can seek


def decode(teller: Teller, path: Path, wav: Path) -> Sound:
    """The sound of a film, in a WAV file that stays."""
    teller.step("reading the sound")
    return decoded_sound(path, wav)


def make_preview(
    teller: Teller, path: Path, sound: Sound, duration_s: float, size: tuple[int, int] | None, out: Path
) -> None:
    """What browsers play of a film or sound: H.264, as it was where it was that, and the sound without loss.

    Args:
        size: width and height of the pictures as players show them; None of a sound.
    """
    teller.step("making a preview", 0.0)
    with open_container(path) as source, open_container(sound.path) as track, create_container(out, "mp4") as mp4:
        picture: Iterator[Packet] = iter(())
        if size is not None:
            stream = picture_stream(source)
            as_it_is = stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
            as_it_is &= can_be_copied(source, mp4)
            picture = copied_picture(source, mp4) if as_it_is else _quickly_encoded(source, mp4, *size)
        heard = encoded_sound(track, mp4, "flac", sound.start_s, "s16")
        told = 0.0
        for at_s in interleave(mp4, picture, heard):
            if at_s > told:
                told = at_s + 0.5
                teller.step("making a preview", min(at_s / max(duration_s, 0.1), 1.0))


def _quickly_encoded(source: InputContainer, out: OutputContainer, width: int, height: int) -> Iterator[Packet]:
    """The pictures at a player's times."""
    import av

    stream = picture_stream(source)
    stream.thread_type = "AUTO"
    smaller = min(1.0, (MAX_PIXELS / (width * height)) ** 0.5)
    encoder = out.add_stream("libx264", rate=25, options=QUICKLY)
    encoder.width, encoder.height = max(int(width * smaller) // 2 * 2, 2), max(int(height * smaller) // 2 * 2, 2)
    encoder.pix_fmt, encoder.gop_size = "yuv420p", KEY_EACH
    encoder.codec_context.time_base = TIME_BASE
    origin_s, rate = start_s(source), float(stream.average_rate or 25)
    timed = source.format.name not in UNTIMED

    def packets() -> Iterator[Packet]:
        last = -1
        for index, frame in enumerate(decoded_frames(source, stream)):
            time_s = frame.time - origin_s if timed and frame.time is not None else index / rate
            pts = max(round(time_s / TIME_BASE), last + 1)
            last = pts
            if frame.rotation % 360:
                image = np.rot90(frame.to_ndarray(format="rgb24"), k=(frame.rotation // 90) % 4)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image, np.uint8), format="rgb24")
            small = frame.reformat(encoder.width, encoder.height, "yuv420p")
            small.pts, small.time_base = pts, Fraction(TIME_BASE)
            small.pict_type = av.video.frame.PictureType.NONE
            yield from encoder.encode(small)
        yield from encoder.encode()

    return packets()
