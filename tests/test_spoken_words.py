import sys

import pytest

from avsi.errors import DataError
from avsi.words.numbers import CURRENCIES, DIGITS, SCALES, UNITS
from avsi.words.pieces import ABBREVIATIONS, CAPITALS, INITIALS, SYMBOLS
from avsi.words.pronouncing import dictionary
from avsi.words.transcript import Word, spoken_words


def spoken(text: str, *own: str) -> str:
    return " ".join(" ".join(word.spoken) for word in spoken_words(text, own))


def written(text: str) -> list[str]:
    return [word.written for word in spoken_words(text)]


def test_each_word_keeps_what_was_written():
    assert spoken_words("“Dr. Smith paid $3.50 & left — at 5:30pm on the 2nd…”") == [
        Word("Dr.", ("doctor",)),
        Word("Smith", ("smith",)),
        Word("paid", ("paid",)),
        Word("$3.50", ("three", "dollars", "and", "fifty", "cents")),
        Word("&", ("and",)),
        Word("left", ("left",)),
        Word("at", ("at",)),
        Word("5:30pm", ("five", "thirty", "p.m.")),
        Word("on", ("on",)),
        Word("the", ("the",)),
        Word("2nd", ("second",)),
    ]
    assert written("(He didn\u2019t say: \u2018No.\u2019)") == ["He", "didn\u2019t", "say", "No"]
    assert spoken("bin blue at f two now") == "bin blue at f two now"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "zero"),
        ("105", "one hundred five"),
        ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
        ("3.05", "three point zero five"),
        (".5", "point five"),
        ("-3", "minus three"),
        ("\N{MINUS SIGN}3", "minus three"),
        ("007", "zero zero seven"),
        ("1999", "nineteen ninety nine"),
        ("1905", "nineteen oh five"),
        ("2005", "two thousand five"),
        ("2024", "twenty twenty four"),
        ("1,999", "one thousand nine hundred ninety nine"),
        ("9" * 16, " ".join(["nine"] * 16)),
        ("21st", "twenty first"),
        ("1,000th", "one thousandth"),
        ("the '90s", "the nineties"),
        ("1960s", "nineteen sixties"),
        ("6s", "sixes"),
        ("50%", "fifty percent"),
        ("3.5%", "three point five percent"),
        ("20°C", "twenty degrees celsius"),
        ("1km", "one kilometer"),
        ("5km", "five kilometers"),
        ("$1", "one dollar"),
        ("$1.01", "one dollar and one cent"),
        ("$0.99", "ninety nine cents"),
        ("$5.00", "five dollars"),
        ("£20", "twenty pounds"),
        ("€2.5 million", "two point five million euros"),
        ("-$5k", "minus five thousand dollars"),
        ("$5-$10", "five to ten dollars"),
        ("5:00", "five o'clock"),
        ("5:05", "five oh five"),
        ("7:05 A.M.", "seven oh five a.m."),
        ("5 pm", "five p.m."),
        ("17:30", "seventeen thirty"),
        ("1:02:03", "one oh two oh three"),
        ("1/2", "one half"),
        ("3/4", "three quarters"),
        ("2½", "two and one half"),
        ("24/7", "twenty four seven"),
        ("555-1234", "five five five one two three four"),
        ("+1-212-555-1234", "one two one two five five five one two three four"),
        ("10\u201320", "ten to twenty"),
        ("1.5-2.5", "one point five to two point five"),
        ("3:2", "three to two"),
        ("1.2.3", "one point two point three"),
        ("No. 5. No.", "number five no"),
        ("#1", "number one"),
        ("\uff11\uff12", "twelve"),
        ("²", "two"),
    ],
)
def test_numbers(text, expected):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. and Mrs Brown vs. Prof. Green, Jr.", "mister and mrs. brown versus professor green junior"),
        ("Visit St. Mary on Main St. at noon", "visit saint mary on main street at noon"),
        ("e.g. this, i.e. that, etc.", "for example this that is that etc"),
        ("the U.S. and the USA", "the u.s. and the usa"),
        ("J.F.K.", "j f k"),
        ("R&B, AT&T", "r and b a. t and t"),
        ("a & b + c = d @ e", "a and b plus c equals d at e"),
        ("me@example.com", "me at example dot com"),
        ("#tag", "hashtag tag"),
        ("## Heading\n====", "heading"),
        ("NASA and US and us", "nasa and u.s. and us"),
        ("GPUs and a GPU", "g p u's and a g p u"),
        ("IN THE US", "in the us"),  # all are capitals, which then say nothing
        ("World War II", "world war two"),
        ("covid-19, h2o, GPT-4", "covid nineteen h two o g p t four"),
        ("well-known re-entry", "well-known re entry"),  # the dictionary has one of them
        ("and/or", "and or"),
        ("yes,no;well end.Next", "yes no well end next"),
        ("word--word...word—word", "word word word word"),
        ("'hello' 'em goin' the dogs' it\u2019s o'clock", "hello 'em goin' the dogs' it's o'clock"),
        ("naïve café, Straße, cafe\u0301", "naive cafe strasse cafe"),
        ("soft\u00adly", "softly"),
        ("DON'T!", "don't"),
        ("*really* _so_", "really so"),
        ("hi 🙂 there", "hi there"),
    ],
)
def test_words_symbols_and_abbreviations(text, expected):
    assert spoken(text) == expected


