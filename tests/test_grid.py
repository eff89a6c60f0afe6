"""GRID preparation on small corpora in each layout and with each trap."""

import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import needs_grid, real_clip, speech, write_video
from typer.testing import CliRunner

from avsi.data.datadir import read_datadir
from avsi.errors import DataError
from data_prep.grid.__main__ import app
from data_prep.grid.alignment import read_alignment
from data_prep.grid.clips import Clip, speaker_of
from data_prep.grid.preparation import check_alignment
from data_prep.grid.sentences import sentence
from data_prep.grid.splits import load_split

WORD_TIMES = (12500, 20000, 25000, 30000, 35000, 40000, 50000)


def add_clip(folder: Path, stem: str, align_folder: Path | None = None, words: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_video(folder / f"{stem}.mpg", speech(0, rate=44100), n_frames=8)
    if align_folder:
        align_folder.mkdir(parents=True, exist_ok=True)
        spelled = words.split() if words else sentence(stem)
        spans = zip(pairwise(WORD_TIMES), spelled, strict=True)
        lines = ["0 12500 sil", *(f"{start} {end} {word}" for (start, end), word in spans), "50000 74500 sil"]
        (align_folder / f"{stem}.align").write_text("\n".join(lines) + "\n")


def prepare(root: Path, out: Path, *options: str):
    arguments = ["--root", root, "--out", out, "--split", "speaker-dependent", "--jobs", "1", *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def all_utterances(out: Path) -> dict:
    return {u.id: u for name in ("train", "valid", "test") if (out / name).is_dir() for u in read_datadir(out / name)}


def split_file(path: Path, **sets: str) -> Path:
    path.write_text("".join(f"{key} {name}\n" for key, name in sets.items()))
    return path


THREE = {"bbaf2n": "train", "lgwz3p": "valid", "srizza": "test"}


def test_all_clips_may_be_for_one_set(tmp_path):
    for speaker, stem in (("s1", "bbaf2n"), ("s2", "lgwz3p")):
        add_clip(tmp_path / "corpus" / speaker, stem)
    result = prepare(tmp_path / "corpus", tmp_path / "out", "--split", "test")
    assert result.exit_code == 0, result.output
    assert [u.id for u in read_datadir(tmp_path / "out" / "test")] == ["s01_bbaf2n", "s02_lgwz3p"]
    assert not (tmp_path / "out" / "train").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("videos", "alignments"),
    [("s1", "align/s1"), ("s1/video/mpg_6000", "s1/align"), ("data/s1", "data/alignments/s1"), ("GRID/s1", "GRID/s1")],
)
def test_every_layout_gives_the_same_data(tmp_path, videos, alignments):
    for stem in THREE:
        add_clip(tmp_path / "corpus" / videos, stem, tmp_path / "corpus" / alignments)
    result = prepare(tmp_path / "corpus", tmp_path / "out", "--split", split_file(tmp_path / "split", **THREE))
    assert result.exit_code == 0, result.output
    utterances = all_utterances(tmp_path / "out")
    assert sorted(utterances) == ["s01_bbaf2n", "s01_lgwz3p", "s01_srizza"]
    one = utterances["s01_bbaf2n"]
    assert one.words == ("bin", "blue", "at", "f", "two", "now")
    assert one.alignment[0] == (0.5, 0.3, "bin") and one.alignment[-1] == (1.6, 0.4, "now")
    assert one.speaker == "s01" and Path(one.video).is_file()
    assert soundfile.info(one.wav).samplerate == 16000
    assert one.duration_s == pytest.approx(soundfile.info(one.wav).frames / 16000)


def test_a_separate_wav_goes_before_the_clips_own_track(tmp_path):
    for stem in THREE:
        add_clip(tmp_path / "corpus" / "s1", stem)
    folder = tmp_path / "corpus" / "audio_25k" / "s1"
    folder.mkdir(parents=True)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(75000) / 25000)
    soundfile.write(folder / "bbaf2n.wav", tone, 25000)
    prepare(tmp_path / "corpus", tmp_path / "out", "--split", split_file(tmp_path / "split", **THREE))
    utterance = all_utterances(tmp_path / "out")["s01_bbaf2n"]
    assert utterance.duration_s == 3.0
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 16000)
    assert soundfile.read(utterance.wav)[0] == pytest.approx(expected, abs=0.02)


