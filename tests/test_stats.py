"""What data_prep.stats measures where faces are lost, and where not all utterances have one."""

import dataclasses

import numpy as np
import pytest
from conftest import make_datadir, run_app

from avsi.config import Config
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.features import load_features
from avsi.data.matrices import append_matrix
from avsi.data.stats import Stats
from avsi.video.tracks import Tracks
from data_prep import stats


def measured(folder, *options) -> Stats:
    run_app(stats.app, folder, *options)
    return Stats.load(folder / "stats.npz")


def with_a_lost_face(utterance: Utterance, ark) -> Utterance:
    """The same without a face for a second, which is too long to be bridged."""
    tracks = utterance.load_landmarks()
    points = tracks.points.copy()
    points[25:50] = np.nan
    with ark.open("wb") as file:
        place = append_matrix(file, utterance.id, Tracks(tracks.time_s, points).to_matrix())
    return dataclasses.replace(utterance, landmarks=f"{ark}:{place}")


def rows(utterances: list[Utterance]) -> tuple[np.ndarray, np.ndarray]:
    """Spectra of all and visual features of those that have landmarks, one after the other, by the frame."""
    config = Config()
    config.model.video = False
    heard = np.concatenate([load_features(u, config).log_spectrum.numpy() for u in utterances])
    config.model.video = True
    return heard, np.concatenate([load_features(u, config).visual.numpy() for u in utterances if u.landmarks])


def deviation(seen: np.ndarray) -> np.ndarray:
    """By the column; 1 where it does not vary."""
    std = seen.astype(np.float64).std(axis=0)
    return np.where(std > 1e-8, std, 1)


def test_frames_of_a_lost_face_do_not_count(tmp_path):
    folder = make_datadir(tmp_path / "set", ["s01_a", "s01_b"])
    whole = measured(folder)
    first, second = read_datadir(folder)
    utterances = [with_a_lost_face(first, tmp_path / "lost.ark"), second]
    write_datadir(folder, utterances)
    found, (heard, seen) = measured(folder), rows(utterances)
    lost = np.isnan(seen).any(axis=1)
    assert 60 < lost.sum() < 90 and len(seen) == 2 * 249
    assert found.visual_mean == pytest.approx(seen[~lost].mean(axis=0), abs=1e-6)
    assert found.visual_std == pytest.approx(deviation(seen[~lost]), rel=1e-4)
    assert found.audio_mean == pytest.approx(heard.mean(axis=0), rel=1e-4)
    assert np.array_equal(found.audio_std, whole.audio_std)  # sound is measured in those frames too


@pytest.mark.parametrize("blind", ["s01_a", "s01_b"])
def test_of_a_mixed_set_all_sound_and_the_faces_that_there_are_count(tmp_path, blind):
    """Whichever comes first."""
    folder = make_datadir(tmp_path / "set", ["s01_a", "s01_b", "s01_c"])
    utterances = [dataclasses.replace(u, landmarks=None) if u.id == blind else u for u in read_datadir(folder)]
    write_datadir(folder, utterances)
    found, (heard, seen) = measured(folder), rows(utterances)
    assert len(heard) == 3 * 249 and len(seen) == 2 * 249
    assert found.visual_mean == pytest.approx(seen.mean(axis=0), abs=1e-6)
    assert found.visual_std == pytest.approx(deviation(seen), rel=1e-4)
    assert found.audio_mean == pytest.approx(heard.mean(axis=0), rel=1e-4)
    assert found.audio_std == pytest.approx(heard.std(axis=0), rel=1e-3)
    assert found.ids.tolist() == ["s01_a", "s01_b", "s01_c"]


def test_a_set_without_faces_has_statistics_of_sound_alone(tmp_path):
    folder = make_datadir(tmp_path / "set", ["s01_a"], with_faces=False)
    assert "of them with landmarks" in run_app(stats.app, folder)
    assert measured(folder).visual_mean.shape == (0,) and measured(folder).audio_mean.shape == (257,)


@pytest.mark.slow
def test_several_processes_measure_the_same_to_the_last_bit(tmp_path, monkeypatch):
    make_datadir(tmp_path / "train", [f"s01_clip{n}" for n in range(5)])
    monkeypatch.setattr(stats, "PART", 2)
    one, two = (measured(tmp_path / "train", "--jobs", jobs) for jobs in (1, 2))
    for name, values in vars(one).items():
        assert np.array_equal(values, getattr(two, name)), name
    heard, _ = rows(read_datadir(tmp_path / "train"))
    assert one.audio_mean == pytest.approx(heard.mean(axis=0), abs=1e-4)
