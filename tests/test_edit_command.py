"""`avsi edit`: other words in a recording."""

import json

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, face, mouth_opening, small_config, speech, write_video

from avsi.config import AlignerConfig
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning
from avsi.media.sound_reading import open_sound
from avsi.media.spliced_sound import spliced
from avsi.models.aligner import PhoneAligner
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring.aligning import load_aligner
from avsi.restoring.editing import edit_file
from avsi.restoring.inpainting import Inpainter
from avsi.words.captions import Caption
from avsi.words.pronouncing import ARPABET

SAID = "bin blue at f two now"


@pytest.fixture(scope="module")
def folder(corpus, tmp_path_factory):
    """Models that were not trained, and a recording of 3 s."""
    folder = tmp_path_factory.mktemp("edit")
    torch.manual_seed(0)
    save_model(folder / "aligner", PhoneAligner(small_config(AlignerConfig), None, ARPABET), {})
    config = corpus_config(corpus)
    save_model(folder / "plain", BLSTMInpainter(config, Stats.load(config.data.stats)), {})
    config.model.text = True
    save_model(folder / "text", BLSTMInpainter(config, Stats.load(config.data.stats), ARPABET), {})
    config.model.audio = False
    save_model(folder / "lips", BLSTMInpainter(config, Stats.load(config.data.stats), ARPABET), {})
    soundfile.write(folder / "talk.wav", speech(0), RATE)
    return folder


@pytest.fixture
def edit(avsi, folder, tmp_path):
    """Runs `avsi edit` into a file "out": (status, output, errors)."""

    def run(clip, say, *arguments, said=SAID, out="out.wav"):
        models = () if "--model" in arguments else ("--model", folder / "text")
        models += ("--aligner", folder / "aligner", "--device", "cpu")
        return avsi("edit", clip, "--transcript", said, "--say", say, "-o", tmp_path / out, *models, *arguments)

    return run


@pytest.fixture
def edited(folder):
    """Runs the function: what is to be said -> the gaps."""

    def run(path, out, say, **options):
        inpainter = Inpainter.from_pretrained(folder / "text", None, "cpu")
        aligner = load_aligner(folder / "aligner")
        return edit_file(path, out, [Caption(SAID)], [Caption(say)], lambda: aligner, lambda: inpainter, **options)

    return run


def listed(path) -> list[dict]:
    return json.loads((path.parent / f"{path.name}.edits.json").read_text("utf-8"))["edits"]


@pytest.mark.parametrize(
    ("name", "subtype", "dtype", "rate"),
    [
        ("in.wav", "PCM_16", "int16", 16000),
        ("in.flac", "PCM_24", "int32", 44100),
        ("in.wav", "FLOAT", "float32", 22050),
    ],
)
@pytest.mark.parametrize(
    ("say", "kinds"),
    [
        ("bin green at f two now", ["replaced"]),
        ("please bin blue at f two", ["inserted", "removed"]),
        ("bin green at f two now again", ["replaced", "inserted"]),
    ],
)
def test_outside_the_gaps_every_sample_stays_bit_for_bit(edited, tmp_path, name, subtype, dtype, rate, say, kinds):
    path, out = tmp_path / name, tmp_path / f"out{name[2:]}"
    soundfile.write(path, np.stack([speech(0, rate=rate), speech(1, rate=rate)], axis=1), rate, subtype=subtype)
    edits = edited(path, out, say)
    before, after = (soundfile.read(each, dtype=dtype)[0] for each in (path, out))
    assert soundfile.info(out).subtype == subtype and after.shape[1] == 2
    assert [each.kind for each in edits] == kinds
    here = there = 0
    for start, stop, length in [*(each.splice for each in edits), (len(before), len(before), 0)]:
        assert np.array_equal(after[here : here + start - there], before[there:start])
        here, there = here + start - there + length, stop
    assert here == len(after) != len(before)
    for each in edits:
        assert after[each.start : each.start + each.splice[2]].any()


