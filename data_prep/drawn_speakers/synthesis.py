"""Speech synthesis by eSpeak NG in many voices, with the times of words and phones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avsi.errors import ConfigError, DataError
from avsi.words.espeak import espeak

from .espeak import EVENT_WORD

RATE = 44100  # as the MP2 tracks of GRID
SILENCE = "SIL"

# Britain, the United States, Scotland, Lancashire, received pronunciation, New York. Left out are en-029, where "three"
# is "tree", and en-gb-x-gbcwmd, where "white" is "woit": the table of phones below would be wrong for them.
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-us-nyc")
# The variants of espeak-ng that sound like people: no whispers, croaks, robots, extreme formants, or duplicates.
MALE_VARIANTS = ("m1", "m2", "m3", "m4", "m6", "m7", "Alex", "Mike", "boris", "max")
FEMALE_VARIANTS = ("f1", "f2", "f3", "f4", "f5", "Annie", "belinda")
VARIANTS = MALE_VARIANTS + FEMALE_VARIANTS

LIMITS = {"pitch_hz": (60, 400), "intonation": (0, 100), "words_per_min": (80, 450), "tract": (0.7, 1.4)}
N_FORMANTS = 9  # in a voice of espeak-ng; the first is a low hum of the voice, not of the vocal tract

STRESS = "',%="  # stress marks before espeak-ng's phonemes
# The phonemes of the ACCENTS in the words of GRID and of mini-speech, without their stress.
ARPABET = {
    **dict.fromkeys(("_", "_:", "_!"), (SILENCE,)),
    ";": (),  # the glide from an i into a vowel; part of the i
    "0": ("AA",),
    "3": ("AH",),  # at the end of "paper"
    "3:": ("ER",),
    **dict.fromkeys(("@", "@-", "@2", "@5"), ("AH",)),
    "@L": ("AH", "L"),
    **dict.fromkeys(("A:", "A@", "aa"), ("AA",)),
    "D": ("DH",),
    "E": ("EH",),
    **dict.fromkeys(("I", "I#", "I2"), ("IH",)),
    "IR": ("IH", "R"),
    "N": ("NG",),
    **dict.fromkeys(("O2", "O:", "O@"), ("AO",)),
    "OI": ("OY",),
    "S": ("SH",),
    "T": ("TH",),
    "U": ("UH",),
    "U@": ("UH",),
    "V": ("AH",),
    "VR": ("AH", "R"),
    "Z": ("ZH",),
    "a": ("AE",),
    "a#": ("AH",),
    **dict.fromkeys(("aI", "aI2"), ("AY",)),
    "aI3": ("AY", "ER"),
    "aI@": ("AY", "AH"),
    "aU": ("AW",),
    "b": ("B",),
    "d": ("D",),
    "dZ": ("JH",),
    "e@": ("EH",),
    "eI": ("EY",),
    "f": ("F",),
    "g": ("G",),
    "h": ("HH",),
    **dict.fromkeys(("i", "i:"), ("IY",)),
    "i@": ("IY",),  # in "zero", where an r follows
    "i@3": ("IY", "AH"),
    "j": ("Y",),
    "k": ("K",),
    "l": ("L",),
    "m": ("M",),
    **dict.fromkeys(("n", "n-"), ("N",)),
    "o@": ("AO",),
    "oU": ("OW",),
    "p": ("P",),
    **dict.fromkeys(("r", "r-"), ("R",)),
    "s": ("S",),
    # The flap of "at e", what is left of the t of "stop", and the catch in the throat of "button".
    **dict.fromkeys(("t", "t#", "t2", "?"), ("T",)),
    "tS": ("CH",),
    "u:": ("UW",),
    "v": ("V",),
    **dict.fromkeys(("w", "w#"), ("W",)),
    "z": ("Z",),
}
# Where an accent differs. An r that is sounded without a phoneme of its own takes the second half of the vowel's.
OF_ACCENT = {
    "en-us": {
        "3": ("ER",),
        "A@": ("AA", "R"),
        "U@": ("UH", "R"),
        "aa": ("AE",),
        "e@": ("EH", "R"),
        "i@3": ("IY", "R"),
        "o@": ("AO", "R"),
    },
    "en-us-nyc": {"aa": ("AE",)},
    "en-gb-scotland": {"aa": ("AE",)},
    "en-gb-x-gbclan": {"aa": ("AE",)},
}


@dataclass(frozen=True)
class EspeakVoice:
    """Parameters of an eSpeak NG voice.

    Attributes:
        name: one of ``voice_names``: accent and variant, such as en-us+f2.
        pitch_hz: median pitch of a sentence.
        intonation: range of the pitch: 0 is monotone, 50 espeak-ng's default.
        words_per_min: in running text; a sentence of GRID's short words is read a little faster.
        tract: factor on the frequencies of the formants: above 1 for a vocal tract shorter than the voice's own. The
            pitch, the times and the noise of consonants do not change with it.

    Raises:
        ConfigError: no such voice, or a number outside LIMITS.
    """

    name: str
    pitch_hz: float
    intonation: float = 50.0
    words_per_min: float = 150.0
    tract: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in voice_names():
            raise ConfigError(
                f"unknown voice '{self.name}'; expected <accent>+<variant> with an accent of {', '.join(ACCENTS)} "
                f"and a variant of {', '.join(VARIANTS)}"
            )
        for setting, (low, high) in LIMITS.items():
            value = getattr(self, setting)
            if not low <= value <= high:
                raise ConfigError(f"voice {self.name}: {setting} is {value}, expected {low} to {high}")

    @property
    def accent(self) -> str:
        return self.name.split("+")[0]

    @property
    def variant(self) -> str:
        return self.name.split("+")[1]


@dataclass(frozen=True)
class Phone:
    """A phone: its ARPABET symbol without stress, or SIL. The closure of a stop is part of it."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SpokenSentence:
    """A spoken sentence.

    Attributes:
        samples: float32 (n,), mono, at RATE Hz, full scale 1. Band-limited to 11 kHz.
        phones: from 0 to the end of the samples, without gaps.
        words: (start_s, end_s) of each word, in order.
    """

    samples: np.ndarray
    phones: tuple[Phone, ...]
    words: tuple[tuple[float, float], ...]