def test_words_of_the_user_are_taken_as_they_are():
    assert spoken("AVSI, jean-luc's gpt-4 & dr. 2", "avsi", "gpt-4", "2", "dr.") == "avsi jean luc's gpt-4 and dr. 2"
    assert spoken("Jean-Luc", "jean-luc") == "jean-luc"


def test_what_is_written_keeps_its_stop_or_apostrophe():
    assert written("Dr. Who left at 5 p.m. They said: e.g. the U.S.") == [
        *("Dr.", "Who", "left", "at", "5 p.m.", "They", "said", "e.g.", "the", "U.S."),
    ]
    assert written("No. 5, \u201990s, 'em, goin\u2019, “so”.") == ["No.", "5", "\u201990s", "'em", "goin\u2019", "so"]
    assert written("and/or well-known $3.5 million") == ["and", "or", "well-known", "$3.5 million"]


def test_every_word_of_the_tables_is_in_the_dictionary():
    units = [word for several in UNITS.values() for text in several for word in text.split()]
    tables = [*ABBREVIATIONS.values(), *SYMBOLS.values(), *INITIALS.values(), *CAPITALS.values(), *CURRENCIES.values()]
    said = {*units, *DIGITS, *SCALES.values(), *(word for several in tables for word in several)}
    assert said - set(dictionary()) == {"kilohertz"}  # which eSpeak NG reads


@pytest.mark.parametrize("text", ["", "   ", "…", "— ! ?", "🙂", "***", "====", "#"])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(DataError, match="the transcript: holds no word; expected the words that are said"):
        spoken_words(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Привет, мир!", "Привет, мир"),
        ("hello 世界", "世界"),
        ("٣ apples", "٣"),
        ("m²", "m²"),
        ("語" * 100, "語" * 30),
        ("я " * 12, "я, я, я, я, я, я, я, я, я, я, and 2 more"),
    ],
)
def test_words_of_another_script_are_named(text, named):
    with pytest.raises(DataError, match=f"the transcript holds what is not English: {named}; expected words in Latin"):
        spoken_words(text)


def test_without_num2words_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(DataError, match=r"the package num2words is not installed.*pip install .*\[words\]"):
        spoken_words("the 2 of us")
    assert spoken("the two of us") == "the two of us"


def test_a_long_text():
    assert len(spoken_words("Well, Dr. Smith isn't in. " * 2000)) == 10_000
