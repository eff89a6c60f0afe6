"""When each word and each phone is said."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..data.datadir import Timed
from ..errors import DataError

SHORTEST_S = 2e-6  # files hold times to the microsecond, in which less could vanish


@dataclass(frozen=True)
class Phone:
    """A phone.

    Attributes:
        label: in ARPABET without stress.
        start_s, end_s: from the first sample of the recording.
        confidence: 0 to 1; None where it is not known, as of what a Praat file holds.
    """

    label: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True)
class AlignedWord:
    """A word as it is written in the transcript, and its phones; none where only the words' times are known."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True)
class Alignment:
    """The words of a recording, in order. Between words, and between the phones of one, there may be silence.

    Raises:
        DataError: times that are not finite, not in order, or outside the recording; a word or phone that lasts
            nothing; a confidence that is not from 0 to 1.
    """

    words: tuple[AlignedWord, ...]
    duration_s: float

    def __post_init__(self) -> None:
        if not 0 < self.duration_s < math.inf:
            raise DataError(f"an alignment of {self.duration_s} s; expected a duration above 0")
        _check("word", [(word.text, word) for word in self.words], 0, self.duration_s)
        for word in self.words:
            phones = [(f"{phone.label} of '{word.text}'", phone) for phone in word.phones]
            _check("phone", phones, word.start_s, word.end_s)

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Those of all words."""
        return tuple(itertools.chain.from_iterable(word.phones for word in self.words))


def _check(kind: str, pieces: Iterable[tuple[str, AlignedWord | Phone]], start_s: float, end_s: float) -> None:
    """Refuse pieces that are not in order between two times."""
    earliest_s, slack_s = start_s, SHORTEST_S / 2
    for name, piece in pieces:
        times = f"the {kind} {name} from {piece.start_s:g} to {piece.end_s:g} s"
        if not (math.isfinite(piece.start_s) and math.isfinite(piece.end_s)):
            raise DataError(f"{times}: expected finite times")
        if piece.end_s - piece.start_s < SHORTEST_S:
            raise DataError(f"{times}: ends before it starts, or lasts nothing")
        if piece.start_s < earliest_s - slack_s:
            raise DataError(f"{times}: expected to start at {earliest_s:g} s or later, after the {kind} before it")
        if piece.end_s > end_s + slack_s:
            raise DataError(f"{times}: expected to end by {end_s:g} s")
        if piece.confidence is not None and not 0 <= piece.confidence <= 1:
            raise DataError(f"{times}: has a confidence of {piece.confidence}, expected 0 to 1")
        earliest_s = piece.end_s


def said_between(alignment: Alignment | None, start_s: float, end_s: float) -> str | None:
    """The words that reach into a stretch, "" where there are none; None without an alignment."""
    if alignment is None:
        return None
    return " ".join(word.text for word in alignment.words if word.start_s < end_s and word.end_s > start_s)


def timed_phones(alignment: Alignment | None, start_s: float = 0.0) -> list[Timed] | None:
    """(start_s, duration_s, phone) of each phone, on a clock that shows 0 at ``start_s``; None without an alignment.

    Raises:
        DataError: words whose phones are not known, as those of a label track.
    """
    if alignment is None:
        return None
    bare = [word.text for word in alignment.words if not word.phones]
    if bare:
        raise DataError(
            f"the alignment has no phones of '{bare[0]}'; expected one of avsi align, as .json or .TextGrid"
        )
    return [(phone.start_s - start_s, phone.end_s - phone.start_s, phone.label) for phone in alignment.phones]