def voice_names() -> tuple[str, ...]:
    return tuple(f"{accent}+{variant}" for accent in ACCENTS for variant in VARIANTS)


def synthesize(words: Sequence[str], voice: EspeakVoice) -> SpokenSentence:
    """Synthesise a sentence whose words are spoken one by one.

    The same words and voice give the same samples, bit for bit.

    Raises:
        AvsiError: espeakng-loader is not installed, or does not work here.
        DataError: words that espeak-ng does not read as one word each, or with a phoneme that has no symbol here.
    """
    samples, phones, of_word = speak(" ".join(words), voice)
    spoken = [[phone for phone, word in zip(phones, of_word, strict=True) if word == i] for i in range(len(words))]
    if not spoken or not all(spoken) or len(words) in of_word:
        raise DataError(
            f"'{' '.join(words)}': espeak-ng does not read this as {len(words)} words; expected words such as GRID's"
        )
    return SpokenSentence(samples, tuple(phones), tuple((of[0].start_s, of[-1].end_s) for of in spoken))


def speak(text: str, voice: EspeakVoice) -> tuple[np.ndarray, list[Phone], list[int | None]]:
    """Synthesise any text, as :func:`synthesize`.

    Returns:
        The samples and phones of a :class:`SpokenSentence`, and for each phone the index of the word that espeak-ng
        reads it in, such as 0 for all of "of the"; None for silence.
    """
    from scipy.signal import resample_poly

    pcm, rate, events = _run_espeak(text, voice)
    phones, of_word = _phones(pcm, rate, events, voice.accent)
    return resample_poly(pcm / np.float32(1 << 15), RATE, rate).astype(np.float32), phones, of_word


