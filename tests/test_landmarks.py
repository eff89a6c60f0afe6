import hashlib
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import (
    RATE,
    SHARED,
    face,
    mouth_opening,
    needs_grid,
    real_clip,
    run_app,
    small_config,
    speech,
    write_video,
)

from avsi.cli import app
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning, ConfigError, FaceError, MediaError
from avsi.media.video_reading import read_frames
from avsi.media.video_writing import write_mp4
from avsi.models.inpainter import BLSTMInpainter
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.recordings import inpaint_file
from avsi.studio.faces import FaceCache
from avsi.video import face_detector, landmarks
from avsi.video import mediapipe_model as task_model_module
from avsi.video.landmarks import link_faces, track_each_stretch, track_face
from avsi.video.mediapipe_model import task_model


def opening(tracks) -> np.ndarray:
    return np.linalg.norm(tracks.points[:, 62] - tracks.points[:, 66], axis=1)


@needs_grid
def test_a_real_face_is_found_in_every_frame_where_it_is():
    tracks = track_face(real_clip("s1/bbir9a"))
    assert tracks.time_s == pytest.approx(np.arange(75) / 25, abs=1e-3)
    assert tracks.found.all()
    x, y = tracks.points.mean(axis=(0, 1))
    assert 130 < x < 190 and 150 < y < 210  # the middle of the face, by eye
    brow, eye, nose, mouth, chin = (tracks.points[:, i, 1].mean() for i in (19, 37, 33, 62, 8))
    assert brow < eye < nose < mouth < chin
    assert tracks.points[:, 36, 0].mean() < tracks.points[:, 45, 0].mean()


@needs_grid
def test_frames_without_a_face_are_marked_and_do_not_shift_the_rest():
    tracks = track_face(real_clip("s1/bbizzn"))
    assert len(tracks.time_s) == 75
    lost = np.flatnonzero(~tracks.found)
    assert 7 <= len(lost) <= 17 and lost[-1] < 20


@needs_grid
@pytest.mark.slow
def test_a_clip_of_74_frames_and_one_of_another_size():
    assert len(track_face(real_clip("s1/lrae3s")).time_s) == 74
    assert track_face(real_clip("s4/bbilzs")).found.mean() > 0.95


@needs_grid
def test_a_stretch_of_a_clip_has_the_same_clock():
    part = track_face(real_clip("s1/bbir9a"), 1.0, 2.0)
    assert part.time_s == pytest.approx(1.0 + np.arange(25) / 25, abs=1e-3)


@needs_grid
@pytest.mark.slow
def test_both_apis_of_mediapipe_see_the_same_face(monkeypatch):
    """The Tasks API is the only one of newer releases; this one has both."""
    pytest.importorskip("mediapipe.tasks.python.vision")
    one = track_face(real_clip("s1/bbir9a"))
    monkeypatch.setenv("AVSI_FACE_LANDMARKER", str(SHARED / "models" / "face_landmarker.task"))
    monkeypatch.setattr(face_detector, "_MeshDetector", face_detector._TaskDetector)
    other = track_face(real_clip("s1/bbir9a"))
    assert other.found.all()
    assert np.abs(one.points - other.points).mean() < 1.5
    assert np.corrcoef(opening(one), opening(other))[0, 1] > 0.9


@pytest.fixture(scope="module")
def two_faces(mini_corpus, tmp_path_factory) -> tuple[Path, Path]:
    """A film of two drawn speakers, the one to the left smaller; and the right one alone. Of 1.2 s each."""
    folder = tmp_path_factory.mktemp("faces")
    left, right = ([*read_frames(next((mini_corpus / name).glob("*.mpg")), 0, 1.2)] for name in ("s1", "s2"))

    def both():
        for (time_s, large), (_, image) in zip(right, left, strict=True):
            small = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
            small = np.pad(small, ((0, len(large) - len(small)), (0, 0), (0, 0)))
            yield time_s, np.hstack([small, large])

    write_mp4(folder / "both.mp4", both(), None, 0.0)
    write_mp4(folder / "right.mp4", iter(right), None, 0.0)
    return folder / "both.mp4", folder / "right.mp4"


