"""Parts of the studio by themselves: pictures of sound, project files, folders, ratings."""

import io
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import speech, write_video

from avsi.data.gaps import Gap
from avsi.studio.project import ProjectFile
from avsi.studio.refusals import Refused
from avsi.studio.session import remove_left_folders

RATE = 16000
GAP = {"start_s": 1.0, "end_s": 1.2, "kind": None, "sure": None, "seen_by": None, "channel": None, "repair": True}
PROJECT = {"gaps": [GAP], "transcript": "", "model": "a", "use_face": False, "reference": None}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Locks and results are not those of the user."""
    monkeypatch.setenv("AVSI_CACHE", str(tmp_path_factory.mktemp("cache")))


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


FIRST = {"gaps": [], "transcript": "", "model": "a", "use_face": False, "reference": None, "results": []}


def test_clips_of_one_stem_have_projects_of_their_own(tmp_path):
    wav, flac = (ProjectFile(tmp_path, name, 3.0, ["a"], FIRST) for name in ("talk.wav", "talk.flac"))
    assert wav.put(0, PROJECT) == 1
    assert flac.current() == (FIRST, 0) and flac.put(0, {**PROJECT, "transcript": "flac"}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.avsi.json", "talk.flac.avsi.json"]
    again = [ProjectFile(tmp_path, name, 3.0, ["a"], FIRST).current()[0] for name in ("talk.wav", "talk.flac")]
    assert [project["transcript"] for project in again] == ["", "flac"] and again[0]["gaps"] == [GAP]
    # Those that were dropped, whose names say little, by their content.
    for content in ("one", "two"):
        dropped = ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST, content)
        assert dropped.put(0, {**PROJECT, "transcript": content}) == 1
    for content, name in (("", "talk"), ("one", "talk.wav"), ("two", "talk.wav-2")):
        again = ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST, content)
        assert again.path.name == f"{name}.avsi.json" and again.current()[0]["transcript"] == content


WORD = {"start_s": 0.5, "end_s": 0.75, "word": "so", "confidence": 0.5, "phones": [["S", 0.5, 0.625]]}


@pytest.mark.parametrize(
    "word, kept",
    [({**WORD, "more": float("1e300"), "x": "\ud800"}, WORD), ({**WORD, "phones": None}, None),
     ({**WORD, "word": "\ud800"}, None), ({**WORD, "end_s": 1e400}, None), (7, None)],
)  # fmt: skip
def test_of_words_in_a_project_file_that_alone_is_taken_which_is_known(tmp_path, word, kept):
    file = {"format": "avsi studio", "clip": "talk.wav", "revision": 4, "project": {**FIRST, "words": [word]}}
    (tmp_path / "talk.avsi.json").write_text(json.dumps(file).replace("Infinity", "1e400"))
    project = ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST)
    assert project.current()[0]["words"] == (kept and [kept]) and project.note == ""
    project.set(results=[])  # what was read can be written


def test_gaps_beyond_a_clip_are_cut_or_left_out_and_damaged_projects_kept(tmp_path):
    gaps = [GAP, {**GAP, "start_s": 2.0, "end_s": 9.0}, {**GAP, "start_s": 7.0, "end_s": 9.0}, {**GAP, "start_s": -1}]
    file = {"format": "avsi studio", "clip": "talk.wav", "revision": 4, "project": {**FIRST, "gaps": gaps}}
    path = tmp_path / "talk.avsi.json"
    path.write_text(json.dumps(file))
    project = ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST)
    assert project.current() == ({**FIRST, "gaps": [GAP, {**GAP, "start_s": 2.0, "end_s": 3.0}], **OWN}, 4)
    assert project.note == "talk.avsi.json: 3 gaps reach beyond the clip or are none; they were cut or left out"
    for number, text in (("", '{"format": "avsi studio", "revision": NaN}'), ("-2", "{")):
        path.write_text(text)
        note = ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST).note
        assert note.endswith(f"and was put aside as talk.avsi.json.unreadable{number}")
        assert (tmp_path / f"talk.avsi.json.unreadable{number}").read_text() == text


OWN = {"words": None, "words_of": None, "adapt": False, "face": None}  # what earlier versions did not write


def test_a_project_is_written_by_one_studio_at_a_time(tmp_path, monkeypatch):
    """Of many that save their change of one revision, one does."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    from avsi.studio import project as module

    def slowly(path, text, write=module.write_text):
        time.sleep(0.01)
        write(path, text)

    monkeypatch.setattr(module, "write_text", slowly)
    studios = [ProjectFile(tmp_path, "talk.wav", 3.0, ["a"], FIRST) for _ in range(16)]

    def put(project):
        try:
            return project.put(0, PROJECT)
        except Refused as refused:
            return refused.status

    with ThreadPoolExecutor(len(studios)) as at_once:
        assert sorted(at_once.map(put, studios)) == [1, *[409] * 15]