def test_alignments_are_matched_by_name_and_checked_against_it(tmp_path):
    corpus = tmp_path / "corpus"
    add_clip(corpus / "s1", "bbaf2n", corpus / "align" / "s2")  # in another speaker's folder
    add_clip(corpus / "s1", "lgwz3p", corpus / "align" / "s1", words="set red by a one now")  # of another sentence
    add_clip(corpus / "s1", "srizza", corpus / "align" / "s1")
    (corpus / "align" / "s1" / "srizza.align").write_text("0 100 sil\n100 fifty set\n")
    result = prepare(corpus, tmp_path / "out", "--split", split_file(tmp_path / "split", **THREE))
    assert result.exit_code == 0
    utterances, notes = all_utterances(tmp_path / "out"), (tmp_path / "out" / "notes").read_text()
    assert len(utterances["s01_bbaf2n"].alignment) == 6
    assert utterances["s01_lgwz3p"].alignment == () and utterances["s01_lgwz3p"].words[0] == "lay"
    assert utterances["s01_srizza"].alignment == ()
    assert "s01_bbaf2n its alignment lies in the folder of s02; matched by name" in notes
    assert "it says 'set red by a one now', the name spells 'lay green with z three please'" in notes
    assert "srizza.align:2: expected '<start> <end> <word>'" in notes


@pytest.mark.parametrize("place", range(6))
def test_one_word_that_the_name_does_not_spell_is_enough(tmp_path, place):
    path = tmp_path / "bbaf2n.align"

    def alignment(*words: str):
        path.write_text("".join(f"{a} {b} {word}\n" for (a, b), word in zip(pairwise(WORD_TIMES), words, strict=True)))
        return check_alignment(Clip("bbaf2n", "s01", None, None, path, "s01"))

    said = list(sentence("bbaf2n"))
    assert [word for _, _, word in alignment(*said)[0]] == said
    said[place] = sentence("lgwz3p")[place]
    words, [(id_, note)] = alignment(*said)
    assert (words, id_) == ((), "s01_bbaf2n")
    assert note == f"alignment not used: it says '{' '.join(said)}', the name spells 'bin blue at f two now'"


def test_clips_that_cannot_be_used_are_left_out_with_the_reason(tmp_path):
    corpus = tmp_path / "corpus"
    for stem in THREE:
        add_clip(corpus / "s1", stem)
    (corpus / "s1" / "pwbx9s.mpg").write_bytes(b"")
    (corpus / "s1" / "pwbx8s.mpg").write_bytes(b"no video" * 1000)
    write_video(corpus / "s1" / "pwbx7s.mpg", None, n_frames=5)
    write_video(corpus / "s1" / "pwbx6s.mpg", speech(0, 0.5, 44100), n_frames=5)
    write_video(corpus / "s1" / "holiday.mpg", speech(0, 0.5, 44100), n_frames=5)
    split = split_file(tmp_path / "split", **THREE)
    result = prepare(corpus, tmp_path / "out", "--split", split)
    assert isinstance(result.exception, DataError)
    assert "4 of 7 clips cannot be used, more than --max-left-out 0.05" in str(result.exception)
    assert not (tmp_path / "out" / "train").exists()
    result = prepare(corpus, tmp_path / "out", "--split", split, "--max-left-out", "0.6")
    assert result.exit_code == 0
    reasons = dict(line.split(" ", 1) for line in (tmp_path / "out" / "left_out").read_text().splitlines())
    assert sorted(reasons) == [f"s01_pwbx{n}s" for n in (6, 7, 8, 9)]
    assert "lasts 0.5" in reasons["s01_pwbx6s"]
    assert "has no sound track" in reasons["s01_pwbx7s"]
    assert "not a sound or video file" in reasons["s01_pwbx8s"]
    assert "empty" in reasons["s01_pwbx9s"]
    assert "holiday.mpg not named like a GRID sentence" in (tmp_path / "out" / "notes").read_text()
    assert len(all_utterances(tmp_path / "out")) == 3