def eyes(tracks) -> float:
    """The mean distance between the eyes in pixels."""
    across = tracks.points[:, 36:42].mean(axis=1) - tracks.points[:, 42:48].mean(axis=1)
    return float(np.linalg.norm(across, axis=1).mean())


def check_the_choice_of_two(both: Path, right: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two, alone = track_face(both, face=1), track_face(both, face=2), track_face(right)
    with pytest.warns(AvsiWarning) as notes:
        largest = track_face(both)
    (note,) = notes
    assert str(note.message) == (
        f"{both}: 2 faces are seen; the largest, face 2 from the left, was taken; face 1 is the other"
    )
    assert one.found.all() and two.found.all() and len(one.time_s) == len(two.time_s) == 30
    assert np.array_equal(largest.points, two.points)
    width = 0.6 * 360
    assert one.points[..., 0].max() < width < two.points[..., 0].min()
    assert np.abs(two.points - [width, 0] - alone.points).mean() < 2
    assert eyes(one) < 0.8 * eyes(two)
    with pytest.raises(ConfigError, match=r"both\.mp4, from 0\.00 s on: there is no face 3; 2 are seen"):
        Inpainter(BLSTMInpainter(small_config())).inpaint(speech(0, 1.2), RATE, [Gap(0.4, 0.8)], both, face=3)
    run_app(app, "landmarks", both, "-o", both.with_suffix(".npz"), "--face", 1)
    with np.load(both.with_suffix(".npz")) as arrays:
        assert np.array_equal(arrays["points"], one.points)
    with pytest.raises(ConfigError, match=r"right\.mp4: there is no face 2; 1 is seen"):
        track_face(right, face=2)


@pytest.mark.slow
def test_of_two_faces_the_largest_is_taken_or_the_one_asked_for(two_faces):
    check_the_choice_of_two(*two_faces)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "models").is_dir(), reason="the Tasks API's model is not at hand (../shared/models)")
def test_the_other_api_tells_two_faces_apart_as_well(two_faces, monkeypatch):
    pytest.importorskip("mediapipe.tasks.python.vision")
    monkeypatch.setenv("AVSI_FACE_LANDMARKER", str(SHARED / "models" / "face_landmarker.task"))
    monkeypatch.setattr(face_detector, "_MeshDetector", face_detector._TaskDetector)
    check_the_choice_of_two(*two_faces)


@pytest.mark.slow
@needs_grid
def test_looking_for_others_does_not_change_what_is_found_of_one(monkeypatch):
    clip = real_clip("s1/bbizzn")
    found = track_face(clip, 0.0, 1.2)
    monkeypatch.setattr(landmarks, "LOOK_AROUND_S", np.inf)
    alone = []
    with landmarks.open_detector() as detect:
        for time_s, image in read_frames(clip, 0.0, 1.2):
            alone.append((detect(image, time_s) or [landmarks.NO_FACE])[0])
    assert np.array_equal(found.points, np.array(alone), equal_nan=True) and found.found.any()
    assert np.array_equal(track_face(clip, 0.0, 1.2, face=1).points, found.points, equal_nan=True)


def test_faces_are_followed_by_nearness_whatever_their_order():
    time_s = np.arange(40) / 25
    left = (
        face(np.zeros(40), time_s, scale=40, shift=(100, 100)).points + np.float32(1.5 * np.arange(40))[:, None, None]
    )
    right = face(np.zeros(40), time_s, scale=60, shift=(400, 100)).points
    order = np.random.default_rng(0).random(40) < 0.5
    seen = [[a, b] if swap else [b, a] for a, b, swap in zip(left, right, order, strict=True)]
    seen[10:15] = [[points] for points in left[10:15]]  # the right one looks away
    tracks = sorted(link_faces(seen), key=lambda points: np.nanmean(points[..., 0]))
    right[10:15] = np.nan
    assert len(tracks) == 2
    assert np.array_equal(tracks[0], left) and np.array_equal(tracks[1], right, equal_nan=True)
    assert link_faces([[], []]) == []


