import builtins
import json
import re
import subprocess
import sys
from itertools import pairwise

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from avsi.config import StftConfig
from avsi.data.datadir import corpus_of, read_datadir
from avsi.errors import AvsiError, ConfigError, DataError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.video_reading import read_frames
from avsi.rng import generator
from avsi.video.landmarks import track_face
from data_prep.corpus import Corpus
from data_prep.drawn_speakers.articulation import PARAMETERS, VISEMES, articulate
from data_prep.drawn_speakers.film import write_mpeg
from data_prep.drawn_speakers.head import LIP_ROWS, Head, Mouth, Proportions
from data_prep.drawn_speakers.speakers import random_speaker
from data_prep.drawn_speakers.synthesis import ARPABET, OF_ACCENT, RATE, Phone
from data_prep.grid.__main__ import app as grid
from data_prep.grid.alignment import read_alignment
from data_prep.grid.sentences import sentence
from data_prep.mini_grid import __main__ as mini_grid
from data_prep.mini_grid.clip import make_sound

pytestmark = pytest.mark.slow  # a corpus is drawn for these
SPEAKERS = 4


def make(*options):
    return CliRunner().invoke(mini_grid.app, [str(option) for option in options])


def clips(corpus):
    return sorted(corpus.glob("s*/*.mpg"))


def opening(points):
    """Between the inner lips at the middle, in pixels."""
    return np.linalg.norm(points[:, 66] - points[:, 62], axis=1)


def test_the_corpus_has_grids_layout_and_formats(mini_corpus):
    assert len(clips(mini_corpus)) == SPEAKERS
    assert {clip.parent.name for clip in clips(mini_corpus)} == {"s1", "s2", "s3", "s4"}
    assert len({clip.stem for clip in clips(mini_corpus)}) == SPEAKERS
    for clip in clips(mini_corpus):
        with av.open(str(clip)) as container:
            (picture,), (sound,) = container.streams.video, container.streams.audio
            assert (picture.codec.name, picture.width, picture.height) == ("mpeg1video", 360, 288)
            assert (sound.codec.name[:3], sound.rate, sound.layout.name) == ("mp2", 44100, "stereo")
        times_s = [time_s for time_s, _ in read_frames(clip)]
        assert times_s == pytest.approx(np.arange(75) / 25)
        assert len(read_mono(clip, 44100)) == 114 * 1152
        lines = (mini_corpus / "align" / clip.parent.name / f"{clip.stem}.align").read_text().splitlines()
        assert lines[0].startswith("0 ") and lines[0].endswith(" sil")
        assert lines[-1].endswith(" 74500 sil")
        words = read_alignment(mini_corpus / "align" / clip.parent.name / f"{clip.stem}.align")
        assert tuple(word for _, _, word in words) == sentence(clip.stem)


def test_a_speaker_is_the_same_whatever_others_there_are(mini_corpus, tmp_path):
    result = make("--out", tmp_path / "again", "--speakers", 2, "--without", 1, "--sentences", 1, "--jobs", 1)
    assert result.exit_code == 0 and "1 speakers, 1 clips" in result.output
    assert [path.name for path in (tmp_path / "again" / "align").iterdir()] == ["s2"]
    (clip,) = clips(tmp_path / "again")
    assert clip.read_bytes() == (mini_corpus / "s2" / clip.name).read_bytes()
    truth, other = (np.load(path.with_suffix(".npz")) for path in (clip, mini_corpus / "s2" / clip.name))
    assert np.array_equal(truth["points"], other["points"])
    assert random_speaker(0, 1) != random_speaker(0, 3) != random_speaker(1, 3)


def test_mediapipe_finds_the_face_and_sees_it_speak(mini_corpus):
    for folder in sorted(mini_corpus.glob("s*")):
        found, truth = [], []
        for clip in sorted(folder.glob("*.mpg")):
            tracks, true = track_face(clip), np.load(clip.with_suffix(".npz"))
            assert tracks.time_s == pytest.approx(true["time_s"])
            found.append(tracks.points)
            truth.append(true["points"])
        found, truth = np.concatenate(found), np.concatenate(truth)
        seen = ~np.isnan(found[:, 0, 0])
        assert seen.mean() >= 0.99
        assert np.corrcoef(opening(found[seen]), opening(truth[seen]))[0, 1] >= 0.95, folder
        distance = np.linalg.norm(found - truth, axis=2)[seen].mean(axis=0)
        assert distance.mean() < 3 and distance[48:].mean() < 2.5, folder  # pixels; the eyes are 64 apart


