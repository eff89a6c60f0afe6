"""`avsi align`, and `avsi inpaint --transcript`."""

import json
import math

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, face, mouth_opening, small_config, speech, write_video

import avsi
from avsi.config import AlignerConfig
from avsi.data.stats import Stats
from avsi.errors import DataError
from avsi.models.aligner import PhoneAligner
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring import aligning
from avsi.restoring.aligning import _windows, align_excerpt, align_file, load_aligner
from avsi.words.alignment_files import read_alignment
from avsi.words.captions import Caption
from avsi.words.pronouncing import ARPABET


@pytest.fixture(scope="module")
def folder(corpus, tmp_path_factory):
    """Models that were not trained, and a recording of 3 s."""
    folder = tmp_path_factory.mktemp("align")
    torch.manual_seed(0)
    config = small_config(AlignerConfig)
    save_model(folder / "aligner", PhoneAligner(config, None, ARPABET), {})
    config = corpus_config(corpus)
    config.model.text = True
    save_model(folder / "text", BLSTMInpainter(config, Stats.load(config.data.stats), ARPABET), {})
    save_model(folder / "plain", BLSTMInpainter(corpus_config(corpus), Stats.load(config.data.stats)), {})
    soundfile.write(folder / "talk.wav", speech(0), RATE)
    return folder


@pytest.fixture
def align(avsi, folder, tmp_path):
    """Runs `avsi align` on the recording: (status, output, errors)."""

    def run(*arguments):
        return avsi("align", folder / "talk.wav", "--model", folder / "aligner", *arguments)

    return run


def test_a_table_is_shown_and_what_is_asked_for_written(align, tmp_path):
    status, output, errors = align("--transcript", "Bin blue, at F 2 now!", "-o", tmp_path / "words.json")
    assert status == 0, errors
    lines = [line.split() for line in output.splitlines()[2:8]]
    assert [line[0] for line in lines] == ["Bin", "blue", "at", "F", "2", "now"]
    assert lines[4][4:] == ["T", "UW"]
    found = read_alignment(tmp_path / "words.json")
    assert [word.text for word in found.words] == ["Bin", "blue", "at", "F", "2", "now"]
    assert [f"{word.start_s:.2f}" for word in found.words] == [line[1] for line in lines]
    for suffix in (".TextGrid", ".txt"):
        assert align("--transcript", "Bin blue at F 2 now", "-o", tmp_path / f"words{suffix}")[0] == 0
        again = read_alignment(tmp_path / f"words{suffix}")
        for one, two in zip(again.words, found.words, strict=True):
            assert (one.text, one.start_s, one.end_s) == (
                two.text,
                pytest.approx(two.start_s),
                pytest.approx(two.end_s),
            )


def test_words_that_are_spoken_as_several_are_one(align, tmp_path):
    assert align("--transcript", "it costs $3.50", "-o", tmp_path / "words.json")[0] == 0
    word = read_alignment(tmp_path / "words.json").words[2]
    assert word.text == "$3.50"
    assert [phone.label for phone in word.phones][:4] == ["TH", "R", "IY", "D"]
    assert word.end_s == word.phones[-1].end_s


def test_words_that_do_not_fit_are_noted_and_many_of_them_once(align, monkeypatch):
    monkeypatch.setattr(aligning, "LEAST_FIT", 1.0)  # nothing fits
    _, _, errors = align("--transcript", "bin blue")
    assert errors.count("does not fit what is heard; is it the right word?") == 2
    _, _, errors = align("--transcript", "bin blue at f two now")
    assert errors == (
        "note: 6 of 6 words do not fit what is heard or seen; is it the transcript of this recording, and in English?\n"
    )


def test_words_in_a_gap_without_a_face_are_noted(align):
    _, _, errors = align("--transcript", "bin blue", "--gap", "0.1:2.9")
    assert (
        "note: no face is seen where 'bin' and 1 more are said, in a gap: the usual lengths of phones say when"
        in errors
    )
    assert align("--transcript", "bin blue")[2] == ""


def test_a_film_without_a_face_is_aligned_by_its_sound(avsi, folder, tmp_path):
    film = write_video(tmp_path / "film.mpg", speech(0, rate=44100))
    status, output, errors = avsi("align", film, "--transcript", "bin blue", "--model", folder / "aligner")
    assert status == 0
    assert errors.startswith("note: ")
    assert "the words are found by the sound alone" in errors
    assert "blue" in output