class KnownFaces:
    """In place of MediaPipe: detectors that know where faces are; it keeps what they were asked."""

    def __init__(self, monkeypatch, places) -> None:
        """``places``: time in seconds -> (x, distance of the eyes in pixels) of each face, the largest last."""
        self.places, self.opened, self.looks = places, [], []
        monkeypatch.setattr(landmarks, "open_detector", self.open)

    @contextmanager
    def open(self, n_faces=1, still=False):
        name = "around" if still else n_faces
        self.opened.append(name)

        def detect(image, time_s):
            self.looks.append((name, round(25 * time_s)))
            still_s, places = np.zeros(1), self.places(time_s)
            faces = [face(still_s, still_s, distance, shift=(x, 100)).points[0] for x, distance in places]
            return faces[-n_faces:]

        detect.reset = lambda: self.looks.append((name, "reset"))
        yield detect

    def frames(self, detector) -> list:
        return [frame for by, frame in self.looks if by == detector]


def test_each_frame_is_looked_at_once_however_many_gaps_there_are(tmp_path, monkeypatch):
    """Two gaps with overlapping contexts and one far away: two stretches of frames, one reader, one detector."""
    path = write_video(tmp_path / "film.mkv", speech(0, 20.0, 44100), 500)
    known, opened = KnownFaces(monkeypatch, lambda time_s: [(100, 40)]), []
    open_picture = landmarks.open_picture
    monkeypatch.setattr(landmarks, "open_picture", lambda path: opened.append(path) or open_picture(path))
    steps = {}

    def progress(items, total, what):
        items = list(items)
        steps[what] = (len(items), total)
        return items

    gaps = [Gap(3.51, 4.0), Gap(8.5, 9.01), Gap(17.01, 17.5)]
    inpaint_file(path, tmp_path / "out.wav", Inpainter(BLSTMInpainter(small_config())), gaps, progress=progress)
    around_s = ((0.51, 12.01), (14.01, 20.0))
    expected = [[k for k in range(500) if start_s <= k / 25 < stop_s] for start_s, stop_s in around_s]
    assert known.frames(1) == ["reset", *expected[0], "reset", *expected[1]]
    assert known.frames("around") == [*expected[0][::25], *expected[1][::25]]
    assert known.opened == [1, 8, "around"] and opened == [path] and known.frames(8) == []
    assert (steps["faces"], steps["restoring"]) == ((437, 437), (3, 3))


def test_where_a_second_face_turns_up_late_only_that_stretch_begins_anew(tmp_path, monkeypatch):
    path = write_video(tmp_path / "film.mkv", None, 250)
    known = KnownFaces(
        monkeypatch, lambda time_s: [(250, 40), (100, 60)] if 3.49 <= time_s < 4.99 or time_s > 7 else [(100, 60)]
    )
    parts = track_each_stretch(path, [(-1, 1.99), (2.99, 5.99), (7.99, 11)], face=2)
    found = np.concatenate([part.found for part in parts])
    assert known.frames(1) == ["reset", *range(50), "reset", *range(75, 100), "reset"]
    assert known.frames(8) == ["reset", *range(75, 150), "reset", *range(200, 250)]
    assert np.flatnonzero(found).tolist() == [*range(50 + 13, 50 + 50), *range(50 + 75, 175)]


def test_a_second_face_for_a_moment_is_none(tmp_path, monkeypatch):
    path = write_video(tmp_path / "film.mkv", None, 75)
    known = KnownFaces(monkeypatch, lambda time_s: [(250, 40), (100, 60)] if time_s < 0.1 else [(100, 60)])
    assert track_face(path, face=1).found.all()
    assert known.looks[-76:] == [(1, "reset"), *((1, k) for k in range(75))]


