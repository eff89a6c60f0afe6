"""`avsi inpaint` of several files into a folder."""

import sys
import warnings

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, small_config, speech, write_video

from avsi.data.gaps import Gap
from avsi.errors import ConfigError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, save_model
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.many_recordings import inpaint_files, plan_outputs
from avsi.restoring.recordings import inpaint_file

BASELINE = Inpainter(SpectralInterpolation())


@pytest.fixture
def clips(tmp_path):
    """Damaged from 0.95 to 1.35 s: a.wav, b.flac, c.ogg and the film d.mkv; intact: e.wav; no sound: f.mp4."""
    samples = speech(0)
    folder = tmp_path / "in"
    folder.mkdir()
    soundfile.write(folder / "e.wav", samples, RATE)
    samples[15200:21600] = 0
    for name in ("a.wav", "b.flac", "c.ogg"):
        soundfile.write(folder / name, samples, RATE)
    sound = speech(0, rate=44100)
    sound[41895:59535] = 0
    write_video(folder / "d.mkv", sound, codecs=("libx264", "flac"))
    (folder / "f.mp4").write_text("no film " * 500)
    return folder


@pytest.fixture
def inpaint(clips, tmp_path, monkeypatch, capfd):
    """Runs the program with a small model -> (exit status, lines of output, lines of errors)."""
    from avsi import cli

    torch.manual_seed(0)
    save_model(tmp_path / "a", BLSTMInpainter(small_config(model={"video": False})))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> tuple[int, list[str], list[str]]:
        monkeypatch.setattr(sys, "argv", ["avsi", "inpaint", "--model", "a", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_, warnings.catch_warnings():
            cli.main()
        output, errors = capfd.readouterr()
        return exit_.value.code, output.splitlines(), errors.splitlines()

    return run


def test_each_file_is_restored_under_its_own_name_and_a_bad_one_stops_no_other(inpaint, clips, monkeypatch):
    loads = []
    monkeypatch.setattr("avsi.restoring.inpainting.load_model", lambda *name: loads.append(name) or load_model(*name))
    files = ["in/f.mp4", "in/none.wav", *(f"in/{name}" for name in ("a.wav", "b.flac", "c.ogg", "d.mkv", "e.wav"))]
    status, output, errors = inpaint(*files, "--detect", "--exact", "-o", "new/out/")
    assert status == 1 and len(loads) == 1
    assert [line.split(": ")[:2] for line in errors] == [["error", "in/f.mp4"], ["error", "in/none.wav"]]
    assert errors[1] == "error: in/none.wav: no such file"
    table = [line.startswith("restored into") for line in output].index(True) + 2
    rows = {words[0]: words[1:] for words in map(str.split, output[table:])}
    assert output[0].strip() == "damage of in/a.wav"
    assert list(rows) == files
    assert rows["in/a.wav"] == ["1", "0.400", "new/out/a.wav"] and rows["in/d.mkv"] == ["1", "0.400", "new/out/d.mp4"]
    assert rows["in/b.flac"][-1] == "new/out/b.flac" and rows["in/c.ogg"][-1] == "new/out/c.wav"
    assert rows["in/e.wav"] == ["0", "0.000", "no", "gaps"] and rows["in/none.wav"][2:] == ["no", "such", "file"]
    written = clips.parent / "new" / "out"
    restored = ["a.wav", "b.flac", "c.wav", "d.mp4"]
    lists = [f"{name}.edits.json" for name in restored]
    assert sorted(file.name for file in written.iterdir()) == sorted(restored + lists)
    inpaint_file(clips / "a.wav", written / "alone.wav", Inpainter.from_pretrained("a", None, "cpu"))
    one, alone = (soundfile.read(written / name, dtype="int16")[0] for name in ("a.wav", "alone.wav"))
    assert np.array_equal(one, alone)


def test_the_same_gaps_in_each_and_a_file_without_gaps_is_no_failure(inpaint, clips):
    status, output, errors = inpaint("in/a.wav", "in/e.wav", "--gap", "2:2.1", "--gap", "1.5:1.6", "-o", "out/")
    assert (status, errors) == (0, [])
    assert [line.split()[1:3] for line in output[2:]] == [["2", "0.200"], ["2", "0.200"]]
    status, output, errors = inpaint("in/a.wav", "--gap", "2:2.1", "--no-log", "-o", "unlisted/")
    assert status == 0 and [file.name for file in (clips.parent / "unlisted").iterdir()] == ["a.wav"]
    status, output, errors = inpaint("in/e.wav", "--detect", "--exact", "-o", "intact/")
    assert (status, errors) == (0, []) and output[2].split()[1:] == ["0", "0.000", "no", "gaps"]
    assert not (clips.parent / "intact").exists()
    status, output, errors = inpaint("in/e.wav", "--detect", "--exact", "-o", "out.wav")
    assert (status, output, len(errors)) == (1, [], 1)


def test_a_note_names_its_file_and_is_told_for_each(inpaint, clips):
    status, _, errors = inpaint("in/a.wav", "in/b.flac", "--gap", "0:2.7", "-o", "out/")
    assert status == 0
    assert [line.partition(": gap")[0] for line in errors] == ["note: in/a.wav", "note: in/b.flac"]
    assert errors[0].endswith("only 0.28 s of sound are left around it to restore it from; expect little")


def test_outputs_in_the_place_of_inputs_or_of_each_other_are_refused(clips, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(clips)
    for paths, folder, message in (
        (
            [clips / "a.wav", tmp_path / "other" / "a.wav"],
            "out",
            r"other/a\.wav: another of the files would be written",
        ),
        ([clips / "a.wav", clips / "a.wav"], "out", "another of the files"),
        ([clips / "c.ogg", clips / "c.wav"], "out", r"c\.wav: another of the files"),
        ([clips / "b.flac", clips / "a.wav"], "link", r"link/b\.flac: is one of the inputs; choose another folder"),
    ):
        with pytest.raises(ConfigError, match=message):
            plan_outputs(paths, tmp_path / folder)
    assert not (tmp_path / "out").exists()


def test_what_was_done_when_it_is_stopped_stays_whole(clips, tmp_path, monkeypatch):
    outputs = plan_outputs([clips / "a.wav", clips / "b.flac"], tmp_path / "out")
    results = inpaint_files(outputs, BASELINE, [Gap(0.8, 1.2)], pytest.fail, lambda items, total, what: items)
    assert next(results).out == tmp_path / "out" / "a.wav"

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Inpainter, "restore_excerpts", stopped)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.wav", "a.wav.edits.json"]
    assert soundfile.info(tmp_path / "out" / "a.wav").frames == len(speech(0))