def test_a_pronunciation_that_is_not_needed_is_noted(align):
    _, _, errors = align("--transcript", "bin", "--pronounce", "foo=F UW")
    assert errors == "note: --pronounce foo: the transcript has no such word\n"


def test_the_users_own_pronunciation_is_taken(align, tmp_path):
    arguments = ("--transcript", "avsi works", "--pronounce", "avsi=EY V IY EH S AY", "-o", tmp_path / "words.json")
    status, _, errors = align(*arguments)
    assert (status, errors) == (0, "")
    first = read_alignment(tmp_path / "words.json").words[0]
    assert [phone.label for phone in first.phones] == ["EY", "V", "IY", "EH", "S", "AY"]


def test_captions_are_looked_for_near_their_times(folder):
    captions = [Caption("bin blue", 0.5, 1.0), Caption("now", 2.0, 2.4)]
    found = align_file(folder / "talk.wav", captions, lambda: load_aligner(folder / "aligner"))
    assert [word.text for word in found.words] == ["bin", "blue", "now"]
    assert found.words[0].start_s >= 0.0
    assert found.words[1].end_s <= 1.5
    assert 1.5 <= found.words[2].start_s < found.words[2].end_s <= 2.9
    with pytest.raises(DataError, match=r"a caption at 9\.00 s lies outside the sound, which lasts 2\.98 s"):
        align_file(folder / "talk.wav", [Caption("now", 9.0, 9.5)], lambda: load_aligner(folder / "aligner"))


@pytest.mark.parametrize("times_s", [[(0.5, 1.5), (0.6, 1.6)], [(0.5, 1.5), (0.5, 1.5)], [(0.5, 1.2), (1.2, 1.9)]])
def test_captions_that_overlap_or_touch_are_found_at_any_rate(folder, tmp_path, times_s):
    soundfile.write(tmp_path / "talk.wav", speech(0, rate=44100), 44100)
    captions = [Caption(text, *times) for text, times in zip(("bin blue", "now"), times_s, strict=True)]
    found = align_file(tmp_path / "talk.wav", captions, lambda: load_aligner(folder / "aligner"))
    assert [word.text for word in found.words] == ["bin", "blue", "now"]


def test_captions_are_aligned_together_while_they_are_near_and_short():
    def windows(*times_s):
        captions = [Caption("now", *times) for times in times_s]
        return [(round(a, 3), round(b, 3), count) for a, b, count in _windows(captions, 0.0, 100.0)]

    assert windows((1, 2), (5, 6)) == [(0.5, 2.5, 1), (4.5, 6.5, 1)]
    assert windows((1, 2), (2.8, 6)) == [(0.5, 6.5, 2)]
    assert windows((1, 25), (25.5, 40)) == [(0.5, 25.25, 1), (25.25, 40.5, 1)]  # together too long
    assert windows((1, 25), (24, 40)) == [(0.5, 40.5, 2)]  # but they overlap
    assert windows((1, 25), (2, 3)) == [(0.5, 25.5, 2)]
    assert _windows([Caption("now"), Caption("then")], 0.0, 100.0) == [(0.0, 100.0, 2)]


def test_what_a_gap_holds_is_not_looked_at(folder):
    model = load_aligner(folder / "aligner")
    samples, words = speech(0).astype(float), [[("B", "IH", "N")], [("B", "L", "UW")]]
    gap = (16000, 24000)
    loud = samples.copy()
    loud[slice(*gap)] = np.nan
    one, two = (align_excerpt(model, each, RATE, words, [gap]) for each in (samples, loud))
    assert one.aligned == two.aligned
    assert one.aligned != align_excerpt(model, samples, RATE, words).aligned
    assert (one.lost.sum(), one.seen.any()) == (pytest.approx(8000 / 192, abs=4), False)


def test_the_face_counts(folder):
    model, time_s = load_aligner(folder / "aligner"), np.arange(75) / 25
    tracks, words = face(mouth_opening(0, time_s), time_s), [[("B", "IH", "N")]]
    blind, seen = (align_excerpt(model, speech(0), RATE, words, [], each) for each in (None, tracks))
    assert seen.seen.all()
    assert blind.aligned.confidence != seen.aligned.confidence


