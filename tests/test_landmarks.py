import hashlib
import shutil

import numpy as np
import pytest
from conftest import SHARED, needs_grid, real_clip, write_video

from avsi.errors import FaceError, MediaError
from avsi.video import landmarks
from avsi.video.files import frames
from avsi.video.landmarks import task_model, track_face


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
    monkeypatch.setattr(landmarks, "_MeshDetector", landmarks._TaskDetector)
    other = track_face(real_clip("s1/bbir9a"))
    assert other.found.all()
    assert np.abs(one.points - other.points).mean() < 1.5
    assert np.corrcoef(opening(one), opening(other))[0, 1] > 0.9


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
    monkeypatch.setattr(landmarks, "TASK_MODEL_SHA256", hashlib.sha256(b"model").hexdigest())
    monkeypatch.setattr(landmarks, "TASK_MODEL_URL", source.as_uri())
    assert task_model().read_bytes() == b"model"
    source.unlink()
    assert task_model() == tmp_path / "cache" / "avsi" / "face_landmarker.task"
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(MediaError, match="the download failed"):
        task_model()


@needs_grid
def test_a_clip_that_decodes_with_warnings_is_whole():
    assert sum(1 for _ in frames(real_clip("s1/sgib8n"))) == 75