def test_sound_and_picture_are_in_step_and_follow_the_phones(mini_corpus):
    for clip in clips(mini_corpus)[::3]:
        number = int(clip.parent.name[1:])
        heard = make_sound(random_speaker(0, number), clip.stem, generator(0, "clip", clip.stem))
        samples = read_mono(clip, RATE)
        inner = slice(2000, -2000)
        lags = range(-600, 601, 5)
        match = [np.dot(np.roll(samples, -lag)[inner], heard.samples[inner]) for lag in lags]
        assert abs(lags[int(np.argmax(match))]) <= 5
        assert heard.phones[0].start_s == 0 and heard.phones[-1].end_s >= 75 / 25
        assert all(one.end_s == two.start_s for one, two in pairwise(heard.phones))
        shut = [(phone.start_s + phone.end_s) / 2 for phone in heard.phones if phone.symbol in "PBM"]
        points = np.load(clip.with_suffix(".npz"))["points"]
        for time_s in shut:
            assert opening(points)[round(time_s * 25)] < 2  # pixels; a wide open mouth has 10


def curve(*phones):
    """The articulation of phones of 120 ms each between silences, at 1000 frames/s, by parameter."""
    edges = [0.0, 0.4, *(0.4 + 0.12 * (n + 1) for n in range(len(phones))), 1.5]
    symbols = ["SIL", *phones, "SIL"]
    times_s = np.arange(1500) / 1000
    said = [Phone(symbol, *span) for symbol, span in zip(symbols, pairwise(edges), strict=True)]
    return dict(zip(PARAMETERS, articulate(said, times_s).T, strict=True))


def test_every_sound_of_the_voice_has_a_viseme():
    spoken = {symbol for symbols in (*ARPABET.values(), *OF_ACCENT["en-us"].values()) for symbol in symbols}
    assert spoken <= VISEMES.keys()


def test_lips_close_open_round_and_tuck_as_the_phones_say():
    bab = curve("B", "AA", "B")
    assert bab["opening_mm"][[460, 580, 700]] == pytest.approx([0, 13, 0], abs=1.5)
    assert bab["jaw_mm"][580] > 10 and bab["press"][460] > 0.7
    assert curve("F", "IY")["tuck"][460] > 0.7
    assert curve("IY")["spread"][460] > 0.6 and curve("UW")["spread"][460] < -0.7
    boy = curve("OY")
    assert boy["spread"][500] - boy["spread"][410] > 0.3


def test_the_lips_round_ahead_of_the_vowel_and_never_leap():
    sue, see = curve("S", "UW"), curve("S", "IY")
    assert sue["protrusion"][470] > 0.1 > see["protrusion"][470]
    for values in curve("B", "AA", "M", "UW", "P").values():
        assert np.abs(np.diff(values)).max() < 0.45  # in a millisecond; of up to 15 mm
    quiet = curve()
    assert all(np.allclose(values, 0) for values in quiet.values())


def test_a_head_opens_its_mouth_as_told():
    head = Head(Proportions())
    wide, shut = head.pose(Mouth(12, 10, 0, 0, 0, 0, 0)), head.pose(Mouth(0, 0, 0, 0, 0, 0, 0))
    gap = wide.lower_lip[LIP_ROWS - 1, 10] - wide.upper_lip[LIP_ROWS - 1, 10]
    assert gap[1] == pytest.approx(12, abs=0.01)
    assert wide.landmarks[66, 1] - wide.landmarks[62, 1] == pytest.approx(12, abs=0.01)
    assert np.allclose(shut.lower_lip[-1, :, 1], shut.upper_lip[-1, :, 1])
    assert 5 < wide.landmarks[8, 1] - shut.landmarks[8, 1] < 12  # the chin falls
    assert np.allclose(wide.landmarks[27:36], shut.landmarks[27:36])  # the nose does not
    left, right = shut.landmarks[36], shut.landmarks[45]
    assert left * [-1, 1, 1] == pytest.approx(right)
    round_, spread = (head.pose(Mouth(3, 3, value, 0, 0, 0, 0)).landmarks for value in (-1, 1))
    assert np.ptp(round_[48:60, 0]) < np.ptp(shut.landmarks[48:60, 0]) - 10 < np.ptp(spread[48:60, 0]) - 10
    winking = head.pose(Mouth(0, 0, 0, 0, 0, 0, 0), lids=0).landmarks
    assert np.ptp(winking[36:42, 1]) < 0.5 * np.ptp(shut.landmarks[36:42, 1])


