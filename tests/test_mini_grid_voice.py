import itertools
import sys

import espeakng_loader
import numpy as np
import pytest

from avsi.errors import AvsiError, ConfigError, DataError
from data_prep.drawn_speakers.synthesis import (
    ACCENTS,
    RATE,
    VARIANTS,
    EspeakVoice,
    SpokenSentence,
    synthesize,
    voice_names,
)
from data_prep.grid.sentences import ADVERBS, COLOURS, COMMANDS, DIGITS, PREPOSITIONS
from data_prep.mini_grid.clip import SPELLING

# Of GRID's words as the British say them.
PHONES = {
    **{"bin": "B IH N", "lay": "L EY", "place": "P L EY S", "set": "S EH T"},
    **{"blue": "B L UW", "green": "G R IY N", "red": "R EH D", "white": "W AY T"},
    **{"at": "AE T", "by": "B AY", "in": "IH N", "with": "W IH DH"},
    **{"a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY"},
    **{"j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW"},
    **{"r": "AA", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "x": "EH K S", "y": "W AY", "z": "Z EH D"},
    **{"zero": "Z IY R OW", "one": "W AA N", "two": "T UW", "three": "TH R IY", "four": "F AO", "five": "F AY V"},
    **{"six": "S IH K S", "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N"},
    **{"again": "AH G EH N", "now": "N AW", "please": "P L IY Z", "soon": "S UW N"},
}


def spoken(sentence: str, name: str = "en+m1", pitch_hz: float = 110, **more: float) -> SpokenSentence:
    return synthesize([SPELLING.get(word, word) for word in sentence.split()], EspeakVoice(name, pitch_hz, **more))


