"""A clip in GRID's format of one speaker and sentence, with its alignment and true landmarks."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from avsi.errors import DataError
from avsi.files import write_npz, write_text, written_beside
from avsi.media.containers import create_container

from ..grid.alignment import ALIGN_UNITS_PER_S
from ..grid.sentences import sentence
from .articulation import articulate
from .canvas import HEIGHT, WIDTH
from .gestures import random_gestures
from .head import Head, Mouth
from .render import render
from .speakers import Speaker
from .synthesis import RATE, Phone, SpokenSentence, synthesize

FPS, FRAMES = 25, 75
# GRID's sound: 44.1 kHz stereo, MPEG layer II, 114 frames of 1152 samples, a little shorter than the picture.
MP2_FRAMES, MP2_FRAME_SAMPLES = 114, 1152
SOUND_SAMPLES = MP2_FRAMES * MP2_FRAME_SAMPLES
# FFmpeg's encoder inserts this many samples at the beginning; as many samples of silence are removed there.
MP2_DELAY_SAMPLES = 481
ALIGN_END = 74500  # where GRID's alignments end
EARLIEST_S, LATEST_END_S = 0.25, 2.9  # of the speech


@dataclass(frozen=True)
class ClipSound:
    """The sound of a clip, and the times of its phones and words.

    Attributes:
        samples: shape (SOUND_SAMPLES,), float32, at synthesis.RATE.
        phones: from the beginning of the clip to its end, including silence.
        words: (start_s, end_s) of each word.
    """

    samples: np.ndarray
    phones: tuple[Phone, ...]
    words: tuple[tuple[float, float], ...]


def make_sound(speaker: Speaker, stem: str, rng: np.random.Generator) -> ClipSound:
    """The sound of a speaker who says a sentence at a random time in the clip, with room noise."""
    speech = synthesize(sentence(stem), speaker.voice)
    slack_s = LATEST_END_S - EARLIEST_S - len(speech.samples) / RATE
    start = round((EARLIEST_S + rng.uniform(0.1, 0.7) * max(slack_s, 0)) * RATE)
    spoken = speech.samples[: SOUND_SAMPLES - start]
    if start / RATE + speech.words[-1][1] > SOUND_SAMPLES / RATE:
        raise DataError(f"{stem}: lasts longer than a clip as {speaker.voice} says it")
    samples = 10 ** (speaker.noise_db / 20) * _room_noise(SOUND_SAMPLES, rng)
    samples[start : start + len(spoken)] += spoken * (10 ** (speaker.level_db / 20) / np.abs(spoken).max())
    return ClipSound(samples.astype(np.float32), *_shifted(speech, start / RATE))


def write_clip(speaker: Speaker, stem: str, folder: Path, alignments: Path, rng: np.random.Generator) -> None:
    """Write ``<stem>.mpg`` and the true landmarks ``<stem>.npz`` into one folder, ``<stem>.align`` into another.

    The landmarks are in the form of ``avsi landmarks -o file.npz``: time_s of shape (75,) in seconds, points of shape
    (75, 68, 2) in pixels.
    """
    sound = make_sound(speaker, stem, rng)
    time_s = np.arange(FRAMES) / FPS
    mouths = [Mouth(*row) for row in articulate(sound.phones, time_s, speaker.strength, speaker.haste)]
    gestures = random_gestures(time_s, speaker.liveliness, rng)
    pictures = render(Head(speaker.proportions), speaker.look, speaker.texture_seed, mouths, gestures, rng)
    images, points = zip(*pictures, strict=True)
    write_text(alignments / f"{stem}.align", alignment(sentence(stem), sound.words))
    write_npz(folder / f"{stem}.npz", time_s=time_s, points=np.stack(points))
    with written_beside(folder / f"{stem}.mpg") as partial:
        write_mpeg(partial, images, sound.samples)


def alignment(words: tuple[str, ...], spans: tuple[tuple[float, float], ...]) -> str:
    """The text of an ``.align`` file: silence, the words, silence."""
    edges = [round(start_s * ALIGN_UNITS_PER_S) for start_s, _ in spans]
    edges.append(round(spans[-1][1] * ALIGN_UNITS_PER_S))
    lines = [f"0 {edges[0]} sil"]
    lines += [f"{start} {end} {word}" for start, end, word in zip(edges, edges[1:], words, strict=False)]
    return "\n".join([*lines, f"{edges[-1]} {ALIGN_END} sil"]) + "\n"


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


def _shifted(speech: SpokenSentence, start_s: float) -> tuple[tuple[Phone, ...], tuple[tuple[float, float], ...]]:
    """The phones and words of a sentence that starts at ``start_s`` in the clip, with silence before and after it."""
    end_s = max(FRAMES / FPS, start_s + speech.phones[-1].end_s)
    phones = (
        Phone("SIL", 0.0, start_s),
        *(Phone(phone.symbol, phone.start_s + start_s, phone.end_s + start_s) for phone in speech.phones),
        Phone("SIL", start_s + speech.phones[-1].end_s, end_s),
    )
    return phones, tuple((one + start_s, two + start_s) for one, two in speech.words)
