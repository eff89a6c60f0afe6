import json
import re
from dataclasses import replace

import pytest

from avsi.errors import DataError
from avsi.words.alignment import AlignedWord, Alignment, Phone
from avsi.words.alignment_files import check_alignment_path, read_alignment, write_alignment

SAID = Alignment(
    (
        AlignedWord("“Hi”", 0.12, 0.3, 0.9, (Phone("HH", 0.12, 0.2, 0.8), Phone("AY", 0.2, 0.3, 1.0))),
        AlignedWord('6" x', 0.3, 0.45, 0.5, (Phone("S", 0.3, 0.35, 0.5), Phone("IH", 0.36, 0.45, 0.25))),
        AlignedWord("wörld", 1.0, 1.234567, 0.75, (Phone("W", 1.0, 1.1, 0.7), Phone("D", 1.1, 1.234567, 0.8))),
    ),
    2.978,
)
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 0.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 0.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = ""
        intervals [2]:
            xmin = 0.1
            xmax = 0.3
            text = "a""b"
        intervals [3]:
            xmin = 0.3
            xmax = 0.5
            text = ""
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 0.5
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = ""
        intervals [2]:
            xmin = 0.1
            xmax = 0.2
            text = "EY"
        intervals [3]:
            xmin = 0.2
            xmax = 0.3
            text = "B"
        intervals [4]:
            xmin = 0.3
            xmax = 0.5
            text = ""
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
0.5
<exists>
3
"TextTier"
"clicks"
0
0.5
1
0.25
"click"
"IntervalTier" ! a comment with "quotes" and 7
"words"
0
0.5
2
0.1
0.3
"a""b"
0.3
0.5
"sil"
"IntervalTier"
"phones"
0
0.5
2
0.1
0.2
"EY"
0.2
0.3
"B"
"""
AB = Alignment((AlignedWord('a"b', 0.1, 0.3, None, (Phone("EY", 0.1, 0.2), Phone("B", 0.2, 0.3))),), 0.5)


def without_confidence(alignment: Alignment) -> Alignment:
    words = [
        replace(word, confidence=None, phones=tuple(replace(phone, confidence=None) for phone in word.phones))
        for word in alignment.words
    ]
    return replace(alignment, words=tuple(words))


def test_json_holds_everything(tmp_path):
    write_alignment(tmp_path / "a.json", SAID)
    assert read_alignment(tmp_path / "a.json") == SAID
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["words"][2]["phones"][0] == {
        "label": "W",
        "start_s": 1.0,
        "end_s": 1.1,
        "confidence": 0.7,
    }
    write_alignment(tmp_path / "a.json", without_confidence(SAID))
    assert read_alignment(tmp_path / "a.json") == without_confidence(SAID)


def test_a_textgrid_is_as_praat_writes_it(tmp_path):
    write_alignment(tmp_path / "a.TextGrid", AB)
    assert (tmp_path / "a.TextGrid").read_text() == TEXTGRID


def test_a_textgrid_holds_all_but_the_confidence(tmp_path):
    write_alignment(tmp_path / "a.TextGrid", SAID)
    assert read_alignment(tmp_path / "a.TextGrid") == without_confidence(SAID)


def test_tiers_cover_the_recording_without_holes_or_empty_stretches(tmp_path):
    """Times whose rounding differs from that of their neighbours, and a last word that ends with the recording."""
    third = 1 / 3
    words = (AlignedWord("a", 1e-9, third), AlignedWord("b", third - 1e-9, 1.0000004), AlignedWord("c", 1.0000006, 2.0))
    write_alignment(tmp_path / "a.TextGrid", Alignment(words, 2.0000003))
    lines = (tmp_path / "a.TextGrid").read_text().split("item [2]:")[0].splitlines()
    starts = [line.split("= ")[1] for line in lines if line.startswith("            xmin")]
    ends = [line.split("= ")[1] for line in lines if line.startswith("            xmax")]
    assert starts == ["0", "0.333333", "1", "1.000001"]
    assert ends == ["0.333333", "1", "1.000001", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_praats_other_format_other_tiers_and_encodings_are_read(tmp_path, encoding):
    (tmp_path / "a.textgrid").write_text(SHORT.replace('"a""b"', '"ä""b"'), encoding=encoding)
    assert read_alignment(tmp_path / "a.textgrid") == replace(AB, words=(replace(AB.words[0], text='ä"b'),))


def test_a_label_track_holds_the_words(tmp_path):
    write_alignment(tmp_path / "a.txt", SAID)
    text = (tmp_path / "a.txt").read_text("utf-8")
    assert text == '0.120000\t0.300000\t“Hi”\n0.300000\t0.450000\t6" x\n1.000000\t1.234567\twörld\n'
    words = tuple(replace(word, phones=()) for word in without_confidence(SAID).words)
    assert read_alignment(tmp_path / "a.txt") == Alignment(words, 1.234567)
    (tmp_path / "a.txt").write_text("0.1\t0.2\ta\r\n\\\t100.0\t200.0\r\n\r\n0.2\t0.4\tb c\r\n")
    assert [word.text for word in read_alignment(tmp_path / "a.txt").words] == ["a", "b c"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "not a JSON file"),
        ("a.json", "[1]", "not an alignment; expected the format 'avsi alignment'"),
        ("a.json", '{"format": "avsi alignment"}', "the alignment: expected a list as 'words', found null"),
        (
            "a.json",
            '{"format": "avsi alignment", "words": [5], "duration_s": 1}',
            "word 1: expected a list as 'phones'",
        ),
        (
            "a.json",
            '{"format": "avsi alignment", "duration_s": 1, "words": [{"text": "a", "phones": [], "start_s": "0"}]}',
            "word 1: expected a number as 'start_s', found \"0\"",
        ),
        (
            "a.json",
            '{"format": "avsi alignment", "duration_s": 1, '
            '"words": [{"text": "a", "phones": [], "start_s": NaN, "end_s": 1}]}',
            "the word a from nan to 1 s: expected finite times",
        ),
        (
            "a.json",
            '{"format": "avsi alignment", "words": [], "duration_s": true}',
            "expected a number as 'duration_s'",
        ),
        ("a.json", '{"format": "avsi alignment", "words": [], "duration_s": 0}', "an alignment of 0.0 s"),
        ("a.TextGrid", "", "ends before a text (its type)"),
        ("a.TextGrid", "words", "ends before a text (its type)"),
        ("a.TextGrid", TEXTGRID[:400], "ends before a text (tier 'words'); it is damaged or cut"),
        ("a.TextGrid", TEXTGRID.replace('"words"', '"Mary"'), "has no tier 'words', but Mary, phones"),
        ("a.TextGrid", TEXTGRID.replace("size = 3", "size = 2"), "found 0.3 where a text (a tier's class) was"),
        ("a.TextGrid", TEXTGRID.replace("size = 3", "size = 2.5"), "found 2.5 as the number of pieces"),
        ("a.TextGrid", TEXTGRID.replace("size = 3", "size = 1e999"), "found inf as the number of pieces"),
        ("a.TextGrid", TEXTGRID.replace("xmin = 0.1", "xmin = 1.0.0"), "found 1.0.0 where a number"),
        ("a.TextGrid", TEXTGRID.replace("xmin = 0\nxmax", "xmin = 2\nxmax"), "starts at 2 s, expected 0"),
        ("a.TextGrid", TEXTGRID.replace("<exists>", "<absent>"), "holds no tiers"),
        ("a.TextGrid", TEXTGRID.replace('text = "a""b"', 'text = ""'), "the phone EY from 0.1 to 0.2 s belongs to no"),
        (
            "a.TextGrid",
            TEXTGRID.replace("xmax = 0.3", "xmax = 0.7", 1),
            'the word a"b from 0.1 to 0.7 s: expected to end',
        ),
        ("a.txt", "", "holds no labels"),
        ("a.txt", "0.1 0.2 a\n", "line 1: expected start, end and word, separated by tabs, found '0.1 0.2 a'"),
        ("a.txt", "0.1\t0.2\ta\nhere\tthere\tb\n", "line 2: expected start, end"),
        ("a.txt", "0.1\t0.2\ta\n0.1\t0.3\tb\n", "the word b from 0.1 to 0.3 s: expected to start at 0.2 s or later"),
        ("a.txt", "0.3\t0.2\ta\n", "the word a from 0.3 to 0.2 s: ends before it starts"),
        ("a.lab", "", "unknown kind of alignment '.lab'; expected .json, .TextGrid or .txt"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=re.escape(message)) as error:
        read_alignment(tmp_path / name)
    assert name in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (AlignedWord("a", 0.1, 0.1), "lasts nothing"),
        (AlignedWord("a", -0.1, 0.1), "expected to start at 0 s or later"),
        (AlignedWord("a", 0.1, 1.1), "expected to end by 1 s"),
        (AlignedWord("a", 0.1, 0.2, 1.5), "has a confidence of 1.5, expected 0 to 1"),
        (AlignedWord("a", 0.1, 0.2, 1.0, (Phone("EY", 0.1, 0.3),)), "the phone EY of 'a' from 0.1 to 0.3 s"),
    ],
)
def test_times_that_cannot_be(word, message):
    with pytest.raises(DataError, match=message):
        Alignment((word,), 1.0)


def test_where_nothing_can_be_written_is_told_before(tmp_path):
    for path, message in (
        (tmp_path / "a.wav", "unknown kind of alignment '.wav'"),
        (tmp_path / "a", "unknown kind of alignment ''"),
        (tmp_path / "none" / "a.json", "none/a.json: the folder .*none does not exist"),
    ):
        with pytest.raises(DataError, match=message):
            check_alignment_path(path)
        with pytest.raises(DataError, match=message):
            write_alignment(path, SAID)
    (tmp_path / "b.json").mkdir()
    with pytest.raises(DataError, match=r"b\.json: is a folder"):
        check_alignment_path(tmp_path / "b.json")
    with pytest.raises(DataError, match=r"no\.json: no such file"):
        read_alignment(tmp_path / "no.json")
    check_alignment_path(tmp_path / "a.TEXTGRID")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
