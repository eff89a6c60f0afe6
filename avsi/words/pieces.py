"""The pieces of a text that stand between its spaces, and the words as which each of them is spoken."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import chain

from .numbers import CURRENCIES, FRACTIONS, NUMBER, SCALE_WORDS, read_number
from .pronouncing import dictionary

Spoken = tuple[str, ...]

SYMBOLS: dict[str, Spoken] = {
    "&": ("and",),
    "+": ("plus",),
    "=": ("equals",),
    "@": ("at",),
    "%": ("percent",),
    "°": ("degrees",),
}
SYMBOLS |= {"#": ("number",), "\N{MULTIPLICATION SIGN}": ("times",), "÷": ("divided", "by")}
SYMBOLS |= {sign: (several,) for sign, (_, several, _, _) in CURRENCIES.items()}
# With a full stop; those that say so are abbreviations without one, too.
ABBREVIATIONS = {
    "apr": ("april",),
    "approx": ("approximately",),
    "aug": ("august",),
    "ave": ("avenue",),
    "blvd": ("boulevard",),
    "capt": ("captain",),
    "co": ("company",),
    "col": ("colonel",),
    "corp": ("corporation",),
    "dec": ("december",),
    "dept": ("department",),
    "dr": ("doctor",),
    "etc": ("etc",),
    "feb": ("february",),
    "gen": ("general",),
    "gov": ("governor",),
    "inc": ("incorporated",),
    "jr": ("junior",),
    "lt": ("lieutenant",),
    "ltd": ("limited",),
    "mr": ("mister",),
    "mrs": ("mrs.",),
    "ms": ("ms.",),
    "mt": ("mount",),
    "nov": ("november",),
    "oct": ("october",),
    "prof": ("professor",),
    "rev": ("reverend",),
    "sen": ("senator",),
    "sept": ("september",),
    "sgt": ("sergeant",),
    "sr": ("senior",),
    "vs": ("versus",),
}
WITHOUT_STOP = ("dr", "mr", "mrs", "ms", "prof", "jr", "sr", "vs", "ltd")
INITIALS = {"e.g": ("for", "example"), "i.e": ("that", "is")}
# Words that lack their first sound.
LACKING = ("'bout", "'cause", "'em", "'gain", "'kay", "'n", "'round", "'til", "'tis", "'twas")
MAX_SPELLED = 5  # capitals that are no word: longer ones are a word that is shouted
# What small letters would make another word, or none.
CAPITALS = {"US": ("u.s.",), "II": ("two",), "III": ("three",), "VII": ("seven",), "VIII": ("eight",), "IX": ("nine",)}
LETTER = {"a": "a."}  # the dictionary's "a" is the article as well

# Each stands for one character, so that places in the text stay the same.
QUOTES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07\u0060\u00b4"), "'")
HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2212"), "-")
WIDE = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}  # as of Chinese and Japanese keyboards
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
LETTERS = r"[^\W\d_]"
# What stands between words without a space.
BETWEEN = re.compile(
    r"[\s\"\u201c\u201d\u201e\u00ab\u00bb\u2026\u2014\u2015|_~*<>\\\[\]{}()^]+|-{2,}|\.{2,}|"
    rf"(?<={LETTERS})(?:[,;:!?/\u2013]+|\.(?=[A-Z][a-z]))(?=\w)|(?<=[0-9])/(?={LETTERS})"
)
# Numbers with a space within, such as "$3.5 million" and "5 p.m."; everything else between two spaces.
PIECE = re.compile(
    rf"[$£€¥](?:{NUMBER})\s(?:{'|'.join(SCALE_WORDS)})\b|[0-9]{{1,2}}(?::[0-9]{{2}})?\s[ap](?:\.m\.|m\b)|\S+",
    re.IGNORECASE,
)
SIGNS = "".join(map(re.escape, SYMBOLS))
FOLDED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th"}
FOLDED |= {"\N{LATIN SMALL LETTER DOTLESS I}": "i", **{sign: sign for sign in FRACTIONS}}


class NotLatin(Exception):
    """A piece with letters or digits of another script."""


def plain(text: str) -> str:
    """The text, character by character, with quotes and hyphens of one kind and spaces between its pieces."""
    return BETWEEN.sub(lambda match: " " * len(match[0]), text.translate({**WIDE, **QUOTES, **HYPHENS}))


def places(plain_text: str) -> Iterator[tuple[int, int]]:
    """Where each piece starts and ends, without the punctuation around it."""
    for match in PIECE.finditer(plain_text):
        piece = match[0]
        heard = [index for index, character in enumerate(piece) if character.isalnum() or character in SYMBOLS]
        # A row of symbols is a line that is drawn, and # the mark of a heading.
        if not heard or not (any(map(str.isalnum, piece)) or (len(heard) == 1 and piece != "#")):
            continue
        start, end = heard[0], heard[-1] + 1
        lead, first = piece[start - 1 : start], piece[start]
        number = first.isdecimal() or first in CURRENCIES
        if (number and lead in ("-", ".", "'")) or (lead == "'" and piece[start - 1 : end].lower() in LACKING):
            start -= 1
        yield match.start() + start, match.start() + end


class Reader:
    """Reads the pieces of one text.

    Args:
        own: words in lower case that are taken as they are.
        shouted: the text is all in capitals, which therefore say nothing.
    """

    def __init__(self, own: Collection[str], shouted: bool) -> None:
        self._own, self._shouted, self._dictionary = own, shouted, dictionary()

    def read(self, text: str, start: int, end: int) -> tuple[Spoken, int]:
        """The words of a piece of a plain text, and its end, which a full stop or apostrophe after it may belong to.

        Raises:
            NotLatin: it has letters or digits of another script.
        """
        piece, after = text[start:end], text[end : end + 1]
        small = _folded(piece)
        if after and small + after in self._own:
            return (small + after,), end + 1
        if small in self._own:
            return (small,), end
        if after == "'" and small + after in self._dictionary:
            return (small + after,), end + 1
        if spoken := self._abbreviated(piece, small, text[:start], text[end:]):
            return spoken, end + (after == ".")
        number = read_number(small.replace("\u2013", "-"))
        if number is not None:
            return tuple(number), end + (after == "." and small.endswith(".m"))
        if re.fullmatch("[A-Z]{1,2}(?:&[A-Z]{1,2})+", piece):  # such as AT&T
            return tuple("and" if letter == "&" else letter for letter in _letters(small)), end
        parts = re.split(f"([{SIGNS}])", piece)
        if re.match(f"#{LETTERS}", piece):
            parts[:2] = ["hashtag"]
        spoken = tuple(chain.from_iterable(SYMBOLS.get(part) or self._part(part) for part in parts))
        if not spoken:  # such as digits of another script
            raise NotLatin(piece)
        return spoken, end

    def _abbreviated(self, piece: str, small: str, before: str, after: str) -> Spoken:
        """The words of an abbreviation; () of anything else."""
        stop = after.startswith(".")
        if small == "st" and (stop or piece == "St"):
            street = re.search(r"[A-Z]\S*\s+$", before) and not re.match(r"\.?\s+[A-Z]", after)
            return ("street",) if street else ("saint",)
        if small == "no" and re.match(r"\.\s?[0-9]", after):
            return ("number",)
        if small in ABBREVIATIONS and (stop or (small in WITHOUT_STOP and (piece[0].isupper() or small == "vs"))):
            return ABBREVIATIONS[small]
        if re.fullmatch(r"(?:[a-z]\.)+[a-z]", small):
            return INITIALS.get(small) or self._known(f"{small}.") or _letters(small.replace(".", ""))
        return ()

    def _known(self, word: str) -> Spoken:
        return (word,) if word in self._own or word in self._dictionary else ()

    def _part(self, part: str) -> Spoken:
        """The words of what holds no symbol."""
        small = _folded(part)
        number = read_number(small)
        if number is not None:
            return tuple(number)
        if not small.isalpha() and (known := self._known(small)):
            return known
        if len(pieces := re.split("[-\u2013]+", part)) > 1:
            return tuple(chain.from_iterable(map(self._part, pieces)))
        if len(pieces := re.findall("[0-9]+|[^0-9]+", part)) > 1:
            return tuple(chain.from_iterable(map(self._part, pieces)))
        if re.fullmatch(r"[^.]+(?:\.[^.]+)+", part):
            first, *others = map(self._part, part.split("."))
            return first + tuple(chain.from_iterable(("dot", *other) for other in others))
        words = re.findall(rf"{LETTERS}+(?:'{LETTERS}+)*", part)
        if sum(map(str.isalnum, part)) > sum(map(str.isalnum, chain.from_iterable(words))):
            raise NotLatin(part)
        return tuple(chain.from_iterable(map(self._word, words)))

    def _word(self, word: str) -> Spoken:
        small = _folded(word)
        if not re.fullmatch("[a-z']+", small):
            raise NotLatin(word)
        if self._shouted:
            return (small,)
        if word in CAPITALS:
            return CAPITALS[word]
        capitals = re.fullmatch(f"([A-Z]{{2,{MAX_SPELLED}}})(s?)", word)
        if capitals and small not in self._dictionary:
            *first, last = _letters(capitals[1].lower())
            return (*first, f"{capitals[1][-1].lower()}'s" if capitals[2] else last)
        return (small,)


def _letters(small: str) -> Spoken:
    return tuple(LETTER.get(letter, letter) for letter in small)


def _folded(text: str) -> str:
    """In lower case, without accents."""
    if text.isascii():
        return text.lower()
    split = "".join(FOLDED.get(letter) or unicodedata.normalize("NFKD", letter) for letter in text.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))
