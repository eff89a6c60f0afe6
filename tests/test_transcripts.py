import pytest

from avsi.errors import DataError
from avsi.words.captions import Caption
from avsi.words.transcript import read_transcript, spoken_words

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i> there.

2
00:00:02,000 --> 01:00:04,250  X1:40 Y1:50
- {\\an8}Who's there?
- ANNA: It's me &amp; you.

3
00:00:05,000 --> 00:00:06,000
[MUSIC] ♪ (door slams)

4
00:00:07,000 --> 00:00:08,000
I counted
to

3
"""
VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE a remark
of two lines

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Roger Bingham>We are in <b.loud>New</b> York
City

NOTE done

01:00:03.5 --> 01:00:04.000
>> Yes.
"""
ROLLING = """WEBVTT

00:00:00.000 --> 00:00:02.000 align:start
 \nhello<00:00:00.500><c> there</c>

00:00:02.000 --> 00:00:02.010 align:start
hello there
 \n
00:00:02.010 --> 00:00:04.000 align:start
hello there
how<00:00:03.000><c> are</c><00:00:03.500><c> you</c>

00:00:04.000 --> 00:00:05.000 align:start
how are you
how are you
"""
SAID = [
    Caption("Hello there.", 1.0, 2.5),
    Caption("Who's there?\nIt's me & you.", 2.0, 3604.25),
    Caption("I counted\nto\n\n3", 7.0, 8.0),
]


def read(folder, name, text, encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return read_transcript(str(folder / name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_srt_captions_with_their_times(tmp_path, encoding, line_end):
    text = ("\ufeff" if encoding == "utf-16-be" else "") + SRT.replace("\n", line_end)
    assert read(tmp_path, "a.srt", text, encoding) == SAID


def test_vtt_captions_with_their_times(tmp_path):
    expected = [Caption("We are in New York\nCity", 1.0, 2.5), Caption("Yes.", 3603.5, 3604.0)]
    assert read(tmp_path, "a.vtt", VTT) == expected
    assert read(tmp_path, "A.VTT", VTT.replace("\n", "\r\n")) == expected


def test_captions_that_roll_are_taken_once(tmp_path):
    assert read(tmp_path, "a.vtt", ROLLING) == [
        Caption("hello there", 0.0, 2.0),
        Caption("how are you", 2.01, 4.0),
        Caption("how are you", 4.0, 5.0),
    ]


def test_captions_come_in_the_order_of_their_times(tmp_path):
    text = "00:00:05,000 --> 00:00:06,000\ntwo\n\n00:00:01,000 --> 00:00:09,000\none\n"
    assert read(tmp_path, "a.srt", text) == [Caption("one", 1.0, 9.0), Caption("two", 5.0, 6.0)]


def test_captions_without_numbers_or_empty_lines(tmp_path):
    text = "00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\ntwo"
    assert [caption.text for caption in read(tmp_path, "a.srt", text)] == ["one\n2", "two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bin blue at f two now", "bin blue at f two now"),
        ("<i>Hi</i> {\\an8}there &amp; you", "Hi there & you"),
        ("one [MUSIC] two (laughs) three (soft humming) four", "one two three four"),
        ("the house (which was red) and (human rights)", "the house (which was red) and (human rights)"),
        ("2 < 3 > 1", "2 < 3 > 1"),
        ("and/or", "and/or"),
        ("x" * 5000, "x" * 5000),
        ("no such.txt\n", "no such.txt"),
        ("example.com", "example.com"),
        ("\x00abc", "\x00abc"),
    ],
)
def test_a_text_is_one_piece_without_times(text, expected):
    (caption,) = read_transcript(text)
    assert " ".join(caption.text.split()) == expected and (caption.start_s, caption.end_s) == (None, None)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Naïve “quotes”"), ("utf-8-sig", "Naïve"), ("utf-16", "Naïve"), ("cp1252", "A naïve “café”, it\u2019s")],
)
def test_a_text_file_in_an_encoding_that_is_used(tmp_path, encoding, text):
    assert read(tmp_path, "a.txt", f"{text}\r\n", encoding) == [Caption(text)]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", "a.txt: holds no word; expected the words that are said, or a file of them"),
        ("a.txt", " \n…\n".encode(), "a.txt: holds no word"),
        ("a.txt", b"[MUSIC]", "a.txt: holds no word"),
        ("a.txt", b"%PDF-1.7\nwords", "a.txt: not a text file; expected text in UTF-8; save it as such"),
        ("a.txt", b"\x7fELF\x02\x01\x00\x00", "a.txt: not a text file"),
        ("a.txt", "words".encode("utf-16-le"), "a.txt: not a text file"),
        ("a.txt", "Привет, мир".encode("cp1251"), "a.txt: its encoding is not known; expected text in UTF-8"),
        ("a.txt", b"a\x81b", "a.txt: not a text file"),
        ("a.txt", b"\xff\xfea", "a.txt: "),
        ("a.pdf", b"%PDF-1.7", "a.pdf: not a file of words that can be read; expected"),
        ("a.lab", b"words", "a.lab: not a file of words that can be read; expected"),
        ("a.srt", b"some words", "a.srt: holds no captions; expected lines such as '00:00:01,000 -->"),
        ("a.srt", b"", "a.srt: holds no captions"),
        ("a.srt", b"1\n00:00:01 --> 00:00:02\nhi\n", "a.srt: line 2: expected times such as"),
        ("a.srt", b"1\n00:00:03,000 --> 00:00:02,000\nhi\n", "a.srt: line 2: ends before it starts"),
        ("a.vtt", b"WEBVTT\n\n00:01.000 --> soon\nhi\n", "a.vtt: line 3: expected times such as"),
        ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n[MUSIC]\n", "a.vtt: holds no word"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_transcript(str(tmp_path / name))
    assert str(error.value).startswith(str(tmp_path / message)) and "\n" not in str(error.value)


def test_what_names_no_file_of_words(tmp_path):
    for name, message in (
        ("none.txt", "no such file; expected the words that are said"),
        ("my talk.srt", "no such file"),
        ("none.pdf", "no such file, nor one of words; expected the words that are said"),
        ("none.lab", "no such file, nor one of words"),
        ("talk", "talk: no such file; expected the words"),
        (".", "is a folder; expected the words that are said"),
    ):
        with pytest.raises(DataError, match=message):
            read_transcript(str(tmp_path / name))
    for text in ("", "   ", "…", "[MUSIC]", "(laughs)"):
        with pytest.raises(DataError, match="the transcript: holds no word"):
            read_transcript(text)


def test_every_caption_that_is_kept_has_words(tmp_path):
    for caption in read(tmp_path, "a.srt", SRT + "\n5\n00:01:00,000 --> 00:01:01,000\n- ... &\n"):
        assert spoken_words(caption.text)
