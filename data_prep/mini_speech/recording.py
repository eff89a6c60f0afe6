"""One recording of a drawn speaker who says a free sentence, filmed or as sound alone, with its words beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avsi.files import write_text
from avsi.media.sound_writing import write_wav

from ..drawn_speakers.film import FPS, MP2_FRAME_SAMPLES, in_a_room, in_silence, write_film
from ..drawn_speakers.speakers import Speaker
from ..drawn_speakers.synthesis import RATE, speak

BEFORE_S, AFTER_S = (0.25, 0.6), (0.25, 0.5)  # how long nobody speaks before the sentence and after it


def write_recording(speaker: Speaker, words: Sequence[str], path: Path, rng: np.random.Generator) -> None:
    """Write a recording as long as its sentence takes, with its words in a ``.txt`` beside it.

    Args:
        path: of a film, ``.mpg``, which gets its true landmarks beside it (:func:`..drawn_speakers.film.write_film`),
            or of a ``.wav``, the sound of the same film.
    """
    spoken, phones, _ = speak(" ".join(words), speaker.voice)
    start = round(rng.uniform(*BEFORE_S) * RATE)
    n_frames = int(np.ceil((start + len(spoken) + rng.uniform(*AFTER_S) * RATE) / RATE * FPS))
    # Whole frames of MPEG sound, a little shorter than the picture, as in GRID.
    count = n_frames * RATE // FPS // MP2_FRAME_SAMPLES * MP2_FRAME_SAMPLES
    samples = in_a_room(speaker, spoken, start, count, rng)
    write_text(path.with_suffix(".txt"), f"{' '.join(words)}\n")
    if path.suffix == ".wav":
        write_wav(path, samples, RATE)
    else:
        write_film(path, speaker, samples, in_silence(phones, start / RATE, n_frames / FPS), n_frames, rng)
