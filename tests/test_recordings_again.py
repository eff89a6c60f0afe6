"""Recordings that are prepared more than once: after a run that was killed, and after they have changed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, face, speech, write_video
from recordings import prepared, run, say, voice
from typer.testing import CliRunner

from avsi.data.datadir import read_datadir
from avsi.folders import locked
from data_prep import landmarks
from data_prep.recordings import preparation


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path):
    """Five recordings: one that is cut, a film, one with a remark, a silent one, and one with its words."""
    root = tmp_path / "in"
    say(root / "anna" / "a.wav", voice((0, 4), (4.4, 8), duration_s=8.0))
    write_video(root / "anna" / "film.mpg", voice((0, 3), duration_s=4.0, rate=44100), n_frames=40)
    say(root / "bert" / "c.flac", speech(2))
    (root / "bert" / "c.txt").write_text("so many words " * 20)
    say(root / "bert" / "d.wav", np.zeros(3 * RATE))
    say(root / "bert" / "e.wav", 3)
    (root / "bert" / "e.txt").write_text("Hello, you")
    return root


@pytest.fixture
def opened(monkeypatch):
    """The names of the recordings that are decoded; after "STOP after 2" and two of them the run is killed."""
    names, open_sound = [], preparation.open_sound

    def counted(path):
        if names[:1] == ["STOP after 2"] and len(names) == 3:
            raise KeyboardInterrupt
        names.append(path.name)
        return open_sound(path)

    monkeypatch.setattr(preparation, "open_sound", counted)
    return names


def test_a_run_that_was_killed_goes_on_and_gives_what_one_without_a_break_does(root, tmp_path, opened):
    out, options = tmp_path / "out", ("--max-left-out", 0.5)
    prepared(root, out, *options)
    expected = files(out)
    assert sum(name.endswith(".wav") for name in expected) == 5 and "train/notes" in expected
    everything = sorted(opened)
    shutil.rmtree(out)
    opened.clear()
    opened += ["STOP after 2"]
    assert run(root, out, *options).exit_code != 0
    begun = opened[1:]
    assert len(begun) == 2 and not (out / "train" / "wav.scp").exists()
    [written] = out.rglob("prepared.jsonl")
    with written.open("a") as file:
        file.write('["0123456789abcdef", {"utterances": [{"id": "bert_')
    opened.clear()
    prepared(root, out, *options)
    assert sorted(opened + begun) == everything
    assert files(out) == expected
    opened.clear()
    prepared(root, out, *options)
    assert opened == ["d.wav"]  # what nothing came of is tried anew
    assert files(out) == expected


def test_what_changed_is_prepared_anew(root, tmp_path, opened):
    out, options = tmp_path / "out", ("--max-left-out", 0.5)

    def decoded(*more):
        opened.clear()
        utterances = prepared(root, out, *options, *more)
        return sorted(set(opened) - {"d.wav"}), utterances

    everything, before = decoded()
    assert everything == ["a.wav", "c.flac", "e.wav", "film.mpg"]
    say(root / "bert" / "e.wav", 4)
    assert decoded()[0] == ["e.wav"]
    (root / "bert" / "e.txt").write_text("Goodbye")
    assert decoded()[1]["bert_e-0001"].words == ("goodbye",)
    os.utime(root / "anna" / "film.mpg", (0, 0))
    assert decoded()[0] == ["film.mpg"]
    Path(before["anna_a-0002"].wav).unlink()
    assert decoded()[0] == ["a.wav"]
    assert decoded("--max-s", 3)[0] == everything
    assert decoded()[0] == []


def test_a_second_process_is_told_at_once(root, tmp_path):
    prepared(root, tmp_path / "out", "--max-left-out", 0.5)
    with locked(tmp_path / "out" / "train" / "wav" / "1.5-6s"):
        message = str(run(root, tmp_path / "out", "--max-left-out", 0.5).exception)
    assert "another process is at work on it" in message


def test_landmarks_are_those_of_a_recording_as_it_is_however_often_it_changed(tmp_path, monkeypatch):
    def track(utterance):
        looked_at.append(utterance.id)
        time_s = np.arange(5) / 25
        return utterance.id, face(time_s, time_s).to_matrix(), ""

    def find_landmarks():
        looked_at.clear()
        assert CliRunner().invoke(landmarks.app, [str(out / "train"), "--jobs", "1"]).exit_code == 0
        assert all(utterance.landmarks for utterance in read_datadir(out / "train"))
        return sorted(looked_at)

    looked_at, root, out = [], tmp_path / "in", tmp_path / "out"
    monkeypatch.setattr(landmarks, "_track", track)
    (root / "anna").mkdir(parents=True)
    talk, more = root / "anna" / "talk.mpg", root / "anna" / "more.mpg"
    write_video(talk, voice((0, 3), duration_s=4.0, rate=44100), n_frames=40)
    write_video(more, voice((0, 3), duration_s=4.0, rate=44100), n_frames=40)
    prepared(root, out)
    assert find_landmarks() == ["anna_more-0001", "anna_talk-0001"]
    prepared(root, out)
    assert find_landmarks() == []
    first = talk.rename(tmp_path / "first.mpg")
    prepared(root, out)
    assert find_landmarks() == []
    write_video(talk, voice((1, 4), duration_s=4.0, rate=44100), n_frames=40)
    prepared(root, out)
    assert find_landmarks() == ["anna_talk-0001"]
    prepared(root, out, "--max-s", 3)
    assert find_landmarks() == ["anna_more-0001", "anna_more-0002", "anna_talk-0001", "anna_talk-0002"]
    first.rename(talk)
    prepared(root, out)
    assert find_landmarks() == ["anna_more-0001", "anna_talk-0001"]