def test_faces_are_counted_once_from_the_left_over_all_stretches(tmp_path, monkeypatch):
    """In the second stretch only the right one is seen, who has moved to the left; in the third both have."""
    path = write_video(tmp_path / "film.mkv", None, 250)

    def places(time_s):
        if time_s < 3:
            return [(100, 40), (250, 60)]
        return [(190, 60)] if time_s < 7 else [(50, 40), (180, 60)]

    KnownFaces(monkeypatch, places)
    stretches = [(7.99, 8.99), (3.99, 4.99), (0, 1), (0.5, 1.99)]
    left, right = (track_each_stretch(path, stretches, face=number) for number in (1, 2))
    frames = [(200, 225), (100, 125), (0, 25), (13, 50)]
    for one, other, (first, last) in zip(left, right, frames, strict=True):
        assert one.time_s == pytest.approx(np.arange(first, last) / 25, abs=1e-3)
        assert other.found.all() and np.array_equal(one.time_s, other.time_s)
    assert [part.found.all() or part.found.any() for part in left] == [True, False, True, True]
    assert [part.points[0, 30, 0] for part in right] == pytest.approx([180, 190, 250, 250])
    assert [left[place].points[0, 30, 0] for place in (0, 2)] == pytest.approx([50, 100])
    with pytest.warns(AvsiWarning, match="2 faces are seen; the largest, face 2 from the left") as notes:
        largest = track_each_stretch(path, stretches)
    told = [str(note.message).split(":")[0].removeprefix(f"{path}, ") for note in notes]
    assert told == ["from 7.99 s on", "from 0.00 s on", "from 0.50 s on"]
    assert all(np.array_equal(one.points, other.points) for one, other in zip(largest, right, strict=True))
    with pytest.raises(ConfigError, match=r"there is no face 3; 2 are seen"):
        track_each_stretch(path, stretches, face=3)


def test_a_face_of_a_number_is_one_person_whatever_is_looked_at_first(tmp_path, monkeypatch):
    """Two people for 3 s, then the right one alone."""
    film = write_video(tmp_path / "film.mkv", None, 150)
    known = KnownFaces(monkeypatch, lambda time_s: [(100, 40), (250, 60)] if time_s < 3 else [(250, 60)])
    both, alone = (0.5, 2.0), (3.5, 5.0)
    for number, order in enumerate(([both, alone], [alone, both])):
        for asked in order:
            for which in (1, None):
                FaceCache(tmp_path / f"faces{number}", which).look(film, [asked], lambda share: None)
        first, second, largest = (FaceCache(tmp_path / f"faces{number}", which, "film.mkv") for which in (1, 2, None))
        assert first.between(*both).points[0, 30, 0] == pytest.approx(100)
        assert first.between(*both).found.all() and not first.between(*alone).found.any()
        for cache in (second, largest):
            for asked in (both, alone):
                assert cache.between(*asked).found.all() and len(cache.between(*asked).time_s) == 37
                assert cache.between(*asked).points[0, 30, 0] == pytest.approx(250)
        with pytest.raises(ConfigError, match=r"film\.mkv, where it was looked at so far: there is no face 3; 2 are"):
            FaceCache(tmp_path / f"faces{number}", 3, "film.mkv").between(*both)
    assert sum(by == "around" for by, _ in known.looks) < 20  # each face was looked for once
    empty = FaceCache(tmp_path / "none", 2)
    empty.look(film, [(7.0, 8.0)], lambda share: None)  # behind the end
    assert len(empty.between(7.0, 8.0).time_s) == 0


@needs_grid
def test_each_of_several_stretches_has_the_landmarks_it_has_alone():
    clip = real_clip("s1/bbir9a")
    stretches = [(0.2, 0.6), (1.5, 2.0)]
    parts = track_each_stretch(clip, stretches)
    for (start_s, stop_s), part in zip(stretches, parts, strict=True):
        alone = track_face(clip, start_s, stop_s)
        assert np.array_equal(alone.time_s, part.time_s) and np.array_equal(alone.points, part.points)
    assert [len(part.time_s) for part in parts] == [10, 12]