def phones_of_words(speech: SpokenSentence) -> list[str]:
    return [
        " ".join(phone.symbol for phone in speech.phones if start_s <= phone.start_s and phone.end_s <= end_s)
        for start_s, end_s in speech.words
    ]


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz, and the power at each."""
    return np.fft.rfftfreq(len(samples), 1 / RATE), np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2


def share(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    frequencies, power = spectrum(samples)
    return power[(frequencies > low_hz) & (frequencies < high_hz)].sum() / power.sum()


def phone(speech: SpokenSentence, symbol: str) -> np.ndarray:
    found = next(phone for phone in speech.phones if phone.symbol == symbol)
    return speech.samples[round(found.start_s * RATE) : round(found.end_s * RATE)]


def median_pitch_hz(samples: np.ndarray) -> float:
    """By autocorrelation, over the louder half of the frames."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2048)[::441]
    frames = frames[frames.std(axis=1) > np.median(frames.std(axis=1))] * np.hanning(2048)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 4096)) ** 2)[:, :2048]
    lags = np.arange(RATE // 300, RATE // 70)
    return RATE / np.median(lags[correlation[:, lags].argmax(axis=1)])


def test_every_word_of_grid_has_its_phones():
    digits = [digit for digit in DIGITS.values() if digit != "four"]
    sentences = [
        [*COMMANDS.values(), *COLOURS.values(), *PREPOSITIONS.values()],
        *(list(letters) for letters in ("abcdefgh", "jklmnopq", "stuvr", "xyzi")),
        # The r of the British "four" and of the letter is heard before a vowel: neither stands before one here.
        [*digits, "four", *reversed(ADVERBS.values())],
    ]
    for words in sentences:
        assert phones_of_words(spoken(" ".join(words))) == [PHONES[word] for word in words]
    assert set(PHONES) == {word for words in sentences for word in words}


def test_americans_sound_the_r_and_say_zee():
    assert phones_of_words(spoken("r z four one four again", "en-us+f2")) == [
        *("AA R", "Z IY", "F AO R", "W AH N", "F AO R", "AH G EH N")
    ]


@pytest.mark.parametrize("sentence", ["place white at a nine soon", "set blue by z zero now"])
def test_phones_and_words_are_without_a_break_and_in_order(sentence):
    speech = spoken(sentence)
    assert speech.samples.dtype == np.float32 and 0.1 < np.abs(speech.samples).max() < 1
    assert phones_of_words(speech) == [PHONES[word] for word in sentence.split()]
    times_s = [0.0, *(phone.end_s for phone in speech.phones)]
    assert [phone.start_s for phone in speech.phones] == times_s[:-1]
    assert times_s[-1] == pytest.approx(len(speech.samples) / RATE)
    assert speech.phones[-1].symbol == "SIL"
    assert [start_s for start_s, _ in speech.words[1:]] == [end_s for _, end_s in speech.words[:-1]]


def test_phones_lie_where_they_are_heard():
    speech = spoken("set white by l two soon")
    assert share(phone(speech, "S"), 3500, RATE / 2) > 0.5
    closure = phone(speech, "T")[100 : round(0.035 * RATE)]
    assert np.abs(closure).max() < 0.01 * np.abs(speech.samples).max()
    # The second formant falls from the vowel of the letter l to its consonant.
    letter = spoken("bin white by l two now")
    assert share(phone(letter, "EH"), 1500, 2100) > 4 * share(phone(letter, "L"), 1500, 2100)


def test_a_sentence_sounds_the_same_whatever_was_spoken_before():
    first = spoken("bin green at f two again", "en+f2", 200)
    spoken("set blue by z zero now", "en-us+f5", 220)
    again = spoken("bin green at f two again", "en+f2", 200)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert (first.phones, first.words) == (again.phones, again.words)


@pytest.mark.parametrize(("name", "pitch_hz"), [("en+m3", 95), ("en-gb-scotland+f1", 210)])
def test_tract_moves_formants_and_neither_pitch_nor_times(name, pitch_hz):
    centroids, ends_s = [], []
    for tract in (0.85, 1.0, 1.18):
        speech = spoken("set green with a nine please", name, pitch_hz, tract=tract)
        assert median_pitch_hz(speech.samples) == pytest.approx(pitch_hz, rel=0.05)
        ends_s.append([phone.end_s for phone in speech.phones])
        # Of the second to the fourth formant of "green".
        frequencies, power = spectrum(phone(speech, "IY"))
        upper = (frequencies > 1300) & (frequencies < 5500)
        centroids.append((frequencies[upper] * power[upper]).sum() / power[upper].sum())
    assert ends_s[0] == pytest.approx(ends_s[1], abs=1e-3) and ends_s[2] == pytest.approx(ends_s[1], abs=1e-3)
    assert centroids[0] / centroids[1] == pytest.approx(0.85, abs=0.06)
    assert centroids[2] / centroids[1] == pytest.approx(1.18, abs=0.08)


def test_more_words_a_minute_take_less_time():
    plain, fast = spoken("lay red in o six now"), spoken("lay red in o six now", words_per_min=200)
    assert 0.65 < fast.phones[-1].end_s / plain.phones[-1].end_s < 0.85


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("en+zz", 100),
            r"unknown voice 'en\+zz'; expected <accent>\+<variant> with an accent of en, en-us, .* of m1, m2",
        ),
        (("klingon+m1", 100), "unknown voice 'klingon"),
        (("en", 100), "unknown voice 'en'"),
        (("en+m1", -3), r"voice en\+m1: pitch_hz is -3, expected 60 to 400"),
        (("en+m1", 100, float("nan")), "intonation is nan, expected 0 to 100"),
        (("en+m1", 100, 50, 0), "words_per_min is 0, expected 80 to 450"),
        (("en+m1", 100, 50, 150, 9), "tract is 9, expected 0.7 to 1.4"),
    ],
)
def test_voices_that_cannot_be(arguments, expected):
    with pytest.raises(ConfigError, match=expected):
        EspeakVoice(*arguments)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the loch", "phoneme 'x' of the accent en: no symbol for it"),
        ("red , blue", "not read this as 3 words"),
        ("", "as 0 words"),
    ],
)
def test_sentences_that_are_not_grids(sentence, expected):
    with pytest.raises(DataError, match=expected):
        spoken(sentence)


def test_without_espeak(monkeypatch, tmp_path):
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    with pytest.raises(
        AvsiError, match=r"espeak-ng does not work here: OSError: .*none\.so.*pip install --force-reinst"
    ):
        spoken("set red by b two now")
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(AvsiError, match="which is not there: pip install espeakng-loader"):
        spoken("set red by b two now")


@pytest.mark.slow
def test_every_accent_and_every_variant_is_there():
    assert len(voice_names()) == len(ACCENTS) * len(VARIANTS)
    for accent, variant in zip(itertools.cycle(ACCENTS), VARIANTS, strict=False):
        assert phones_of_words(spoken("soon", f"{accent}+{variant}")) == ["S UW N"]