def test_grid_preparation_reads_it_under_its_own_name(mini_corpus, tmp_path):
    options = ["--root", mini_corpus, "--out", tmp_path, "--split", "speaker-independent", "--jobs", "1"]
    result = CliRunner().invoke(grid, [str(option) for option in options], catch_exceptions=False)
    assert "mini-GRID seed 0" in result.output
    sets = {name: read_datadir(tmp_path / name) for name in ("train", "valid", "test")}
    assert [len({u.speaker for u in of}) for of in sets.values()] == [2, 1, 1]
    assert {u.speaker for of in sets.values() for u in of} == {f"mini0-s0{n}" for n in range(1, 5)}
    assert all(len(u.alignment) == 6 for of in sets.values() for u in of)
    assert {corpus_of(tmp_path / name) for name in sets} == {"mini-GRID seed 0"}
    assert {len(read_mono(u.wav, StftConfig().sample_rate)) for of in sets.values() for u in of} == {47648}


def test_a_part_of_it_keeps_its_name_and_a_folder_around_it_is_not_grid(mini_corpus, tmp_path):
    assert Corpus.of(mini_corpus / "s1") == Corpus.of(mini_corpus)
    assert Corpus.of(mini_corpus / "s1").name == "mini-GRID seed 0"
    assert Corpus.of(tmp_path).name == "GRID"
    with pytest.raises(DataError, match=r"holds another corpus, .*corpus; name that folder, or move it away"):
        Corpus.of(mini_corpus.parent)
    for text in ("{}", "mine", '{"name": ""}', '{"name": "x", "id_prefix": "a_b-"}'):
        (tmp_path / "avsi-corpus.json").write_text(text)
        with pytest.raises(DataError, match=r'avsi-corpus.json: expected \{"name"'):
            Corpus.of(tmp_path)


def test_the_papers_split_goes_by_the_numbers_of_its_speakers(mini_corpus, tmp_path):
    result = CliRunner().invoke(grid, ["--root", str(mini_corpus), "--out", str(tmp_path), "--jobs", "1"])
    assert "leaves valid and test empty" in str(result.exception)  # GRID's s1 to s4 are for training
    assert "mini0-s01, mini0-s02, mini0-s03, mini0-s04" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["--speakers", 0], ConfigError, r"--speakers 0: expected 1 to 34"),
        (["--speakers", 35], ConfigError, r"--speakers 35: expected 1 to 34"),
        (["--sentences", -1], ConfigError, r"--sentences -1: expected 1 to 1000"),
        (["--seed", -1], ConfigError, r"--seed -1: expected 0 or more"),
        (["--speakers", 3, "--without", 4], ConfigError, r"--without 4: expected 1 to 3"),
        (["--speakers", 1, "--without", 1], ConfigError, r"--without leaves no speaker"),
        (["--jobs", 0], ConfigError, r"--jobs 0: expected 1 or more"),
        (["--voice", "en+nobody"], ConfigError, r"unknown voice 'en\+nobody'; expected"),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_nothing(tmp_path, options, error, message):
    result = make("--out", tmp_path / "corpus", *options)
    assert isinstance(result.exception, error)
    assert re.search(message, str(result.exception))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "mine").write_text("mine")
    result = make("--out", tmp_path / "corpus")
    assert isinstance(result.exception, DataError)
    assert "corpus: exists and is not an empty folder" in str(result.exception)
    assert [path.name for path in tmp_path.rglob("*")] == ["corpus", "mine"]


def test_without_the_library_one_line_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "espeakng_loader":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    result = make("--out", tmp_path / "corpus", "--speakers", 1, "--sentences", 1, "--jobs", 1)
    assert isinstance(result.exception, AvsiError) and "pip install espeakng-loader" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_what_fails_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    def stopped(*_):
        (folder,) = tmp_path.glob(".corpus.partial-*")
        assert (folder / "s1").is_dir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mini_grid, "write_clip", stopped)
    result = make("--out", tmp_path / "corpus", "--speakers", 1, "--sentences", 1, "--jobs", 1)
    assert isinstance(result.exception, OSError)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said(tmp_path):
    with pytest.raises(MediaError, match=r"/dev/full: cannot be written as MPEG \(No space left on device\)"):
        write_mpeg("/dev/full", [np.zeros((288, 360, 3), np.uint8)] * 75, np.zeros(44100))


def test_the_program_ends_with_one_line_and_status_1(tmp_path):
    command = [sys.executable, "-m", "data_prep.mini_grid", "--out", str(tmp_path / "corpus"), "--speakers", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: --speakers 0: expected 1 to 34\n")


def test_the_corpus_says_what_it_is(mini_corpus):
    about = json.loads((mini_corpus / "avsi-corpus.json").read_text())
    assert about["name"] == "mini-GRID seed 0" and about["id_prefix"] == "mini0-"
    assert "not GRID" in about["about"]