def test_a_video_without_a_face_is_refused(tmp_path):
    path = write_video(tmp_path / "bars.mpg", None, n_frames=5)
    with pytest.raises(FaceError, match=r"bars\.mpg: no face was found in any of its 5 frames"):
        track_face(path)


def test_the_model_file_of_the_tasks_api(tmp_path, monkeypatch):
    monkeypatch.setenv("AVSI_FACE_LANDMARKER", str(tmp_path / "none.task"))
    with pytest.raises(MediaError, match=r"none\.task: no such file"):
        task_model()
    (tmp_path / "none.task").write_bytes(b"something else")
    with pytest.raises(MediaError, match="not the expected release"):
        task_model()
    monkeypatch.delenv("AVSI_FACE_LANDMARKER")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "server.task"
    source.write_bytes(b"model")
    monkeypatch.setattr(task_model_module, "TASK_MODEL_SHA256", hashlib.sha256(b"model").hexdigest())
    monkeypatch.setattr(task_model_module, "TASK_MODEL_URL", source.as_uri())
    assert task_model().read_bytes() == b"model"
    source.unlink()
    assert task_model() == tmp_path / "cache" / "avsi" / "face_landmarker.task"
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(MediaError, match="the download failed"):
        task_model()


@needs_grid
def test_a_clip_that_decodes_with_warnings_is_whole():
    assert sum(1 for _ in read_frames(real_clip("s1/sgib8n"))) == 75


def test_without_a_number_each_stretch_has_the_largest_face_that_it_shows(monkeypatch):
    """Two stretches that overlap are looked at as one, in which a cut at 6 s brings another person into the picture."""
    times_s = np.arange(300) / 25
    first, second = (np.full((300, 68, 2), np.nan, np.float32) for _ in range(2))
    moving = face(mouth_opening(0, times_s), times_s).points
    first[:150], second[150:] = moving[:150], moving[150:] + 200

    def look(path, stretches, asked, seen):
        assert stretches == [(0.0, 12.0)] and asked == [(0.0, 6.8), (5.5, 12.0)]
        seen.append((list(times_s), [first, second]))
        return iter(())

    monkeypatch.setattr(landmarks, "_look", look)
    with pytest.warns(AvsiWarning, match="2 faces are seen; the largest, face 1"):
        early, late = track_each_stretch("film.mp4", [(0.0, 6.8), (5.5, 12.0)])
    assert np.array_equal(early.points[:150], first[:150]) and len(early.points) == 170
    assert np.array_equal(late.points[12:], second[150:]) and not late.found[:12].any()


def test_a_stretch_without_a_face_has_no_points(tmp_path, monkeypatch):
    path = write_video(tmp_path / "film.mkv", None, 50)
    KnownFaces(monkeypatch, lambda time_s: [(100, 60)] if time_s < 0.99 else [])
    seen, empty = track_each_stretch(path, [(0, 0.99), (1.2, 1.99)])
    assert seen.found.all() and len(empty.time_s) == 20 and not empty.found.any()


def test_at_a_cut_in_a_long_stretch_a_short_shot_still_has_its_face(tmp_path, monkeypatch):
    """Two people are in the picture; after each second the camera stands elsewhere."""
    path = write_video(tmp_path / "film.mkv", None, 500)
    KnownFaces(monkeypatch, lambda time_s: [(100 + 900 * int(time_s + 0.01), 40), (400 + 900 * int(time_s + 0.01), 60)])
    with pytest.warns(AvsiWarning, match="faces are seen"):
        parts = track_each_stretch(path, [(start_s - 0.01, start_s + 1.49) for start_s in range(18)])
    assert min(part.found.mean() for part in parts) > 0.6
