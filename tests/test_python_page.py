"""Every recipe of docs/python.md, run as it is written."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import make_datadir

from avsi import Gap
from avsi.data.gaps import gap_spans
from avsi.media.sound_reading import open_sound, read_mono
from avsi.media.sound_writing import copy_patched, write_wav
from avsi.media.video_reading import sound_start_s
from avsi.media.video_writing import write_mp4

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
RECIPES = dict(re.findall(r"^## (.*?)\n.*?```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE))

pytestmark = pytest.mark.slow


@pytest.fixture
def run(mini_corpus, tmp_path, monkeypatch):
    """Runs a recipe in a folder with a talking head and its sound -> the names that it leaves."""
    clip = min(mini_corpus.glob("s*/*.mpg"))
    with open_sound(clip) as sound:
        copy_patched(sound, tmp_path / "sound.wav", [], "WAV")
    write_mp4(tmp_path / "talk.mp4", clip, tmp_path / "sound.wav", sound_start_s(clip))
    shutil.move(tmp_path / "sound.wav", tmp_path / "talk.wav")
    monkeypatch.chdir(tmp_path)

    def run_recipe(name: str) -> dict:
        names: dict = {}
        exec(RECIPES[name], names)
        return names

    return run_recipe


def is_kept(original: np.ndarray, restored: np.ndarray, gap: Gap, rate: int) -> bool:
    """Whether all is as it was outside the gap, and something else inside."""
    [(start, stop)] = gap_spans([gap], len(original), rate)
    outside = np.r_[0:start, stop : len(original)]
    same = np.array_equal(original[outside], restored[outside])
    return same and bool((original[start:stop] != restored[start:stop]).mean() > 0.9)


def test_arrays(run):
    names = run("Arrays")
    assert names["restored"].shape == names["samples"].shape
    assert is_kept(names["samples"], names["restored"], Gap(0.8, 1.6), names["rate"])
    assert soundfile.info("restored.wav").frames == len(names["samples"])


def test_a_file(run):
    run("A file")
    with open_sound("talk.mp4") as before, open_sound("restored.mp4") as after:
        gap = Gap(0.8 - before.start_s, 1.6 - before.start_s)
        assert is_kept(before.read(), after.read(), gap, before.rate)


def test_where_a_file_is_damaged(run, capsys):
    samples = read_mono("talk.wav", 16000)
    loud = int(np.argmax(np.convolve(samples**2, np.ones(3200), "valid"))) + 800
    damaged = samples.copy()
    damaged[loud : loud + 1600] = 0
    write_wav("damaged.wav", damaged, 16000)
    run("Where a file is damaged")
    assert capsys.readouterr().out == f"{loud / 16000:.3f} {loud / 16000 + 0.1:.3f} silence, seen by silence\n"
    before, after = read_mono("damaged.wav", 16000), read_mono("restored.wav", 16000)
    assert is_kept(before, after, Gap(loud / 16000, loud / 16000 + 0.1), 16000)


def test_adapted_to_the_speaker(run, capsys, monkeypatch, tmp_path):
    from avsi.restoring import adapting

    adapt_model = adapting.adapt_model
    monkeypatch.setattr(
        adapting,
        "adapt_model",
        lambda start, stretches, gaps_s, settings, progress, voice: adapt_model(
            start, stretches, gaps_s, replace(settings, steps=1, batch_size=2), progress, voice
        ),
    )
    monkeypatch.setenv("AVSI_CACHE", str(tmp_path / "cache"))
    write_wav("talk.wav", np.tile(read_mono("talk.wav", 16000), 15), 16000)
    names = run("Adapted to the speaker")
    assert is_kept(names["samples"], names["restored"], Gap(0.8, 1.6), names["rate"])
    assert "adapted to the recording: " in capsys.readouterr().out


def test_when_words_are_said(run, capsys):
    names = run("When words are said")
    assert [word.text for word in names["alignment"].words] == ["it", "is", "not", "the", "first", "time"]
    assert capsys.readouterr().out.splitlines()[5].endswith("['T', 'AY', 'M']")


def test_with_known_words(run):
    names = run("With known words")
    with open_sound("talk.mp4") as before, open_sound("restored.mp4") as after, open_sound("edited.wav") as edited:
        gap = Gap(0.8 - before.start_s, 1.2 - before.start_s)
        assert is_kept(before.read(), after.read(), gap, before.rate)
        [edit] = names["edits"]
        assert (edit.before, edit.words) == ("first", "last")
        start, stop, length = edit.splice
        assert edited.n_samples == before.n_samples + length - (stop - start)
        assert np.array_equal(edited.read(0, start), before.read(0, start))
        assert np.array_equal(edited.read(start + length, edited.n_samples), before.read(stop, before.n_samples))
    assert Path("restored.mp4.edits.json").is_file() and Path("edited.wav.edits.json").is_file()


def test_many_files(run, capsys):
    Path("damaged").mkdir()
    samples = read_mono("talk.wav", 16000)
    for name, stop in (("a", 20000), ("b", 21600)):  # both edges where somebody speaks, else it is no damage
        damaged = samples + 1e-3
        damaged[15200:stop] = 0
        write_wav(f"damaged/{name}.wav", damaged, 16000)
    Path("damaged/c.wav").write_text("no sound")
    run("Many files with one inpainter")
    printed = capsys.readouterr().out.splitlines()
    assert "0.95" in printed[0] and "damaged/c.wav: not a sound or video file" in printed[2]
    lists = [f"{name}.wav.edits.json" for name in "ab"]
    assert sorted(path.name for path in Path("restored").iterdir()) == sorted(["a.wav", "b.wav", *lists])


def test_landmarks_used_twice(run):
    names = run("Landmarks computed once and used twice")
    assert names["tracks"].found.mean() > 0.9
    for version, end_s in (("short", 1.2), ("long", 2.0)):
        assert is_kept(names["samples"], names[version], Gap(0.8, end_s), names["rate"])


def test_a_model_of_ones_own(run):
    names = run("A model of one's own")
    assert is_kept(names["samples"], names["restored"], Gap(1.0, 1.2), 16000)
    inside = names["restored"][16000:19200]
    assert 0.05 < inside.std() < 0.2


def test_a_model_scored_beside_the_rest(run):
    make_datadir(Path("data/test"), ["s01_a", "s02_b"], with_faces=False)
    Path("data/test/gaps_300ms").write_text("s01_a 0.8 1.1\ns02_b 1.2 1.5\n")
    run("A model scored beside the rest")
    for name, gap in (("s01_a", Gap(0.8, 1.1)), ("s02_b", Gap(1.2, 1.5))):
        clean, restored = (read_mono(f"{folder}/{name}.wav", 16000) for folder in ("data/test", "restored/300ms"))
        assert is_kept(clean, restored, gap, 16000)


@pytest.mark.filterwarnings("ignore:.*less than 3 s.*:avsi.AvsiWarning")
def test_whose_voice_it_is(run):
    names = run("Whose voice it is")
    assert names["one"].alike(names["two"]) > max(names["encoder"].threshold, 0.9)
    assert names["two"].vector.shape == (192,)


def test_each_recipe_has_a_test():
    assert len(RECIPES) == PAGE.read_text("utf-8").count("```python") == 11