def test_a_second_run_decodes_nothing_again(tmp_path):
    for stem in THREE:
        add_clip(tmp_path / "corpus" / "s1", stem)
    split = split_file(tmp_path / "split", **THREE)
    prepare(tmp_path / "corpus", tmp_path / "out", "--split", split)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "wav").rglob("*.wav")}
    prepare(tmp_path / "corpus", tmp_path / "out", "--split", split)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "wav").rglob("*.wav")} == before


def test_linked_folders_are_followed_and_a_newer_sound_is_read_again(tmp_path):
    for stem in THREE:
        add_clip(tmp_path / "elsewhere" / "s1", stem)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "s1").symlink_to(tmp_path / "elsewhere" / "s1")
    split = split_file(tmp_path / "split", **THREE)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "out" / "wav" / "s01").mkdir(parents=True)
    (tmp_path / "out" / "wav" / "s01" / f".s01_bbaf2n.partial-{gone.pid}.wav").write_bytes(b"left by a killed run")
    assert prepare(tmp_path / "corpus", tmp_path / "out", "--split", split).exit_code == 0
    folder = tmp_path / "corpus" / "audio" / "s1"
    folder.mkdir(parents=True)
    soundfile.write(folder / "bbaf2n.wav", np.full(48000, 0.25), 16000)
    (tmp_path / "out" / "train" / "landmarks_failed").write_text("s01_bbaf2n its video was not there\n")
    prepare(tmp_path / "corpus", tmp_path / "out", "--split", split)
    assert soundfile.read(tmp_path / "out" / "wav" / "s01" / "s01_bbaf2n.wav")[0] == pytest.approx(0.25, abs=1e-3)
    assert not list((tmp_path / "out").rglob(".*"))
    assert not (tmp_path / "out" / "train" / "landmarks_failed").exists()


def test_no_corpus_and_no_folder_are_said(tmp_path):
    for root, message in ((tmp_path / "none", "no such folder"), (tmp_path, "no GRID clip in it")):
        assert message in str(prepare(root, tmp_path / "out").exception)


def test_the_papers_split_is_by_speaker():
    set_of = load_split("paper", set())
    chosen = {
        name: [n for n in range(1, 35) if set_of(f"s{n:02d}_bbaf2n") == name] for name in ("train", "valid", "test")
    }
    assert chosen["train"] == [*range(1, 21), 22, 23, 24, 25, 28]
    assert chosen["valid"] == [26, 27, 29, 31]
    assert chosen["test"] == [30, 32, 33, 34]
    assert set_of("s21_bbaf2n") is None
    set_of = load_split("paper", set(), "mini0-")
    assert [set_of(f"mini0-s{n}_bbaf2n") for n in (20, 21, 31, 34)] == ["train", None, "valid", "test"]


def test_the_papers_split_with_one_speaker_names_the_way_out(tmp_path):
    for stem in THREE:
        add_clip(tmp_path / "corpus" / "s1", stem)
    result = prepare(tmp_path / "corpus", tmp_path / "out", "--split", "paper")
    assert "leaves valid and test empty" in str(result.exception)
    assert "speaker-independent needs three speakers" in str(result.exception)


def test_the_speaker_dependent_split_divides_each_speaker_the_same_way_each_time():
    ids = {f"s{speaker:02d}_clip{n}" for speaker in (1, 2) for n in range(100)}
    set_of = load_split("speaker-dependent", ids)
    for speaker in ("s01", "s02"):
        sets = [set_of(id_) for id_ in sorted(ids) if id_.startswith(speaker)]
        assert (sets.count("train"), sets.count("valid"), sets.count("test")) == (88, 6, 6)
    again = load_split("speaker-dependent", ids)
    assert all(again(id_) == set_of(id_) for id_ in ids)


def test_whole_speakers_are_divided_and_all_clips_of_others_are_trained_on():
    """As the split by clips divides them, so that models of both can be judged on the same sentences."""
    ids = {*(f"s01_clip{n:03d}" for n in range(100)), *(f"s04_clip{n:03d}" for n in range(99))}
    set_of, by_clips = load_split("whole-speakers", ids), load_split("speaker-dependent", ids)
    assert {set_of(id_) for id_ in ids if id_.startswith("s04")} == {"train"}
    assert all(set_of(id_) == by_clips(id_) for id_ in ids if id_.startswith("s01"))
    assert sum(set_of(id_) == "test" for id_ in ids) == 6


