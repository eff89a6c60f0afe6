"""Words that are said at a place of a recording where they never were."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..data.gaps import END_TOLERANCE_S
from ..errors import AvsiWarning, ConfigError, DataError, GapError
from ..media.sound_reading import Sound, open_sound
from ..timebase import to_seconds
from ..words.alignment import AlignedWord
from ..words.captions import Caption
from ..words.changes import Change
from ..words.pronouncing import pronounce
from ..words.transcript import Word, holds_word, names_file, spoken_words
from .aligning import align_file
from .edit_planning import Edit, NewWord
from .editing import Wish, carry_out, check_files, tell_unused
from .voice_input import HeardReference

if TYPE_CHECKING:
    from ..models.aligner import PhoneAligner
    from .inpainting import Inpainter

# A place this far inside a word is moved to its edge without a word: when words are said is hardly known better.
INSIDE_WORD_S = 0.03
EXPECTED = "expected SECONDS:WORDS, such as 1.2:now please"


@dataclass(frozen=True)
class Insertion:
    """Words, and when a player shows them to begin."""

    at_s: float
    words: str

    @classmethod
    def parse(cls, text: str) -> Insertion:
        """From ``SECONDS:WORDS``. Raises ConfigError for another form, and for the name of a file."""
        time, _, words = text.partition(":")
        try:
            at_s = float(time)
        except ValueError:
            at_s = math.nan
        if not math.isfinite(at_s):
            raise ConfigError(f"--insert '{text}': '{time}' is no number of seconds; {EXPECTED}")
        if names_file(words):
            raise ConfigError(f"--insert '{text}': '{words}' looks like a file, and words are needed; {EXPECTED}")
        if not holds_word(words):
            raise ConfigError(f"--insert '{text}': holds no word; {EXPECTED}")
        return cls(at_s, words)


class _Placed(NamedTuple):
    """Words with a place in seconds from the first sample."""

    at_s: float
    words: list[NewWord]


def insert_file(
    path: str | Path,
    out: str | Path,
    insertions: Sequence[Insertion],
    load_aligner: Callable[[], PhoneAligner],
    load_inpainter: Callable[[], Inpainter] | None,
    present: Sequence[Caption] | None = None,
    pronunciations: Mapping[str, tuple[str, ...]] | None = None,
    video: Path | None = None,
    face: int | None = None,
    from_first_sample: bool = False,
    progress: Callable = lambda items, total, what: items,
    reference: str | Path | HeardReference | None = None,
) -> list[Edit]:
    """Have words said in a sound file that were never said there. It becomes longer by them; every sample that is not
    within 30 ms of their places stays as it is. Words whose places lie closer together than 80 ms beside these are said
    one after the other.

    Args:
        insertions: in any order; their times as those of gaps in :func:`avsi.inpaint_file`. The first and the last
            sample's time put words before and after everything.
        present: what is said in the recording. It is then found as by :func:`avsi.align_file`, the new words are said
            at the speaker's pace, and a place inside a word is moved to its nearer edge. None: the model is told the
            new words alone, and they take the time that they usually do.
        pronunciations: the user's own; of a word that the dictionary knows in several ways, its first one is said.
        load_aligner, load_inpainter, video, face, from_first_sample, progress, reference: as in :func:`avsi.edit_file`.

    Returns:
        The gaps, in the order of time.

    Raises:
        GapError: a place outside the recording.
        MediaError, ConfigError, ModelError, DataError: as of :func:`avsi.edit_file`. Nothing is then written.
    """
    path, out, own = Path(path), Path(out), pronunciations or {}
    check_files(path, out, video)
    if present is None and not (video is None and face is None):
        raise ConfigError("a face only helps to find the words of a transcript, and there is none; leave it out")
    if not insertions:
        raise DataError("there are no words to insert")
    insertions = sorted(insertions, key=lambda each: each.at_s)
    new = [spoken_words(each.words, own) for each in insertions]
    old = [word for caption in present or () for word in spoken_words(caption.text, own)]
    said = [*old, *itertools.chain.from_iterable(new)]
    tell_unused(own, said, "no such word is or will be said" if present else "no inserted word is such")
    words = _pronounced(new, own)
    known = {word: own[word] for each in old for word in each.spoken if word in own}

    def wish(load: Callable[[], PhoneAligner]) -> Wish:
        if present is None:
            return Wish(None, *_between((), placed, start_s))
        found = align_file(path, present, load, (), known, video, face, from_first_sample, progress)
        return Wish(found, *_between(found.words, placed, start_s))

    with open_sound(path) as sound:
        start_s = 0.0 if from_first_sample else sound.start_s
        placed = [_Placed(_place_s(each, sound, start_s), of) for each, of in zip(insertions, words, strict=True)]
        return carry_out(
            wish, sound, path, out, load_aligner, load_inpainter, False, video, from_first_sample, progress, reference
        )


def _pronounced(several: Sequence[Sequence[Word]], own: Mapping[str, tuple[str, ...]]) -> list[list[NewWord]]:
    known = iter(pronounce([spoken for words in several for word in words for spoken in word.spoken], own))
    return [
        [NewWord(word.written, tuple(phone for _ in word.spoken for phone in next(known)[0])) for word in words]
        for words in several
    ]


def _place_s(insertion: Insertion, sound: Sound, start_s: float) -> float:
    """Of the words, in seconds from the first sample, which a clock shows at ``start_s``. Raises GapError."""
    duration_s, at_s = to_seconds(sound.n_samples, sound.rate), insertion.at_s - start_s
    if not -END_TOLERANCE_S <= at_s <= duration_s + END_TOLERANCE_S:
        where = f"sound, which plays from {start_s:.3f} to {start_s + duration_s:.3f} s"
        raise GapError(
            f"'{insertion.words}' at {insertion.at_s:g} s: outside the "
            + (where if start_s else f"recording, which lasts {duration_s:.3f} s")
        )
    return min(max(at_s, 0.0), duration_s)


def _between(
    words: Sequence[AlignedWord], placed: Sequence[_Placed], start_s: float
) -> tuple[list[NewWord], list[Change]]:
    """All words that are to be said, and where that differs from those that are; a place inside a word is told."""
    said, changes, taken = list[NewWord](), list[Change](), 0
    for at_s, new in placed:
        ahead = [word for word in words if (word.start_s + word.end_s) / 2 <= start_s + at_s]
        said += [NewWord(word.text, ()) for word in ahead[taken:]]
        changes.append(Change(len(ahead), len(ahead), len(said), len(said) + len(new), at_s))
        said += new
        taken = len(ahead)
        for word in words[max(taken - 1, 0) : taken + 1]:
            inside_s = min(start_s + at_s - word.start_s, word.end_s - start_s - at_s)
            if inside_s > INSIDE_WORD_S:
                warnings.warn(
                    f"'{' '.join(each.text for each in new)}' at {start_s + at_s:.2f} s: is inside '{word.text}' at "
                    f"{word.start_s:.2f}-{word.end_s:.2f} s, and is said {'after' if word in ahead else 'before'} it",
                    AvsiWarning,
                    stacklevel=3,
                )
    return [*said, *(NewWord(word.text, ()) for word in words[taken:])], changes
