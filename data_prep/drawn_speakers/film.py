"""A film of a speaker: sound with the room's noise, pictures with the true landmarks, in an MPEG file."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from avsi.files import write_npz, written_beside
from avsi.media.containers import create_container

from .articulation import articulate
from .canvas import HEIGHT, WIDTH
from .gestures import random_gestures
from .head import Head, Mouth
from .render import render
from .speakers import Speaker
from .synthesis import RATE, Phone

FPS = 25
MP2_FRAME_SAMPLES = 1152
# FFmpeg's encoder inserts this many samples at the beginning; as many samples of silence are removed there.
MP2_DELAY_SAMPLES = 481


def in_a_room(speaker: Speaker, spoken: np.ndarray, start: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """What a microphone hears of a speaker: their speech at their level from one sample on, and the room's noise.

    Args:
        spoken: shape (n,), at RATE; what reaches beyond the end is cut off.
        start: the sample of its beginning.
        count: samples in all.

    Returns:
        Shape (count,), float32, full scale 1.
    """
    samples = 10 ** (speaker.noise_db / 20) * _room_noise(count, rng)
    heard = spoken[: count - start]
    samples[start : start + len(heard)] += heard * (10 ** (speaker.level_db / 20) / np.abs(heard).max())
    return samples.astype(np.float32)


def in_silence(phones: Sequence[Phone], start_s: float, end_s: float) -> tuple[Phone, ...]:
    """Phones that begin at ``start_s`` of a film, with silence before them, and after them up to ``end_s``."""
    return (
        Phone("SIL", 0.0, start_s),
        *(Phone(phone.symbol, phone.start_s + start_s, phone.end_s + start_s) for phone in phones),
        Phone("SIL", start_s + phones[-1].end_s, end_s),
    )


def write_film(
    path: Path, speaker: Speaker, samples: np.ndarray, phones: Sequence[Phone], n_frames: int, rng: np.random.Generator
) -> None:
    """Write the film of a speaker who says ``phones``, and beside it the true landmarks, ``.npz``.

    The landmarks are in the form of ``avsi landmarks -o file.npz``: time_s of shape (n_frames,) in seconds, points of
    shape (n_frames, 68, 2) in pixels.
    """
    time_s = np.arange(n_frames) / FPS
    mouths = [Mouth(*row) for row in articulate(phones, time_s, speaker.strength, speaker.haste)]
    gestures = random_gestures(time_s, speaker.liveliness, rng)
    pictures = render(Head(speaker.proportions), speaker.look, speaker.texture_seed, mouths, gestures, rng)
    images, points = zip(*pictures, strict=True)
    write_npz(path.with_suffix(".npz"), time_s=time_s, points=np.stack(points))
    with written_beside(path) as partial:
        write_mpeg(partial, images, samples)


def write_mpeg(path: Path, images: tuple[np.ndarray, ...], samples: np.ndarray) -> None:
    """Write an MPEG-1 program stream; picture and sound both start at time 0.

    Args:
        images: RGB of shape (HEIGHT, WIDTH, 3), uint8, at 25 frames/s.
        samples: shape (n,), at 44.1 kHz, full scale 1.0.

    Raises:
        MediaError: the file cannot be written.
    """
    import av

    with create_container(path, "mpeg") as out:
        picture = out.add_stream("mpeg1video", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        picture.bit_rate = 1_200_000
        # One thread, so that the bits do not depend on the machine.
        picture.codec_context.thread_count = 1
        sound = out.add_stream("mp2", rate=RATE, layout="stereo")
        sound.bit_rate = 192_000
        packets = []
        for image in images:
            packets += picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))
        packets += picture.encode()
        values = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
        for start in range(MP2_DELAY_SAMPLES, len(values), MP2_FRAME_SAMPLES):
            part = values[start : start + MP2_FRAME_SAMPLES]
            frame = av.AudioFrame.from_ndarray(np.repeat(part, 2)[None], format="s16", layout="stereo")
            frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            packets += sound.encode(frame)
        packets += sound.encode()
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)


def _room_noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that falls off towards high frequencies, with a standard deviation of 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.sqrt(1 + (np.fft.rfftfreq(count, 1 / RATE) / 300) ** 2)
    noise = np.fft.irfft(spectrum, count)
    return noise / noise.std()
