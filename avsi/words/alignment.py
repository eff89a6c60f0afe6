"""When each word and each phone is said."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phone:
    label: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class AlignedWord:
    text: str
    start_s: float
    end_s: float
    confidence: float
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Alignment:
    words: tuple[AlignedWord, ...]
    duration_s: float
