"""`avsi edit --insert`: words where they never were said."""

import json

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, small_config, speech, write_video

from avsi.config import AlignerConfig
from avsi.data.phones import SILENCE_LABEL
from avsi.data.said import NOT_KNOWN, UNKNOWN, known_within, phones_at
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError
from avsi.models.aligner import PhoneAligner
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring import inserting
from avsi.restoring.aligning import load_aligner
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.inserting import Insertion, insert_file
from avsi.words.alignment import AlignedWord, Alignment, Phone
from avsi.words.captions import Caption
from avsi.words.pronouncing import ARPABET

LENGTH = len(speech(0))


@pytest.fixture(scope="module")
def folder(corpus, tmp_path_factory):
    """Models that were not trained, and a recording of 2.978 s."""
    folder = tmp_path_factory.mktemp("insert")
    torch.manual_seed(0)
    save_model(folder / "aligner", PhoneAligner(small_config(AlignerConfig), None, ARPABET), {})
    config = corpus_config(corpus)
    config.model.text = True
    save_model(folder / "text", BLSTMInpainter(config, Stats.load(config.data.stats), ARPABET), {})
    soundfile.write(folder / "talk.wav", speech(0), RATE)
    return folder


@pytest.fixture
def inserted(folder):
    """Runs the function on talk.wav: what to insert -> the gaps."""

    def run(out, *insertions: tuple[float, str], **options):
        load = None if out is None else lambda: Inpainter.from_pretrained(folder / "text", None, "cpu")
        wanted = [Insertion(*each) for each in insertions]
        out = out or folder / "none.wav"
        return insert_file(folder / "talk.wav", out, wanted, lambda: load_aligner(folder / "aligner"), load, **options)

    return run


@pytest.fixture
def insert(avsi, folder, tmp_path):
    """Runs `avsi edit` on a clip in the folder: (status, output, errors)."""

    def run(*arguments, clip="talk.wav", out="out.wav"):
        models = ("--model", folder / "text", "--aligner", folder / "aligner", "--device", "cpu")
        return avsi("edit", folder / clip, "-o", tmp_path / out, *models, *arguments)

    return run


def test_every_sample_of_the_recording_is_there_but_30_ms_beside_the_words(inserted, folder, tmp_path):
    edits = inserted(tmp_path / "out.wav", (2.978, "now"), (0, "so"), (1.2, "blue two"))
    before, after = (soundfile.read(each, dtype="int16")[0] for each in (folder / "talk.wav", tmp_path / "out.wav"))
    assert [(each.kind, each.words) for each in edits] == [
        ("inserted", "so"),
        ("inserted", "blue two"),
        ("inserted", "now"),
    ]
    assert [each.splice[:2] for each in edits] == [(0, 480), (18720, 19680), (LENGTH - 480, LENGTH)]
    here = there = 0
    for start, stop, length in [*(each.splice for each in edits), (LENGTH, LENGTH, 0)]:
        assert length > stop - start or start == LENGTH
        assert np.array_equal(after[here : here + start - there], before[there:start])
        here, there = here + start - there + length, stop
    assert here == len(after)
    for each in edits:
        assert after[each.start : each.start + each.splice[2]].any()
    listed = json.loads((tmp_path / "out.wav.edits.json").read_text("utf-8"))["edits"]
    assert [(each["kind"], each["words"], each["before"]) for each in listed] == [
        ("inserted", "so", ""),
        ("inserted", "blue two", ""),
        ("inserted", "now", ""),
    ]
    assert [each["start_s"] for each in listed] == pytest.approx([each.now.start_s for each in edits], abs=1e-6)


def test_only_the_inserted_words_are_told_and_they_are_as_long_as_usual(inserted, folder, tmp_path, monkeypatch):
    told = {}

    def patches(self, stretches, rate, tracks, phones, voice):
        told["phones"] = phones
        return iter(())

    monkeypatch.setattr(Inpainter, "patches", patches)
    one, two = inserted(tmp_path / "out.wav", (0.5, "two"), (1.2, "two"))
    phones = told["phones"]
    assert [label for _, _, label in phones] == [NOT_KNOWN, "T", "UW", NOT_KNOWN, "T", "UW", NOT_KNOWN]
    first, second = phones[1:3], phones[4:6]
    # The words of one place know nothing of those of another.
    assert [length for _, length, _ in first] == pytest.approx([length for _, length, _ in second])
    model = load_aligner(folder / "aligner")
    frame_s = model.config.stft.hop_samples / RATE
    labels = [1 + ARPABET.index(label) for label in ("T", "UW")]
    usual_s = frame_s * np.exp(model.durations.predict(labels, [np.nan, np.nan])[0])
    assert [length for _, length, _ in first] == pytest.approx(usual_s, rel=1e-3)
    assert phones[0] == (0.0, pytest.approx(0.47), NOT_KNOWN) and first[0][0] == pytest.approx(0.5)
    assert phones[3][0] == pytest.approx(one.now.end_s) and sum(phones[3][:2]) == pytest.approx(two.now.start_s)


