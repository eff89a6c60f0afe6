"""`avsi detect`, and `avsi inpaint --detect`, as a user runs them."""

import json

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, small_config, write_video
from damaged import voice

from avsi.data.damage import Damage
from avsi.data.gap_files import read_label_file
from avsi.data.gaps import Gap
from avsi.detecting.damage_files import read_gaps, write_damage
from avsi.errors import GapError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.words.textgrid import parse_textgrid


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Damaged: a.wav (silence in the second channel, a click in both), film.mp4 (zeros, its sound starts late); whole:
    b.wav; c.wav is none; clipped.wav.
    """
    samples = np.stack([voice(), voice()], axis=1)
    soundfile.write(tmp_path / "b.wav", samples, RATE)
    samples[15600:16400, 1] = 0
    samples[48000:48002] += [[0.7], [-0.7]]
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    (tmp_path / "c.wav").write_text("no sound " * 500)
    soundfile.write(tmp_path / "clipped.wav", np.clip(3 * voice(), -0.3, 0.3), RATE)
    late = voice()
    late[15600:16400] = 0
    write_video(tmp_path / "film.mkv", late, rate=RATE, codecs=("libx264", "flac"), sound_delay_s=0.5)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_tells_of_each_file_and_a_bad_one_stops_no_other(room, avsi):
    status, output, errors = avsi("detect", "--exact", "--kinds", "silence,click", "a.wav", "b.wav", "c.wav")
    assert status == 1 and errors.startswith("error: c.wav: ") and errors.count("\n") == 1
    title, header, silence, click, whole = output.splitlines()
    assert title.strip() == "damage of a.wav" and whole == "b.wav: nothing found"
    assert header.split("  ")[0] == "start s"
    assert silence.split() == ["0.975", "1.025", "silence", "1.00", "silence", "2"]
    assert click.split()[2:] == ["click", "1.00", "click", "all"]
    assert avsi("detect", "--exact", "b.wav")[:2] == (0, "b.wav: nothing found\n")


def test_labels_are_written_and_never_written_over(room, avsi):
    for name in ("labels.txt", "labels.json", "labels.TextGrid"):
        assert avsi("detect", "--exact", "--kinds", "silence,click", "a.wav", "-o", name)[0] == 0
    assert (room / "labels.txt").read_text().splitlines()[0] == "0.975000\t1.025000\tsilence (channel 2)"
    assert read_label_file("labels.txt")[0] == Gap(0.975, 1.025, (1,))
    found = json.loads((room / "labels.json").read_text())
    assert (found["format"], found["duration_s"]) == ("avsi damage", 6.0)
    assert found["damage"][0]["channel"] == 1 and found["damage"][1]["channel"] is None
    tiers, duration_s = parse_textgrid((room / "labels.TextGrid").read_text())
    assert list(tiers) == ["silence (channel 2)", "click"] and duration_s == 6.0
    (room / "labels.txt").write_text("mine")
    status, _, errors = avsi("detect", "--exact", "a.wav", "-o", "labels.txt")
    assert status == 1 and "labels.txt: exists already" in errors and (room / "labels.txt").read_text() == "mine"
    assert avsi("detect", "--exact", "a.wav", "-o", "labels.txt", "--force")[0] == 0
    assert (room / "labels.txt").read_text() != "mine"
    assert avsi("detect", "--exact", "a.wav", "b.wav", "-o", "new/", "--kinds", "click")[0] == 0
    texts = {file.name: file.read_text() for file in (room / "new").iterdir()}
    assert sorted(texts) == ["a.wav.labels.txt", "b.wav.labels.txt"] and texts["b.wav.labels.txt"] == ""
    assert texts["a.wav.labels.txt"].endswith("\tclick\n")


def test_times_are_a_players_or_from_the_first_sample(room, avsi):
    assert avsi("detect", "--exact", "film.mkv")[1].splitlines()[2].split()[:2] == ["1.475", "1.525"]
    assert avsi("detect", "--exact", "film.mkv", "--from-first-sample")[1].splitlines()[2].split()[:2] == [
        "0.975",
        "1.025",
    ]


def test_inpaint_shows_what_it_finds_and_a_dry_run_stops_there(room, avsi):
    torch.manual_seed(0)
    save_model(room / "a", BLSTMInpainter(small_config(model={"video": False})))
    options = ("inpaint", "--detect", "--exact", "--model", "a", "--audio-only", "a", "--no-refine")
    before = sorted(room.iterdir())
    status, output, _ = avsi(*options, "a.wav", "clipped.wav", "-o", "new/", "--dry-run")
    assert status == 0 and sorted(room.iterdir()) == before
    assert output.splitlines()[2].split()[2] == "silence"
    clipped = next(line for line in output.splitlines() if " clipping " in line)
    assert clipped.endswith("no, left as it is: it may be meant; --kinds clipping restores it")
    rows = [line.split() for line in output.splitlines()[-2:]]
    assert [row[:2] for row in rows] == [["a.wav", "1"], ["clipped.wav", "0"]] and rows[1][3:] == ["no", "gaps"]
    kept = avsi(*options, "a.wav", "--dry-run", "--kinds", "silence", "--keep-below", "300")[1]
    assert kept.splitlines()[2].endswith("in part: the sound below 300 Hz is kept, the rest from channel 1")
    status, output, _ = avsi(*options, "clipped.wav", "--dry-run", "--kinds", "clipping")
    assert status == 0 and output.splitlines()[2].split()[2] == "clipping"
    assert output.splitlines()[2].endswith(" yes")
    status, output, errors = avsi(*options, "a.wav", "-o", "out.wav", "--kinds", "silence")
    assert (status, errors) == (0, "")
    assert " ".join(output.splitlines()[2].split()) == "0.975 1.025 silence 1.00 silence 2 yes, from channel 1"
    assert output.splitlines()[-1].startswith("restored 0.975-1.025 s of channel 2 -> ")
    old, new = (soundfile.read(name, dtype="int16")[0] for name in ("a.wav", "out.wav"))
    changed = np.flatnonzero(old[:, 1] != new[:, 1])
    assert np.array_equal(old[:, 0], new[:, 0]) and changed.min() >= 15600 and changed.max() < 16400
    assert np.abs(new[15600:16400, 1].astype(int) - new[15600:16400, 0]).max() <= 1


def test_a_dry_run_of_several_files_goes_on_after_a_bad_one(room, avsi):
    status, output, errors = avsi("inpaint", "--detect", "--exact", "--dry-run", "c.wav", "none.wav", "film.mkv")
    assert status == 1 and [line.split(": ")[1] for line in errors.splitlines()] == ["c.wav", "none.wav"]
    assert output.splitlines()[0].startswith("damage of film.mkv") and output.splitlines()[2].endswith(" yes")
    table = output.splitlines()[-4:]
    assert table[0].split("  ")[0] == "file" and [line.split()[:3] for line in table[2:]] == [
        ["none.wav", "0", "0.000"],
        ["film.mkv", "1", "0.050"],
    ]
    assert avsi("inpaint", "--detect", "--exact", "--dry-run", "b.wav")[:2] == (0, "b.wav: nothing found\n")


def test_labels_of_each_format_are_gaps(room, avsi):
    for name in ("labels.txt", "labels.json", "labels.TextGrid"):
        assert avsi("detect", "--exact", "--kinds", "silence,click", "a.wav", "-o", name)[0] == 0
    expected = read_gaps("labels.txt")
    assert len(expected) == 2 and expected[0] == Gap(0.975, 1.025, (1,))
    assert read_gaps("labels.json") == read_gaps("labels.TextGrid") == expected
    damage = [Damage(0.1, 0.3, "silence", channel=0), Damage(0.2, 0.4, "silence", channel=1)]
    damage.append(Damage(0.6, 0.7, "jump", 1.0, "picture"))
    for name in ("two.txt", "two.json", "two.TextGrid"):  # which overlap, and pictures alone
        write_damage(name, damage, 1.0)
        assert read_gaps(name) == [Gap(0.1, 0.3, (0,)), Gap(0.2, 0.4, (1,))]
    (room / "bad.json").write_text('{"format": "avsi damage", "damage": [{"start_s": 1}]}')
    with pytest.raises(GapError, match=r"bad.json: not damage that `avsi detect` wrote"):
        read_gaps("bad.json")
    write_damage("none.json", damage[2:], 1.0)
    with pytest.raises(GapError, match=r"none.json: holds no damage of the sound"):
        read_gaps("none.json")