def test_work_that_cannot_begin_is_in_the_way_of_none():
    from avsi.studio.jobs import Job, Lane

    def wrong():
        raise KeyError("a fault of the program")

    ids = ("time", "teller")
    lane = Lane("tried")
    try:
        waits = lane.add(Job(ids, dict, ready=lambda: False))
        fails, refused = lane.add(Job(ids, wrong)), lane.add(Job(ids, lambda: {}[1]))
        for job in (fails, refused):
            assert job.ended.wait(5) and job.state == "failed" and "terminal" in job.error
        assert waits.state == "waiting"
        lane.cancel(waits)
        assert waits.state == "cancelled"
    finally:
        lane.close()
    assert lane._process is None


def test_work_that_is_ended_removes_what_it_had_begun_to_write(tmp_path):
    import time

    from avsi.media.sound_reading import sound_file
    from avsi.studio.jobs import Job, Lane
    from avsi.studio.opened import Opened
    from avsi.studio.results import write_result

    sound, rate = tmp_path / "long.wav", 96000
    with soundfile.SoundFile(sound, "w", rate, 8, "PCM_32", format="RF64") as out:
        out.seek(100 * rate)  # 300 MB on paper, and hardly any on the disk
        out.write(np.zeros((1, 8)))
    write_result(tmp_path / "made.npz", [(0, np.ones((100, 8), np.int32))], [])
    told = {"result": tmp_path / "made.npz", "folder": tmp_path, "stem": "long", "what": ["sound"], "labels": ""}
    lane = Lane("tried")
    try:
        job = lane.add(
            Job(("saving", "save"), lambda: {"clip": Opened(sound, sound_file(sound), None, tmp_path), **told})
        )
        while not (begun := list(tmp_path.rglob(".long.restored.partial-*"))) and not job.ended.is_set():
            time.sleep(0.005)
        assert begun and 0 <= (job.progress or 0) < 1
        lane.cancel(job)
        while list(tmp_path.rglob(".*")):
            time.sleep(0.005)
    finally:
        lane.close()
    assert job.state == "cancelled" and not (tmp_path / "long.restored.wav").exists()


@pytest.mark.parametrize("when", ["it begins", "its result is kept"])
def test_work_that_is_cancelled_at_any_time_is_in_the_way_of_none(tmp_path, when):
    import threading

    from avsi.studio.jobs import Job, Lane

    soundfile.write(tmp_path / "talk.wav", np.zeros(RATE), RATE)
    told, inside, go_on = {"path": tmp_path / "talk.wav"}, threading.Event(), threading.Event()

    def held(*_):
        inside.set()
        assert go_on.wait(60)
        return "kept"

    def held_and_wrong():
        raise OSError(held())

    lane = Lane("tried")
    try:
        first = lane.add(Job(("files", "decode"), lambda: {**told, "wav": tmp_path / "0.wav"}))
        assert first.ended.wait(60) and first.state == "done"
        begins = Job(("files", "decode"), held_and_wrong)
        is_kept = Job(("files", "decode"), lambda: {**told, "wav": tmp_path / "1.wav"}, held)
        job = lane.add(begins if when == "it begins" else is_kept)
        assert inside.wait(60)
        lane.cancel(job)
        told_at_once = job.state
        go_on.set()
        following = lane.add(Job(("files", "decode"), lambda: {**told, "wav": tmp_path / "2.wav"}))
        assert following.ended.wait(60) and (following.state, following.error) == ("done", "")
    finally:
        lane.close()
    # What is being kept is kept; what was said to be cancelled stays so.
    expected = ("cancelled", "cancelled", None) if when == "it begins" else ("running", "done", "kept")
    assert (told_at_once, job.state, job.result) == expected


def test_a_save_that_is_ended_leaves_nothing(tmp_path):
    from avsi.media.sound_reading import decoded_sound
    from avsi.studio.opened import Opened
    from avsi.studio.results import write_result
    from avsi.studio.saving import save

    film = write_video(tmp_path / "film.mp4", speech(4, 1.0), 25, codecs=("libx264", "aac"))
    sound = decoded_sound(film, tmp_path / "sound.wav")
    write_result(tmp_path / "made.npz", [(0, np.ones((100, sound.channels), sound.dtype))], [])
    clip, folder = Opened(film, sound, film, tmp_path), tmp_path / "saved"
    folder.mkdir()

    class Teller:
        begun = 0

        def progress(self, items, total, what):
            self.begun += 1
            if self.begun == self.ends_at:
                raise SystemExit
            yield from items

    teller = Teller()
    asked = (clip, tmp_path / "made.npz", folder, "film", ["sound", "film", "list", "labels"], "")
    teller.ends_at = 2  # in the film
    with pytest.raises(SystemExit):
        save(teller, *asked)
    assert not list(folder.iterdir())
    teller.ends_at = None
    saved = [Path(each["path"]) for each in save(teller, *asked)]
    assert len(saved) == 5 and sorted(saved) == sorted(folder.iterdir())
    assert {path.name.partition(".")[0] for path in saved} == {"film"} and folder / "film.restored.mp4" in saved


