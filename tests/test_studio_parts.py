"""Parts of the studio by themselves: pictures of sound, project files, folders, ratings."""

import io
import os
import subprocess

import numpy as np
import pytest
import soundfile

from avsi.studio.project import ProjectFile
from avsi.studio.refusals import Refused
from avsi.studio.session import remove_left_folders

RATE = 16000
GAP = {"start_s": 1.0, "end_s": 1.2, "kind": None, "sure": None, "seen_by": None, "repair": True}
PROJECT = {"gaps": [GAP], "transcript": "", "model": "a", "use_face": False, "reference": None}


def test_a_spectrogram_shows_a_tone_where_it_is(tmp_path):
    from PIL import Image

    from avsi.studio.sounds import Clocked
    from avsi.studio.tiles import spectrogram

    class Tone:
        rate, channels, n_samples = 16000, 1, 32000

        def read(self, start, stop):
            return 0.3 * np.sin(2 * np.pi * 2000 * np.arange(start, stop) / 16000)[:, None]

    for end_s in (4.0, 4000.0):  # what lies close is read at once, what does not in windows
        picture = Image.open(io.BytesIO(spectrogram(Clocked(Tone(), 0.0, 2.0), 0.0, end_s, 400, 160)))
        values = np.asarray(picture.convert("L"), float)
        assert picture.size == (400, 160)
        if end_s == 4.0:
            assert abs(int(values[:, 100].argmax()) - 120) <= 1  # 2000 of 8000 Hz, from below
        assert values[:, 250:].max() < 20  # behind the end


def test_of_two_studios_the_newer_revision_wins(tmp_path):
    first = {"gaps": [], "transcript": "", "model": "a", "use_face": False, "reference": None, "results": []}
    one, two = (ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], first) for _ in range(2))
    assert not list(tmp_path.iterdir())  # looking writes nothing
    assert one.put(0, PROJECT) == 1
    with pytest.raises(Refused) as refused:
        two.put(0, {**PROJECT, "transcript": "older"})
    assert refused.value.status == 409 and refused.value.content["project"]["gaps"] == [GAP]
    assert two.put(1, {**PROJECT, "transcript": "newer"}) == 2 and one.current()[0]["transcript"] == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["talk.avsi.json"]
    other = ProjectFile(tmp_path, "talk.mp4", 3.0, ["a"], first)
    assert other.path.name == "talk.mp4.avsi.json" and other.revision == 0
    one.path.write_text('{"format": "avsi studio", "revision": -1}')
    assert "was put aside as talk.avsi.json.unreadable" in ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], first).note


def test_folders_of_crashed_studios_are_removed(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"avsi-studio-{ended.pid}-a", f"avsi-studio-{os.getpid()}-b", "avsi-studio-x", "other"):
        (tmp_path / name).mkdir()
    remove_left_folders(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"avsi-studio-{os.getpid()}-b", "avsi-studio-x", "other"}


def test_a_result_is_rated_with_what_is_around_it(tmp_path, monkeypatch):
    from avsi.media.sound_reading import sound_file
    from avsi.metrics import mos
    from avsi.studio import tasks
    from avsi.studio.opened import Opened
    from avsi.studio.results import write_result

    soundfile.write(tmp_path / "talk.wav", np.full(3 * RATE, 0.25), RATE)
    write_result(tmp_path / "made.npz", [(RATE, np.full((RATE // 2, 1), 16384, np.int16))], [])
    monkeypatch.setattr(mos, "PACKAGES", ())
    monkeypatch.setattr(mos, "plcmos", lambda samples, rate: samples.sum() / rate)
    clip = Opened(tmp_path / "talk.wav", sound_file(tmp_path / "talk.wav"), None, tmp_path)

    class Teller:
        def step(self, what):
            pass

    [rated] = tasks.rate(Teller(), clip, [(1.0, 1.5)], tmp_path / "made.npz")
    assert rated == {"start_s": 1.0, "end_s": 1.5, "before": 0.62, "after": 0.75}  # 2.5 s, of which 0.5 s are louder