def test_a_table_tells_the_gaps_and_a_list_keeps_them(edit, folder, tmp_path):
    status, output, errors = edit(folder / "talk.wav", "bin green at f two now")
    assert status == 0, errors
    title, header, row, end = output.splitlines()
    assert (title.strip(), end) == ("edited in talk.wav", f"1 gap -> {tmp_path / 'out.wav'}")
    assert header.split() == [
        "was",
        "said",
        "is",
        "said",
        "from",
        "s",
        "to",
        "s",
        "now",
        "from",
        "s",
        "to",
        "s",
        "length",
        "was",
        "is",
    ]
    before, words, was_s, was_end_s, now_s, now_end_s, was_length_s, length_s = row.split()
    assert (before, words, was_s) == ("blue", "green", now_s)
    assert float(was_end_s) - float(was_s) == pytest.approx(float(was_length_s), abs=2e-3)
    assert float(now_end_s) - float(now_s) == pytest.approx(float(length_s), abs=2e-3)
    [found] = listed(tmp_path / "out.wav")
    assert (found["kind"], found["before"], found["words"]) == ("replaced", "blue", "green")
    assert found["model"] == "text, refined, seed 0"
    assert f"{found['start_s']:.3f} {found['end_s']:.3f}" == f"{now_s} {now_end_s}"
    longer = soundfile.info(tmp_path / "out.wav").frames - soundfile.info(folder / "talk.wav").frames
    assert longer / RATE == pytest.approx(float(length_s) - float(was_length_s), abs=2e-3)


def test_what_is_said_depends_on_the_new_words(edit, folder, tmp_path):
    outputs = {}
    for name, say in (("one", "bin green at f two now"), ("two", "bin white at f two now")):
        assert edit(folder / "talk.wav", say, "--keep-length", out=f"{name}.wav")[0] == 0
        outputs[name] = soundfile.read(tmp_path / f"{name}.wav")[0]
    assert len(outputs["one"]) == len(outputs["two"]) == len(speech(0))
    assert not np.array_equal(outputs["one"], outputs["two"])


def test_earlier_edits_stay_listed_where_they_then_lie(edit, folder, tmp_path):
    assert edit(folder / "talk.wav", "bin blue at f two again", out="one.wav")[0] == 0
    said = "bin blue at f two again"
    assert edit(tmp_path / "one.wav", "bin blue at f again", said=said, out="two.wav")[0] == 0
    [first], edits = listed(tmp_path / "one.wav"), listed(tmp_path / "two.wav")
    shorter_s = (soundfile.info(tmp_path / "one.wav").frames - soundfile.info(tmp_path / "two.wav").frames) / RATE
    assert shorter_s > 0
    removed = next(each for each in edits if each["kind"] == "removed")
    kept = [each for each in edits if each["words"] == "again"]
    assert (removed["before"], removed["words"]) == ("two", "")
    assert kept and kept[-1]["end_s"] == pytest.approx(first["end_s"] - shorter_s, abs=1e-4)


def test_a_dry_run_writes_nothing_and_an_edit_is_always_listed(edit, folder, tmp_path):
    status, output, _ = edit(folder / "talk.wav", "bin green at f two now", "--dry-run", "--model", "none at all")
    assert status == 0 and output.startswith("would be edited in talk.wav") and list(tmp_path.iterdir()) == []
    assert edit(folder / "talk.wav", "bin green at f two now")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.wav", "out.wav.edits.json"]
    with soundfile.SoundFile(tmp_path / "out.wav") as out:
        assert out.comment.startswith("contains speech made by avsi ")


def test_a_picture_keeps_the_length_and_its_lips_are_not_used(edit, folder, tmp_path, monkeypatch):
    film, time_s = write_video(tmp_path / "film.mpg", speech(0, rate=44100)), np.arange(75) / 25
    followed = []
    monkeypatch.setattr(Inpainter, "follow_face", lambda *_: followed.append(1))
    monkeypatch.setattr("avsi.restoring.aligning.track_face", lambda *_, **__: face(mouth_opening(0, time_s), time_s))
    status, _, errors = edit(film, "bin green at f two now", out="out.mp4")
    assert status == 0, errors
    assert "restored from the sound alone" not in errors and not followed
    with open_sound(film) as before, open_sound(tmp_path / "out.mp4") as after:
        [found] = listed(tmp_path / "out.mp4")
        gap = [round((found[each] - before.start_s) * before.rate) for each in ("start_s", "end_s")]
        one, two = before.read(), after.read()
        assert one.shape == two.shape
        assert np.array_equal(one[: gap[0]], two[: gap[0]]) and np.array_equal(one[gap[1] :], two[gap[1] :])
        assert not np.array_equal(one, two)
    _, _, errors = edit(film, "bin green at f two now", "--no-keep-length", out="moved.mp4")
    assert "moved.mp4: its picture cannot be made longer or shorter with its sound; choose a .wav" in errors
    assert edit(film, "bin green at f two now", out="out.wav")[0] == 0