def _phones(pcm: np.ndarray, rate: int, events: list, accent: str) -> tuple[list[Phone], list[int | None]]:
    """The phones from espeak-ng's events, and the index of each one's word; None for silence."""
    starts = _starts(pcm, events, accent)
    ends = [start for start, _, _ in starts[1:]] + [len(pcm)]
    phones, of_word = [], []
    for (start, symbols, number), end in zip(starts, ends, strict=True):
        times_s = (np.linspace(start, end, len(symbols) + 1) / rate).tolist()
        for symbol, start_s, end_s in zip(symbols, times_s[:-1], times_s[1:], strict=True):
            if phones and (phones[-1].symbol, of_word[-1]) == (symbol, number):
                # Two silences, or the r of "four" twice before a vowel.
                phones[-1] = Phone(symbol, phones[-1].start_s, end_s)
            elif end > start:
                phones.append(Phone(symbol, start_s, end_s))
                of_word.append(number)
    return phones, of_word


def _starts(pcm: np.ndarray, events: list, accent: str) -> list[tuple[int, tuple[str, ...], int | None]]:
    """The first sample of each phoneme, its symbols, and the index of its word; None for silence."""
    table = {**ARPABET, **OF_ACCENT.get(accent, {})}
    starts = [(0, (SILENCE,), None)]
    number = -1
    for kind, sample, name in events:
        phoneme = name.lstrip(STRESS)
        if kind == EVENT_WORD:
            number += 1
        elif phoneme not in table:
            raise DataError(f"espeak-ng's phoneme '{name}' of the accent {accent}: no symbol for it in {__name__}")
        elif table[phoneme] == (SILENCE,):
            starts.append((sample, table[phoneme], None))
        elif table[phoneme]:
            start_before, (symbol_before, *_), number_before = starts[-1]
            start = sample
            if phoneme == "l" and symbol_before[0] in "AEIOU" and number_before == number:
                # The event of this l comes at its end; its sound is the second half of the span before the event.
                start = (start_before + sample) // 2
            elif number_before is not None:
                # The event marks the burst of a stop; the digital silence before it is its closure.
                start = int(np.flatnonzero(pcm[:sample])[-1]) + 1
            starts.append((start, table[phoneme], number))
    return starts


def _run_espeak(text: str, voice: EspeakVoice) -> tuple[np.ndarray, int, list]:
    """The sound, int16 (n,), its rate in Hz, and the (type, sample, name) of words and phonemes."""
    with espeak() as synthesiser:
        # The voice takes the place of espeak-ng's variants.
        own = synthesiser.folder / "voices" / "!v" / "own"
        own.parent.mkdir(parents=True)
        variant = synthesiser.data / "voices" / "!v" / voice.variant
        own.write_text(_variant_file(variant.read_text(encoding="utf-8"), voice))
        arguments = [f"{voice.accent}+own", str(round(voice.words_per_min)), text]
        printed = synthesiser.run(Path(__file__).with_name("espeak.py"), arguments)
    header, _, sound = printed.partition(b"\n")
    told = json.loads(header)
    return np.frombuffer(sound, np.int16), told["rate"], told["events"]


def _variant_file(text: str, voice: EspeakVoice) -> str:
    """The text of an espeak-ng variant with the voice's tract and pitch, without echo, which would fill closures."""
    lines = []
    # Frequency, height and width in %, shift in Hz.
    formants = {number: [100, 100, 100, 0] for number in range(N_FORMANTS)}
    for line in text.splitlines():
        key, *values = line.split() or [""]
        if key == "formant":
            number, *numbers = map(int, values)
            formants[number][: len(numbers)] = numbers
        elif key not in ("pitch", "echo"):
            lines.append(line)
    for number, (frequency, height, width, shift_hz) in formants.items():
        factor = voice.tract if number else 1.0
        lines.append(f"formant {number} {round(factor * frequency)} {height} {width} {round(factor * shift_hz)}")
    # espeak-ng speaks at low_hz - 9 + level * span_hz * 54 / 4096 (its LoadVoice and SetPitch2), and half of a GRID
    # sentence above a level of 63. Its own voices span 0.4 times their pitch.
    span_hz = 0.4 * voice.pitch_hz * voice.intonation / 50
    low_hz = voice.pitch_hz + 9 - 63 * 54 / 4096 * span_hz
    lines.append(f"pitch {round(low_hz)} {round(low_hz + span_hz)}")
    return "\n".join(lines) + "\n"
