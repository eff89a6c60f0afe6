"""A clip in GRID's format of one speaker and sentence, with its alignment and true landmarks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avsi.errors import DataError
from avsi.files import write_text

from ..drawn_speakers.film import FPS, MP2_FRAME_SAMPLES, in_a_room, in_silence, write_film
from ..drawn_speakers.speakers import Speaker
from ..drawn_speakers.synthesis import RATE, Phone, synthesize
from ..grid.alignment import ALIGN_UNITS_PER_S
from ..grid.sentences import sentence

FRAMES = 75
# GRID's sound: 44.1 kHz stereo, MPEG layer II, 114 frames of 1152 samples, a little shorter than the picture.
SOUND_SAMPLES = 114 * MP2_FRAME_SAMPLES
ALIGN_END = 74500  # where GRID's alignments end
EARLIEST_S, LATEST_END_S = 0.25, 2.9  # of the speech
SPELLING = {"a": "eh"}  # espeak-ng would read the single letter as the article


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
    speech = synthesize([SPELLING.get(word, word) for word in sentence(stem)], speaker.voice)
    slack_s = LATEST_END_S - EARLIEST_S - len(speech.samples) / RATE
    start = round((EARLIEST_S + rng.uniform(0.1, 0.7) * max(slack_s, 0)) * RATE)
    start_s = start / RATE
    if start_s + speech.words[-1][1] > SOUND_SAMPLES / RATE:
        raise DataError(f"{stem}: lasts longer than a clip as {speaker.voice} says it")
    samples = in_a_room(speaker, speech.samples, start, SOUND_SAMPLES, rng)
    phones = in_silence(speech.phones, start_s, max(FRAMES / FPS, start_s + speech.phones[-1].end_s))
    return ClipSound(samples, phones, tuple((one + start_s, two + start_s) for one, two in speech.words))


def write_clip(speaker: Speaker, stem: str, folder: Path, alignments: Path, rng: np.random.Generator) -> None:
    """Write ``<stem>.mpg`` and the true landmarks ``<stem>.npz`` into one folder, ``<stem>.align`` into another."""
    sound = make_sound(speaker, stem, rng)
    write_text(alignments / f"{stem}.align", alignment(sentence(stem), sound.words))
    write_film(folder / f"{stem}.mpg", speaker, sound.samples, sound.phones, FRAMES, rng)


def alignment(words: tuple[str, ...], spans: tuple[tuple[float, float], ...]) -> str:
    """The text of an ``.align`` file: silence, the words, silence."""
    edges = [round(start_s * ALIGN_UNITS_PER_S) for start_s, _ in spans]
    edges.append(round(spans[-1][1] * ALIGN_UNITS_PER_S))
    lines = [f"0 {edges[0]} sil"]
    lines += [f"{start} {end} {word}" for start, end, word in zip(edges, edges[1:], words, strict=False)]
    return "\n".join([*lines, f"{edges[-1]} {ALIGN_END} sil"]) + "\n"