@pytest.mark.parametrize(("speakers", "sets"), [(3, (1, 1, 1)), (8, (6, 1, 1)), (34, (26, 4, 4))])
def test_the_speaker_independent_split_divides_the_speakers(speakers, sets):
    ids = {f"s{speaker:02d}_clip{n}" for speaker in range(1, speakers + 1) for n in range(3)}
    set_of = load_split("speaker-independent", ids)
    of = {name: {id_[:3] for id_ in ids if set_of(id_) == name} for name in ("train", "valid", "test")}
    assert tuple(map(len, of.values())) == sets
    assert len(set.union(*of.values())) == speakers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s1 train\ns9 test\n", ":2: no speaker or clip 's09' was found"),
        ("s1 training\n", ":1: unknown set 'training'"),
        ("s1\n", ":1: expected '<speaker or clip> <set>'"),
        ("s1 train\ns01 test\n", ":2: 's01' is in train already"),
    ],
)
def test_a_broken_split_file_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "split").write_text(text)
    with pytest.raises(DataError, match=message):
        load_split(str(tmp_path / "split"), {"s01_bbaf2n"})
    with pytest.raises(DataError, match="neither 'paper', "):
        load_split("random", {"s01_bbaf2n"})


def test_a_split_file_may_name_speakers_and_single_clips(tmp_path):
    (tmp_path / "split").write_text("# mine\ns1 train\nbbaf2n test\ns02_lgwz3p valid\n")
    set_of = load_split(str(tmp_path / "split"), {"s01_bbaf2n", "s01_srizza", "s02_lgwz3p", "s02_bbaf3n"})
    assert [set_of(i) for i in ("s01_bbaf2n", "s01_srizza", "s02_lgwz3p", "s02_bbaf3n")] == [
        "test",
        "train",
        "valid",
        None,
    ]


@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("s1/bbaf2n.mpg", "s01"),
        ("s12/video/mpg_6000/bbaf2n.mpg", "s12"),
        ("s1_50kHz/bbaf2n.wav", "s01"),
        ("audio_25k/s34/bbaf2n.wav", "s34"),
        ("s5.mpg_vcd/s5/bbaf2n.mpg", "s05"),
        ("videos/bbaf2n.mpg", None),
        ("s35/bbaf2n.mpg", None),
    ],
)
def test_the_speaker_is_read_off_the_folders(path, speaker):
    assert speaker_of(Path(path)) == speaker


@needs_grid
@pytest.mark.slow
def test_real_clips_with_their_alignments(tmp_path):
    root = real_clip("s1/x").parents[1]
    result = prepare(
        root, tmp_path / "out", "--split", split_file(tmp_path / "split", s1="train", s4="valid", s26="test")
    )
    assert result.exit_code == 0, result.output
    utterances = all_utterances(tmp_path / "out")
    assert len(utterances) == 68
    assert all(len(utterance.alignment) == 6 for utterance in utterances.values())
    assert (tmp_path / "out" / "left_out").read_text() == ""


def test_short_pauses_of_an_alignment_are_no_words(tmp_path):
    path = tmp_path / "bbaf2n.align"
    path.write_text("0 12500 sil\n12500 20000 bin\n20000 21000 sp\n21000 25000 blue\n25000 74500 sil\n")
    assert [(word, round(start_s, 6)) for start_s, _, word in read_alignment(path)] == [
        ("bin", 0.5),
        ("blue", 0.84),
    ]


def test_the_clips_of_a_set_are_drawn_and_not_taken_by_alphabet():
    ids = {f"s01_clip{n:03d}" for n in range(100)}
    set_of = load_split("speaker-dependent", ids)
    # As models were trained and judged, so that their test sets stay what they were.
    assert [id_ for id_ in sorted(ids) if set_of(id_) == "test"] == [
        f"s01_clip{n:03d}" for n in (4, 15, 17, 44, 54, 58)
    ]