def test_more_work_than_can_wait_is_refused_but_what_nobody_asked_for(monkeypatch):
    from avsi.studio import jobs

    monkeypatch.setattr(jobs, "MAX_WAITING", 2)
    lane = jobs.Lane("tried")
    try:
        for asked in (False, True, False, False, True):
            lane.add(jobs.Job(("a", "b"), dict, asked=asked, ready=lambda: False))
        with pytest.raises(Refused):
            lane.add(jobs.Job(("a", "b"), dict, ready=lambda: False))
        lane.add(jobs.Job(("a", "b"), dict, asked=False, ready=lambda: False))
    finally:
        lane.close()


def test_a_rating_leaves_a_result_in_its_place(tmp_path):
    from avsi.studio.clips import Clip
    from avsi.studio.models import Model

    soundfile.write(tmp_path / "talk.wav", np.zeros(RATE), RATE)
    clip = Clip(tmp_path / "talk.wav", "talk.wav", tmp_path, {"a": Model("a", "", False, False, False)}, "a", tmp_path)
    made = {"gaps": [[0.1, 0.2]], "model": "a", "use_face": False, "draw": 0, "adapted": False, "made": ""}
    made |= {"asked": [[0.05, 0.2]], "reasons": [], "mos": None}
    for id_ in ("1" * 12, "2" * 12):
        clip.keep_result({**made, "id": id_})
    mos = [{"start_s": 0.1, "end_s": 0.2, "before": None, "after": 2.5}]
    clip.keep_result({**made, "id": "1" * 12, "mos": mos})
    results = clip.project.current()[0]["results"]
    assert [(each["id"], each["mos"]) for each in results] == [("1" * 12, mos), ("2" * 12, None)]
    assert ProjectFile(tmp_path, "talk.wav", 1.0, ["a"], FIRST).current()[0]["results"] == results
    # What a project file calls a result is no path.
    (tmp_path / "secret.npz").write_bytes(b"")
    project = json.loads(clip.project.path.read_text())
    name = os.path.relpath(tmp_path / "secret", clip.new_result()[1].parent)
    project["project"]["results"].append({**made, "id": name})
    clip.project.path.write_text(json.dumps(project))
    assert clip.project.current()[0]["results"][-1]["id"] == name and clip._result_file(name).is_file()
    with pytest.raises(Refused) as refused:
        clip.result_file(name)
    assert refused.value.status == 404


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


def test_options_of_the_command_are_not_advised_on_the_page(monkeypatch):
    from avsi.studio import tasks, worker
    from avsi.words.pronouncing import pronounce

    # A word that no dictionary has: guessed where eSpeak NG is at hand, and refused elsewhere.
    monkeypatch.setattr(tasks, "say_it", lambda teller: len(pronounce(["zorkblat"], {})), raising=False)
    state, told, notes = worker._carried_out("tasks", "say_it", {}, None)
    text = " ".join([*notes, told] if state == "failed" else notes)
    assert "zorkblat" in text and "--" not in text


def test_a_gap_of_one_channel_leaves_the_other_as_it_is(tmp_path):
    from avsi.media.sound_reading import sound_file
    from avsi.studio import tasks
    from avsi.studio.labels import read_labels, write_labels
    from avsi.studio.opened import Opened
    from avsi.studio.results import read_result
    from avsi.studio.worker import Teller

    near = speech(0, 3.0)
    soundfile.write(tmp_path / "talk.wav", np.stack([near, 0.4 * np.roll(near, 12)], axis=1), RATE, subtype="PCM_16")
    clip = Opened(tmp_path / "talk.wav", sound_file(tmp_path / "talk.wav"), None, tmp_path)

    class Silent(Teller):
        def __init__(self):
            pass

        def step(self, what, share=None):
            pass

    [gap] = read_labels(b"1.0\t1.2\tnoise (channel 2)\n", "a.txt", 3.0)
    assert (gap["kind"], gap["channel"]) == ("noise", 1)
    assert write_labels([gap], "txt", 3.0) == "1.000000\t1.200000\tnoise (channel 2)\n"
    gaps, out = [Gap(1.0, 1.2, (gap["channel"],))], tmp_path / "made.npz"
    made = tasks.restore(Silent(), clip, gaps, "a", False, "", None, None, 0, False, out)
    assert made["gaps"] == [[1.0, 1.2]]
    assert [each["reason"] for each in made["reasons"]] == [
        "channel 2 restored from channel 1, which holds the same sound"
    ]
    [(start, patch)], [edit] = read_result(out)
    whole = clip.sound.read()[start : start + len(patch)]
    assert (start, len(patch), edit["model"]) == (RATE, RATE // 5, "channel 1")
    assert np.array_equal(patch[:, 0], whole[:, 0]) and 0 < np.abs(patch[:, 1].astype(int) - whole[:, 1]).max() < 60
