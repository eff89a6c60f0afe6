"""Captions of .srt and .vtt files, and what captions hold beside the words."""

import html
import re
from dataclasses import dataclass

from ..errors import DataError

TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"  # hours may be missing in WebVTT
TIMING = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?")
WORD_TIME = re.compile(r"<(?:\d+:)?\d{1,2}:\d{1,2}\.\d+>")  # within a caption of WebVTT
TAG = re.compile(r"</?[A-Za-z][^<>]*>|\{[^{}]*\}")  # <i>, <v Anna>, {\an8}
NOTE = re.compile(r"\[[^\[\]]*\]|[♩♪♫♬]")
ASIDE = re.compile(r"\([^()]*\)")
# In captions an aside is always a note. In other texts one of a few words with one of these is.
NOISES = re.compile(
    r"\b(?:(?:laugh|chuckl|giggl|clap|cheer|sing|sigh|cough|sneez|sniff|snor|gasp|groan|grunt|moan|sob|scream|breath|inhal|"
    r"exhal|yawn|hum|whistl|paus)(?:e?s|e|p?ing|m?ing)?|laughter|applause|music|silence|inaudible|unintelligible|"
    r"indistinct|noise|crosstalk)\b",
    re.IGNORECASE,
)
MAX_NOTE_WORDS = 4
# A dash, chevrons, or a name in capitals before what somebody says.
SPEAKER = re.compile(
    r"^[ \t]*(?:(?:[-\N{EN DASH}\N{EM DASH}]|>>+)[ \t]*)?(?:[A-Z][A-Z0-9 .'-]*[A-Z0-9.]:(?=\s|$))?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Caption:
    """What is said in a stretch of a recording.

    Attributes:
        start_s, end_s: on a player's clock; None where no times are known.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None


def parse_captions(text: str) -> list[Caption]:
    """The captions of an .srt or a .vtt file, by their start; they may overlap. Their text is that of
    :func:`said_in_caption` and may be empty.

    Captions that roll, as those that YouTube writes, repeat the line before; it is taken once.

    Raises:
        DataError: none, or times that cannot be read; the message names the line.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    timings = [index for index, line in enumerate(lines) if "-->" in line]
    if not timings:
        raise DataError("holds no captions; expected lines such as '00:00:01,000 --> 00:00:02,500', each before a text")
    rolling, before = WORD_TIME.search(text) is not None, ""
    captions = []
    for index, following in zip(timings, [*timings[1:], len(lines)], strict=True):
        start_s, end_s = _times(lines[index], index + 1)
        body = lines[index + 1 : following]
        if lines[0].startswith("WEBVTT"):  # an empty line ends the caption; notes may come after it
            body = body[: body.index("")] if "" in body else body
        elif following < len(lines) and _ends_in_number(body):
            body = body[:-1]  # the number of the next caption
        said = said_in_caption("\n".join(body)).split("\n")
        if rolling:
            filled = [line for line in said if line]
            said = filled[1:] if filled and filled[0] == before else filled
            before = filled[-1] if filled else before
        captions.append(Caption("\n".join(said).strip(), start_s, end_s))
    return sorted(captions, key=lambda caption: caption.start_s or 0.0)


def _ends_in_number(body: list[str]) -> bool:
    """Whether the last line is a number by itself, after an empty line."""
    return bool(body) and body[-1].strip().isdecimal() and not any(line.strip() for line in body[-2:-1])


def _times(line: str, number: int) -> tuple[float, float]:
    match = TIMING.fullmatch(line)
    if not match:
        raise DataError(f"line {number}: expected times such as '00:00:01,000 --> 00:00:02,500', found '{line[:60]}'")
    parts = [int(part or 0) for part in match.groups()]
    # A fraction of one or two digits is one of a second, too.
    fractions = [int(match[group].ljust(3, "0")) / 1000 for group in (4, 8)]
    start_s, end_s = (
        3600 * parts[at] + 60 * parts[at + 1] + parts[at + 2] + fraction
        for at, fraction in zip((0, 4), fractions, strict=True)
    )
    if end_s < start_s:
        raise DataError(f"line {number}: ends before it starts: '{line.strip()[:60]}'")
    return start_s, end_s


def said_in_caption(text: str) -> str:
    """The text of a caption without tags, notes such as [MUSIC] and (laughs), and names of speakers; by lines."""
    text = ASIDE.sub(" ", _without_tags(text))
    return "\n".join(" ".join(line.split()) for line in SPEAKER.sub("", text).split("\n"))


def said_in_text(text: str) -> str:
    """A text without tags, notes in brackets, and short asides that name a noise."""

    def without_noise(aside: re.Match[str]) -> str:
        return " " if NOISES.search(aside[0]) and len(aside[0].split()) <= MAX_NOTE_WORDS else aside[0]

    return ASIDE.sub(without_noise, _without_tags(text)).strip()


def _without_tags(text: str) -> str:
    return NOTE.sub(" ", html.unescape(TAG.sub("", WORD_TIME.sub("", text))))
