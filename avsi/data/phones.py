"""Words -> phones -> CTC labels: a lexicon in Kaldi's format, and its phone inventory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..files import read_lines
from .datadir import Utterance

BLANK = 0  # the CTC blank; the phones are labels 1, 2, ...
SILENCE_LABEL = 0  # the same label of models that align: there is no blank between their phones
SILENCE = "SIL"  # Kaldi's symbol; it is never a label


@dataclass(frozen=True)
class Lexicon:
    """How each word is pronounced.

    Attributes:
        path: its file, for error messages.
        pronunciations: the phones of each word.
    """

    path: str
    pronunciations: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: str | Path) -> Lexicon:
        """As :func:`read_pronunciations`, with the first pronunciation of each word."""
        return cls(str(path), {word: several[0] for word, several in read_pronunciations(path).items()})

    def text(self) -> str:
        """The lexicon in the format that :meth:`read` reads."""
        lines = sorted(self.pronunciations.items())
        return "".join(f"{word} {' '.join(phones) or SILENCE}\n" for word, phones in lines)

    @property
    def phones(self) -> tuple[str, ...]:
        """The phone inventory in the order of the labels: ``phones[0]`` is label 1."""
        return tuple(sorted({phone for phones in self.pronunciations.values() for phone in phones}))

    def in_words(self, utterance: Utterance) -> list[tuple[str, ...]]:
        """The phones of each of an utterance's words, without silence. Raises DataError as :meth:`transcribe`."""
        if not utterance.words:
            raise DataError(f"{utterance.id}: has no words in its data directory's 'text'")
        for word in utterance.words:
            if word not in self.pronunciations:
                raise DataError(f"{utterance.id}: the word '{word}' is not in the lexicon {self.path}")
        return [self.pronunciations[word] for word in utterance.words]

    def transcribe(self, utterance: Utterance) -> list[str]:
        """The phones of an utterance's words, without silence.

        Raises:
            DataError: an utterance without words, or with a word that is not in the lexicon.
        """
        return [phone for word in self.in_words(utterance) for phone in word]


def read_pronunciations(path: str | Path) -> dict[str, list[tuple[str, ...]]]:
    """Read lines ``<word> <phone> <phone> ...``, one for each pronunciation of a word, without silence.

    Raises:
        DataError: no such file, a line without a phone, or no phones at all.
    """
    if not Path(path).is_file():
        raise DataError(f"{path}: no such lexicon (lines '<word> <phone> ...'); data_prep.lexicon makes one")
    pronunciations: dict[str, list[tuple[str, ...]]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        word, *phones = line.split()
        if not phones:
            raise DataError(f"{path}:{number}: expected '<word> <phone> ...', found '{line}'")
        pronunciations.setdefault(word, []).append(tuple(phone for phone in phones if phone != SILENCE))
    if not any(phones for several in pronunciations.values() for phones in several):
        raise DataError(f"{path}: holds no phones")
    return pronunciations


def to_labels(phones: list[str], inventory: tuple[str, ...]) -> list[int]:
    """CTC labels of phones. Raises ValueError for a phone that is not in the inventory."""
    return [inventory.index(phone) + 1 for phone in phones]


def with_silences(words: Sequence[Sequence[str]], inventory: tuple[str, ...]) -> list[int]:
    """The labels of the phones of words, with one silence before, between and after them, where there may be one.
    Raises ValueError for a word without phones, and as :func:`to_labels`.
    """
    labels = [SILENCE_LABEL]
    for phones in words:
        if not phones:
            raise ValueError("a word has no phones")
        labels += [*to_labels(list(phones), inventory), SILENCE_LABEL]
    return labels


def to_phones(labels: list[int], inventory: tuple[str, ...]) -> list[str]:
    """The inverse of :func:`to_labels`; the labels hold no blanks."""
    return [inventory[label - 1] for label in labels]


def frames_needed(labels: Sequence[int]) -> int:
    """The fewest frames on which CTC can align labels: one for each, and a blank between two equal neighbours (Graves
    et al., 2006, section 3.1).
    """
    return len(labels) + sum(one == two for one, two in itertools.pairwise(labels))