def test_transcripts_may_be_files_and_pronunciations_the_users_own(edit, folder, tmp_path):
    (tmp_path / "said.srt").write_text("1\n00:00:00,200 --> 00:00:02,700\nbin blue at F\n2 now\n")
    (tmp_path / "say.txt").write_text("bin avsi at F 2 now")
    arguments = ("--pronounce", "avsi=EY V IY", "--pronounce", "foo=F UW", "--dry-run")
    status, output, errors = edit(folder / "talk.wav", tmp_path / "say.txt", *arguments, said=tmp_path / "said.srt")
    assert status == 0 and output.splitlines()[2].split()[:2] == ["blue", "avsi"]
    assert errors == "note: --pronounce foo: neither transcript has such a word\n"


def test_gaps_that_are_longer_than_those_of_training_and_hurried_words_are_noted(edited, folder, tmp_path):
    talk, out = folder / "talk.wav", tmp_path / "out.wav"
    with pytest.warns(AvsiWarning, match=r"is longer than the 2\.4 s of the gaps that the model was trained on"):
        edited(talk, out, "bin " + "immediately " * 6 + "now")
    with pytest.warns(AvsiWarning, match=r"has 0\.\d of the time that this speaker usually needs for it"):
        edited(talk, out, SAID + " absolutely" * 8, keep_length=True)


@pytest.mark.parametrize(
    ("say", "arguments", "told"),
    [
        ("Bin blue at F 2 now!", (), "the two transcripts are of the same words"),
        ("", (), "--say: holds no word"),
        ("none.txt", (), "none.txt: no such file"),
        ("привет", (), "holds what is not English: привет"),
        ("bin green at f two now", ("--model", "plain"), "plain: is not told what is said"),
        ("bin green at f two now", ("--model", "lips"), "the model needs a face, and in an edited gap the lips say"),
        ("bin green at f two now", ("--model", "none"), "none: neither a folder with a trained model"),
        ("bin green at f two now", ("--pronounce", "green"), "expected a word and its phones"),
        ("bin green at f two now", ("--face", "2"), "face 2 is asked for, but there is no picture"),
        ("bin green at f two now", ("-o", "out.mp4"), "out.mp4: an MP4 keeps the picture, but"),
        ("bin green at f two now", ("-o", "out.mp3"), "out.mp3: unknown kind of file '.mp3'"),
        ("bin green at f two now", ("-o", "talk.wav"), "talk.wav: is the input itself"),
        ("bin green at f two now", ("--video", "none.mp4"), "none.mp4"),
        ("bin " + "very " * 200 + "blue at f two now", (), "at most 30 s can be restored"),
    ],
)
def test_bad_input_is_one_clear_line(edit, folder, tmp_path, monkeypatch, say, arguments, told):
    monkeypatch.chdir(folder)
    status, output, errors = edit("talk.wav", say, *arguments)
    assert (status, output) == (1, "")
    assert errors.startswith("error: ") and told in errors and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_transcript_is_one_clear_line(edit, folder):
    status, _, errors = edit(folder / "talk.wav", "bin", said="...")
    assert status == 1 and errors.startswith("error: the transcript: holds no word")


def test_a_spliced_sound_is_silent_in_its_spans_and_as_it_was_around_them(folder):
    with open_sound(folder / "talk.wav") as sound:
        before = sound.read()
        edited = spliced(sound, [(1000, 1200, 500), (5000, 5000, 100), (6000, 7000, 0)])
        wanted = np.concatenate(
            [before[:1000], np.zeros((500, 1)), before[1200:5000], np.zeros((100, 1)), before[5000:6000], before[7000:]]
        )
        assert edited.n_samples == len(wanted) == len(before) - 600
        assert np.array_equal(edited.read(), wanted)
        assert np.array_equal(edited.read(900, 1700), wanted[900:1700])
        assert np.array_equal(edited.read(1100, 1200), np.zeros((100, 1)))
        assert np.array_equal(np.concatenate([block for _, block in edited.blocks()]), wanted)
        assert edited.read().dtype == before.dtype
        copied = spliced(sound, [(1000, 1200, 500)], [(1100, 7000, 300, False)]).read(900, 1700)
        assert np.array_equal(copied[200:500], before[7000:7300])
        backwards = spliced(sound, [(1000, 1200, 500)], [(1100, 7000, 300, True)])
        assert np.array_equal(backwards.read(1100, 1400), before[7000:7300][::-1])
        assert np.array_equal(backwards.read(1090, 1110)[10:], before[7290:7300][::-1])
        assert np.array_equal(backwards.read(1390, 1500)[:10], before[7000:7010][::-1])
        copied[200:500] = 0
        assert np.array_equal(copied, wanted[900:1700])


def test_new_words_alone_are_doubted(edited, folder, tmp_path):
    with pytest.warns(AvsiWarning, match="no word of the transcript stays; what is to be said must be all of it"):
        edited(folder / "talk.wav", tmp_path / "out.wav", "green")