def test_a_transcript_goes_into_the_model(avsi, folder, tmp_path):
    outputs = {}
    for name, transcript in (("without", ()), ("one", ("bin blue",)), ("two", ("at f now",))):
        arguments = [
            option for text in transcript for option in ("--transcript", text, "--aligner", folder / "aligner")
        ]
        models = ("--model", folder / "text", "--gap", "1:1.5")
        status, _, errors = avsi("inpaint", folder / "talk.wav", *models, "-o", tmp_path / f"{name}.wav", *arguments)
        assert status == 0, errors
        outputs[name] = soundfile.read(tmp_path / f"{name}.wav", dtype="int16")[0]
    before = soundfile.read(folder / "talk.wav", dtype="int16")[0]
    for restored in outputs.values():
        assert np.array_equal(restored[:RATE], before[:RATE])
        assert np.array_equal(restored[3 * RATE // 2 :], before[3 * RATE // 2 :])
    assert not np.array_equal(outputs["one"], outputs["two"])
    assert not np.array_equal(outputs["one"], outputs["without"])


def test_an_alignment_of_a_players_times_is_taken_from_the_first_sample(folder):
    inpainter = avsi.Inpainter.from_pretrained(folder / "text")
    found = align_file(folder / "talk.wav", [Caption("bin blue")], lambda: load_aligner(folder / "aligner"))
    samples, rate = soundfile.read(folder / "talk.wav", dtype="int16")
    restored = inpainter.inpaint(samples, rate, [(1.0, 1.5)], alignment=found)
    avsi.inpaint_file(folder / "talk.wav", folder / "out.wav", inpainter, [avsi.Gap(1.0, 1.5)], alignment=found)
    assert np.array_equal(soundfile.read(folder / "out.wav", dtype="int16")[0], restored)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--transcript", "..."), "the transcript: holds no word"),
        (("--transcript", "none.txt"), "none.txt: no such file"),
        (("--transcript", "привет"), "holds what is not English: привет"),
        (
            ("--transcript", "bin " * 300),
            "300 words of the transcript, 900 phones, do not fit into the recording's 2.99",
        ),
        (("--transcript", "bin", "--pronounce", "bin"), "expected a word and its phones"),
        (("--transcript", "bin", "--pronounce", "bin=B I N"), "no phone"),
        (("--transcript", "bin", "-o", "words.doc"), "words.doc: unknown kind of alignment '.doc'"),
        (("--transcript", "bin", "-o", "none/words.json"), "the folder none does not exist"),
        (("--transcript", "bin", "--gap", "2:9"), "gap 2:9: outside the recording"),
        (
            ("--transcript", "bin", "--gap", "1:2", "--detect"),
            "name the gaps with --gap or --gaps-file, or let --detect",
        ),
        (("--transcript", "bin", "--face", "2"), "face 2 is asked for, but there is no picture"),
    ],
)
def test_bad_input_is_one_clear_line(align, arguments, told):
    status, output, errors = align(*arguments)
    assert (status, output) == (1, "")
    assert errors.startswith("error: ")
    assert told in errors
    assert errors.count("\n") == 1


def test_models_that_do_not_fit_are_told(avsi, folder, tmp_path):
    talk, out = folder / "talk.wav", tmp_path / "o.wav"
    text = ("--model", folder / "text", "--aligner", folder / "aligner", "--transcript", "a")
    for arguments, told in (
        (("align", talk, *text[-2:], "--model", folder / "plain"), "holds a model of the kind inpainter"),
        (("inpaint", talk, "-o", out, *text, "--model", folder / "plain"), "plain: is not told what is said"),
        (
            ("inpaint", talk, "-o", out, *text[:-2], "--pronounce", "a=AH"),
            "of a --transcript are said, and there is none",
        ),
        (
            ("inpaint", talk, talk, "-o", f"{tmp_path}/o/", *text),
            "--transcript: is what one file says, and there are 2",
        ),
    ):
        status, _, errors = avsi(*arguments, "--gap", "1:1.5")
        assert status == 1
        assert told in errors
    assert not list(tmp_path.glob("o*"))


def test_confidence_is_the_mean_probability(folder):
    model = load_aligner(folder / "aligner")
    excerpt = align_excerpt(model, speech(0), RATE, [[("B", "IH", "N")]])
    assert all(0 < each < 1 for each in excerpt.aligned.confidence)
    assert all(each <= 0 for each in excerpt.aligned.fit)
    assert math.isclose(sum(s.stop - s.start for s in excerpt.aligned.segments), math.ceil(2.978 * RATE / 192))
    assert json.dumps(excerpt.aligned.slowness)