def test_frames_around_known_stretches_are_unknown():
    stft = small_config().stft
    phones = known_within([(0.12, 0.12, "AA")], [(0.06, 0.3)], 0.6)
    assert phones == [(0.0, 0.06, NOT_KNOWN), (0.12, 0.12, "AA"), (0.3, pytest.approx(0.3), NOT_KNOWN)]
    label = phones_at(phones, 50, stft, ARPABET)[:, 0].tolist()
    silence = SILENCE_LABEL
    assert label == [UNKNOWN] * 5 + [silence] * 5 + [1.0] * 10 + [silence] * 5 + [UNKNOWN] * 25


@pytest.fixture
def aligned(monkeypatch):
    """What is said in talk.wav is "so two", from 0.5 s and from 1.5 s, each for 0.4 s."""
    words = []
    for text, start_s, labels in (("so", 0.5, "S OW"), ("two", 1.5, "T UW")):
        phones = tuple(Phone(p, start_s + 0.2 * n, start_s + 0.2 * (n + 1)) for n, p in enumerate(labels.split()))
        words.append(AlignedWord(text, start_s, start_s + 0.4, 0.5, phones))
    monkeypatch.setattr(inserting, "align_file", lambda *_: Alignment(tuple(words), LENGTH / RATE))
    return [Caption("so two")]


@pytest.mark.parametrize(
    ("at_s", "opened_s", "note"),
    [
        (1.0, (0.97, 1.03), None),
        (0.2, (0.17, 0.23), None),
        (0.88, (0.875, 0.93), None),  # 20 ms inside "so": at its end, without a word
        (0.8, (0.875, 0.93), "'now' at 0.80 s: is inside 'so' at 0.50-0.90 s, and is said after it"),
        (1.6, (1.47, 1.525), "'now' at 1.60 s: is inside 'two' at 1.50-1.90 s, and is said before it"),
    ],
)
def test_beside_a_transcript_words_are_said_between_its_words(inserted, aligned, at_s, opened_s, note, recwarn):
    [edit] = inserted(None, (at_s, "now"), present=aligned)
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx(opened_s, abs=1e-4)
    assert (edit.kind, edit.before, edit.words) == ("inserted", "", "now")
    told = [str(each.message) for each in recwarn if issubclass(each.category, AvsiWarning)]
    assert told == ([] if note is None else [note])


def test_the_command_shows_and_writes_what_is_inserted(insert, tmp_path):
    arguments = ("--insert", "1.2:avsi please", "--pronounce", "avsi=EY V IY", "--pronounce", "foo=F UW")
    status, output, errors = insert(*arguments, "--dry-run")
    assert (status, errors) == (0, "note: --pronounce foo: no inserted word is such\n")
    row = output.splitlines()[2].split()
    assert row[:4] == ["-", "avsi", "please", "1.170"] and list(tmp_path.iterdir()) == []
    status, output, _ = insert(*arguments)
    assert status == 0 and output.endswith(f"1 gap -> {tmp_path / 'out.wav'}\n")
    assert soundfile.info(tmp_path / "out.wav").frames > LENGTH
    with soundfile.SoundFile(tmp_path / "out.wav") as out:
        assert out.comment.startswith("contains speech made by avsi ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--insert", "9:now"), "'now' at 9 s: outside the recording, which lasts 2.978 s"),
        (("--insert", "-1:now"), "'now' at -1 s: outside the recording, which lasts 2.978 s"),
        (("--insert", "now"), "--insert 'now': 'now' is no number of seconds; expected SECONDS:WORDS, such as"),
        (("--insert", "nan:now"), "--insert 'nan:now': 'nan' is no number of seconds"),
        (("--insert", "1: "), "--insert '1: ': holds no word; expected SECONDS:WORDS"),
        (("--insert", "1:..."), "--insert '1:...': holds no word"),
        (
            ("--insert", "1:new.txt"),
            "--insert '1:new.txt': 'new.txt' looks like a file, and words are needed",
        ),
        (("--insert", "1:now", "--keep-length"), "--keep-length: inserted words need time of their own"),
        (("--insert", "1:now", "--say", "now"), "with --say, or words to --insert, and not both"),
        ((), "name what is to be said instead with --say, or words to --insert, and not both"),
        (("--say", "now"), "--say: is compared to what is said now, which --transcript tells"),
        (("--insert", "1:now", "--face", "1"), "a face only helps to find the words of a transcript"),
        (("--insert", "1:" + "very " * 200), "at most 30 s can be restored"),
    ],
)
def test_bad_input_is_one_clear_line(insert, tmp_path, arguments, told):
    status, output, errors = insert(*arguments)
    assert (status, output) == (1, "")
    assert errors.startswith("error: ") and told in errors and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_film_keeps_its_length(insert, folder):
    write_video(folder / "film.mpg", speech(0, rate=44100))
    status, _, errors = insert("--insert", "1:now", clip="film.mpg", out="out.mp4")
    assert status == 1 and "out.mp4: its picture cannot be made longer or shorter with its sound" in errors


def test_a_form_that_is_none_is_refused():
    assert Insertion.parse("1.5:at 9:30") == Insertion(1.5, "at 9:30")
    with pytest.raises(ConfigError, match="holds no word"):
        Insertion.parse("1.5:")
