"""The list of what was restored, beside a recording."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech, write_video

import avsi
from avsi.errors import AvsiWarning, DataError
from avsi.media.sound_reading import open_sound
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.edit_log import LoggedEdit, carried, kept_under, list_path, read_edits, write_edits
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.recordings import inpaint_file
from avsi.words.alignment import AlignedWord, Alignment

BASELINE = Inpainter(SpectralInterpolation())
GAP = avsi.Gap(0.8, 1.0)


def entry(start_s: float, end_s: float) -> LoggedEdit:
    return LoggedEdit(start_s, end_s, "replaced", "green", "blue", "avsi 0.1.0", "av_text", "0123456789abcdef")


@pytest.fixture
def talk(tmp_path):
    soundfile.write(tmp_path / "talk.wav", speech(0), RATE)
    return tmp_path / "talk.wav"


def content(path) -> dict:
    return json.loads((path.parent / f"{path.name}.edits.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("splices", "expected"),
    [
        ([(0, 100, 100)], [(1.0, 2.0)]),  # before it, of the same length
        ([(0, 100, 300)], [(1.2, 2.2)]),  # what comes after a longer span moves
        ([(0, 100, 0)], [(0.9, 1.9)]),
        ([(2500, 2600, 900)], [(1.0, 2.0)]),  # after it
        ([(900, 2100, 700)], []),  # all of it is replaced
        ([(1200, 1400, 400)], [(1.0, 1.2), (1.6, 2.2)]),  # the middle is
        ([(900, 1500, 100)], [(1.0, 1.5)]),
        ([(1500, 2500, 100)], [(1.0, 1.5)]),
        ([(1000, 1100, 0), (1900, 2000, 0)], [(1.0, 1.8)]),
        ([(1500, 1500, 200)], [(1.0, 1.5), (1.7, 2.2)]),
    ],
)
def test_what_stays_of_earlier_edits_and_where(splices, expected):
    assert [(each.start_s, each.end_s) for each in carried([entry(1.0, 2.0)], splices, 1000)] == expected


def test_an_entry_of_which_a_channel_is_not_restored_anew_stays_whole():
    left, right, both = (replace(entry(1.0, 2.0), channels=of) for of in ([1], [2], None))
    gaps = [(1000, 2000, (0,))]
    assert kept_under([left, right, both], gaps, 2, 1000) == [right, both]
    assert kept_under([left, right, both], [(1000, 1500, ())], 2, 1000) == [
        replace(each, start_s=1.5) for each in (left, right, both)
    ]
    assert kept_under([both], gaps, 1, 1000) == []


def test_a_list_is_read_as_it_was_written_on_any_clock(talk):
    edits = [
        replace(entry(1.0, 1.5), channels=[2]),
        replace(entry(0.2, 0.7), kind="restored", words=None, before=None, model=None),
    ]
    with open_sound(talk) as sound:
        write_edits(talk, edits, sound, 0.04, False)
        assert read_edits(talk, sound) == [edits[1], edits[0]]
        found = content(talk)
        assert (found["clock"], found["first_sample_s"]) == ("player", 0.04)
        assert [(each["start_s"], each["end_s"]) for each in found["edits"]] == [(0.24, 0.74), (1.04, 1.54)]
        write_edits(talk, edits, sound, 0.0, True)
        assert content(talk)["clock"] == "first sample"
        assert read_edits(talk, sound) == [edits[1], edits[0]]
        assert read_edits(talk.with_name("other.wav"), sound) == []


def test_what_is_restored_is_listed_with_what_was_before(talk, tmp_path):
    said = Alignment((AlignedWord("bin", 0.5, 0.81), AlignedWord("blue", 0.9, 1.2), AlignedWord("now", 1.2, 1.5)), 2.9)
    one, two = tmp_path / "one.wav", tmp_path / "two.flac"
    inpaint_file(talk, one, BASELINE, [GAP])
    assert content(one) == {
        "format": "avsi edits",
        "rate": RATE,
        "n_samples": len(speech(0)),
        "clock": "player",
        "first_sample_s": 0.0,
        "edits": [
            {
                "start_s": 0.8,
                "end_s": 1.0,
                "kind": "restored",
                "words": None,
                "before": None,
                "made_by": f"avsi {avsi.__version__}",
                "model": None,
                "weights": None,
                "reference": None,
                "channels": None,
            }
        ],
    }
    inpaint_file(one, two, BASELINE, [avsi.Gap(0.9, 1.1), avsi.Gap(2.0, 2.1)], from_first_sample=True)
    assert content(two)["clock"] == "first sample"
    assert [(each["start_s"], each["end_s"]) for each in content(two)["edits"]] == [(0.8, 0.9), (0.9, 1.1), (2.0, 2.1)]
    assert said.duration_s == 2.9


def test_the_words_of_a_gap_are_listed_where_they_are_known():
    from avsi.words.alignment import said_between

    said = Alignment((AlignedWord("bin", 0.5, 0.81), AlignedWord("blue", 0.9, 1.2), AlignedWord("now", 1.2, 1.5)), 2.9)
    assert said_between(said, 0.8, 1.0) == "bin blue"
    assert said_between(said, 0.81, 0.9) == ""
    assert said_between(None, 0.8, 1.0) is None


def test_a_trained_model_is_named(talk, tmp_path, model):
    inpainter = Inpainter.from_pretrained(model, None)
    inpaint_file(talk, tmp_path / "out.wav", Inpainter(inpainter.model.without_face(), name=inpainter.name), [GAP])
    [edit] = content(tmp_path / "out.wav")["edits"]
    assert edit["model"] == "model" and len(edit["weights"]) == 16


def test_without_a_list_none_is_written_and_an_old_one_goes_with_its_recording(talk, tmp_path):
    out = tmp_path / "out.wav"
    inpaint_file(talk, out, BASELINE, [GAP], log=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.wav", "talk.wav"]
    inpaint_file(talk, out, BASELINE, [GAP])
    assert list_path(out).exists()
    inpaint_file(talk, out, BASELINE, [GAP], log=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.wav", "talk.wav"]


@pytest.mark.filterwarnings("ignore::avsi.errors.AvsiWarning")
@pytest.mark.parametrize(("name", "from_first_sample"), [("out.wav", False), ("out.mp4", False), ("out.wav", True)])
def test_a_list_shows_the_times_of_a_player_of_its_own_file(tmp_path, name, from_first_sample):
    film, out = write_video(tmp_path / "film.mpg", speech(0, rate=44100), sound_delay_s=0.4), tmp_path / name
    with open_sound(film) as sound:
        start_s = sound.start_s
    assert start_s > 0.1
    gap_s = 0.8 if from_first_sample else 0.8 + start_s
    inpaint_file(film, out, BASELINE, [avsi.Gap(gap_s, gap_s + 0.2)], from_first_sample=from_first_sample)
    found, first_s = content(out), start_s if name == "out.mp4" else 0.0
    with open_sound(out) as sound:
        assert found["first_sample_s"] == pytest.approx(sound.start_s, abs=1e-3) == pytest.approx(first_s, abs=1e-3)
        [edit] = read_edits(out, sound)
    assert (edit.start_s, edit.end_s) == pytest.approx((0.8, 1.0), abs=1e-4)
    assert found["edits"][0]["start_s"] == pytest.approx(first_s + 0.8, abs=1e-3)


def test_an_old_list_never_lies_beside_a_new_recording(talk, tmp_path, monkeypatch):
    out = tmp_path / "out.wav"
    inpaint_file(talk, out, BASELINE, [GAP])
    old, listed = out.read_bytes(), list_path(out).read_text()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("avsi.restoring.recordings.copy_patched", interrupted)
        inpaint_file(talk, out, BASELINE, [avsi.Gap(1.2, 1.4)])
    assert (out.read_bytes(), list_path(out).read_text()) == (old, listed)
    monkeypatch.setattr("avsi.restoring.recordings.write_edits", interrupted)
    with pytest.raises(KeyboardInterrupt):
        inpaint_file(talk, out, BASELINE, [avsi.Gap(1.2, 1.4)])
    assert out.read_bytes() != old and not list_path(out).exists()


def test_a_list_that_cannot_be_written_spoils_nothing_else(talk, tmp_path):
    out = tmp_path / "out.wav"
    list_path(out).mkdir()
    with pytest.warns(AvsiWarning, match=r"out\.wav\.edits\.json: the list .* cannot be written .*out\.wav is whole"):
        inpaint_file(talk, out, BASELINE, [GAP])
    assert soundfile.info(out).frames == len(speech(0))


def test_a_list_of_another_recording_is_not_carried_on(talk, tmp_path):
    inpaint_file(talk, tmp_path / "one.wav", BASELINE, [GAP])
    soundfile.write(tmp_path / "one.wav", np.zeros(RATE) + 0.01, RATE)
    with pytest.warns(AvsiWarning, match="describes another recording than .*one.wav, of 47648 samples at 16000 Hz"):
        inpaint_file(tmp_path / "one.wav", tmp_path / "two.wav", BASELINE, [avsi.Gap(0.2, 0.3)])
    assert len(content(tmp_path / "two.wav")["edits"]) == 1


@pytest.mark.parametrize("rate", [8000, 44100])
def test_an_entry_up_to_the_last_sample_may_be_carried_on_often(tmp_path, rate):
    soundfile.write(one := tmp_path / "0.wav", speech(0, rate=rate)[:20011], rate)
    with open_sound(one) as sound:
        write_edits(one, [entry(0.0, 20011 / rate)], sound, 1 / 3, False)
        for _ in range(5):
            write_edits(one, read_edits(one, sound), sound, 1 / 3, False)
        [edit] = read_edits(one, sound)
    assert (edit.start_s, edit.end_s) == pytest.approx((0, 20011 / rate), abs=2e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda found: "no json", "Expecting value"),
        (lambda found: [], "expected the format 'avsi edits'"),
        (lambda found: found | {"rate": "fast"}, "rate is fast"),
        (lambda found: found | {"edits": None}, "edits is None"),
        (lambda found: found | {"edits": [5]}, "entry 1 is not as expected, in its start_s"),
        (
            lambda found: found | {"edits": [found["edits"][0] | {"words": 5}]},
            "entry 1 is not as expected, in its words",
        ),
        (lambda found: found | {"edits": [found["edits"][0] | {"kind": "stolen"}]}, "entry 1 is not as expected"),
        (lambda found: found | {"edits": [found["edits"][0] | {"end_s": 0.1}]}, "entry 1 is not as expected"),
        (lambda found: found | {"edits": [found["edits"][0] | {"end_s": float("nan")}]}, "entry 1 is not as expected"),
        (
            lambda found: found | {"edits": [found["edits"][0] | {"end_s": float("inf")}]},
            "entry 1 is from 0.8 to inf s, outside the recording's 0 to 2.978 s",
        ),
        (lambda found: found | {"edits": [found["edits"][0] | {"end_s": 99}]}, "entry 1 is from 0.8 to 99 s, outside"),
        (lambda found: found | {"edits": [found["edits"][0] | {"start_s": -0.2}]}, "entry 1 is from -0.2 to 1 s, out"),
        (lambda found: found | {"edits": [found["edits"][0] | {"end_s": 10**400}]}, "int too large"),
        (lambda found: found | {"edits": [found["edits"][0] | {"words": "\ud800"}]}, "surrogates not allowed"),
        (lambda found: found | {"first_sample_s": float("nan")}, "first_sample_s is nan"),
        (lambda found: found | {"rate": 0}, "47648 samples at 0 Hz"),
        (lambda found: "[" * 100_000, "maximum recursion depth"),
    ],
)
def test_a_damaged_list_is_one_clear_error(talk, tmp_path, change, told):
    one = tmp_path / "one.wav"
    inpaint_file(talk, one, BASELINE, [GAP])
    changed = change(content(one))
    list_path(one).write_text(changed if isinstance(changed, str) else json.dumps(changed))
    with pytest.raises(
        DataError, match=r"one\.wav\.edits\.json: no list of what was restored \(.*move it away"
    ) as error:
        inpaint_file(one, tmp_path / "two.wav", BASELINE, [GAP])
    assert told in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "two.wav").exists()
    inpaint_file(one, tmp_path / "two.wav", BASELINE, [GAP], log=False)


def test_a_list_that_is_not_carried_on_is_told_of(talk, tmp_path):
    inpaint_file(talk, tmp_path / "one.wav", BASELINE, [GAP])
    with pytest.warns(AvsiWarning, match=r"one\.wav\.edits\.json: tells what .* and is not carried on"):
        inpaint_file(tmp_path / "one.wav", tmp_path / "two.wav", BASELINE, [GAP], log=False)
    assert not list_path(tmp_path / "two.wav").exists()
