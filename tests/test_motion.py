import numpy as np
import pytest
from conftest import face, mouth_opening

from avsi.config import StftConfig, VisualConfig
from avsi.video.face_detector import MESH_TO_68
from avsi.video.motion import n_features, visual_features
from avsi.video.tracks import Tracks

STFT = StftConfig()
BOTH = VisualConfig(positions=True)
TIME_S = np.arange(75) / 25
OPENING = mouth_opening(0, TIME_S)
CHIN_Y = 2 * 8 + 1  # the column of point 8


def features(tracks: Tracks, config: VisualConfig = BOTH) -> np.ndarray:
    return visual_features(tracks, 250, STFT, config)[0]


def test_the_papers_features_are_136_and_the_others_add_up():
    assert n_features(VisualConfig()) == 136
    assert n_features(BOTH) == 272
    assert n_features(VisualConfig(points="mouth", positions=True)) == 2 * 2 * 37
    assert features(face(OPENING, TIME_S), VisualConfig()).shape == (250, 136)


def test_the_table_of_mesh_points_has_68_different_vertices():
    assert len(set(MESH_TO_68)) == 68 and max(MESH_TO_68) < 468


@pytest.mark.parametrize("change", [{"scale": 120.0}, {"angle": 0.3}, {"shift": (20.0, 300.0)}])
def test_distance_tilt_and_place_of_the_head_do_not_matter(change):
    assert features(face(OPENING, TIME_S, **change)) == pytest.approx(features(face(OPENING, TIME_S)), abs=1e-4)


def test_positions_follow_the_mouth_in_units_of_the_eye_distance():
    chin = features(face(OPENING, TIME_S))[:, CHIN_Y]
    expected = np.interp((np.arange(250) + 0.5) * 0.012, TIME_S, 0.3 * (OPENING - OPENING.mean()))
    assert chin == pytest.approx(expected, abs=1e-4)


def test_motion_is_the_difference_of_successive_frames_with_zero_first():
    motion = features(face(OPENING, TIME_S), VisualConfig())[:, CHIN_Y]
    differences = np.diff(0.3 * OPENING, prepend=0.3 * OPENING[0])
    assert motion == pytest.approx(np.interp((np.arange(250) + 0.5) * 0.012, TIME_S, differences), abs=1e-4)


@pytest.mark.parametrize("fps", [29.97, 50.0, 60.0])
def test_the_videos_own_rate_hardly_matters(fps):
    time_s = np.arange(0, 3, 1 / fps)
    smooth = 0.5 - 0.5 * np.cos(2 * np.pi * 1.5 * time_s)
    reference = 0.5 - 0.5 * np.cos(2 * np.pi * 1.5 * TIME_S)
    one, two = features(face(smooth, time_s)), features(face(reference, TIME_S))
    assert one[:245, CHIN_Y] == pytest.approx(two[:245, CHIN_Y], abs=0.012)
    assert one[:245, 136 + CHIN_Y] == pytest.approx(two[:245, 136 + CHIN_Y], abs=0.012)


def test_a_missing_frame_does_not_shift_the_others():
    keep = np.delete(np.arange(75), 30)
    whole, without = features(face(OPENING, TIME_S)), features(face(OPENING[keep], TIME_S[keep]))
    assert without[120:] == pytest.approx(whole[120:], abs=0.02)


def test_a_short_loss_is_bridged_and_marked_a_long_one_is_unknown():
    tracks = face(OPENING, TIME_S)
    points = tracks.points.copy()
    points[10:15] = np.nan  # 0.2 s
    points[30:60] = np.nan  # 1.2 s
    values, seen = visual_features(Tracks(TIME_S, points), 250, STFT, BOTH)
    centres = (np.arange(250) + 0.5) * 0.012
    assert not seen[(centres > 0.40) & (centres < 0.56)].any()
    assert seen[(centres > 0.6) & (centres < 1.17)].all()
    unknown = np.isnan(values).all(axis=1)
    assert np.array_equal(unknown, np.isnan(values).any(axis=1))
    assert centres[unknown].min() == pytest.approx(29 / 25, abs=0.013)
    assert centres[unknown].max() == pytest.approx(60 / 25, abs=0.013)
    middle = values[centres.searchsorted(0.48), CHIN_Y]
    assert middle == pytest.approx(
        0.3 * (OPENING[[9, 15]].mean() - np.delete(OPENING, [*range(10, 15), *range(30, 60)]).mean()), abs=0.02
    )


def test_a_face_found_late_is_held_back_to_the_start_for_a_while_only():
    points = face(OPENING, TIME_S).points.copy()
    points[:40] = np.nan
    values, seen = visual_features(Tracks(TIME_S, points), 250, STFT, BOTH)
    centres = (np.arange(250) + 0.5) * 0.012
    assert np.isnan(values[centres < 0.79]).all()
    assert not np.isnan(values[centres > 0.81]).any()
    assert not seen[centres < 1.57].any()


def test_tracks_survive_a_kaldi_matrix():
    points = face(OPENING, TIME_S).points.copy()
    points[3] = np.nan
    again = Tracks.from_matrix(Tracks(TIME_S, points).to_matrix())
    assert np.array_equal(again.points, points, equal_nan=True)
    assert again.time_s == pytest.approx(TIME_S, abs=1e-6)
    assert again.found.sum() == 74


# Of the measures of lips and jaw: the opening between the inner lips in the middle, and its place among them.
ARTICULATION = VisualConfig(points="articulation", positions=True)
N_MEASURES, OPENING_AT = 13, 4


def lips(opening: np.ndarray, widening: np.ndarray | float = 0.0, **place) -> Tracks:
    """A face whose lower inner lip falls by ``opening`` and whose corners part by ``widening``, in eye distances."""
    tracks = face(np.zeros_like(TIME_S), TIME_S, scale=1.0, shift=(0.0, 0.0))
    points = tracks.points.astype(np.float64)
    points[:, [65, 66, 67], 1] += opening[:, None]
    points[:, [48, 60], 0] -= np.broadcast_to(widening, TIME_S.shape)[:, None] / 2
    points[:, [54, 64], 0] += np.broadcast_to(widening, TIME_S.shape)[:, None] / 2
    scale, angle, shift = place.get("scale", 60.0), place.get("angle", 0.0), place.get("shift", (180.0, 140.0))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Tracks(TIME_S, (points @ turn * scale + np.array(shift)).astype(np.float32))


def on_frames(values: np.ndarray) -> np.ndarray:
    return np.interp((np.arange(250) + 0.5) * 0.012, TIME_S, values)


def test_articulation_is_measured_in_eye_distances():
    opening, widening = 0.2 * OPENING, 0.1 * mouth_opening(1, TIME_S)
    values = features(lips(opening, widening), ARTICULATION)
    assert values.shape == (250, 2 * N_MEASURES) and n_features(ARTICULATION) == 2 * N_MEASURES
    for column, expected in (
        (0, widening),  # the corners without
        (1, widening),  # and within
        (2, 0 * opening),  # the rim of the upper lip stays as wide
        (OPENING_AT, opening),
        (OPENING_AT + 1, opening),  # at the sides
        (OPENING_AT + 4, -opening),  # the lower lip gets thinner
        (N_MEASURES - 2, 0 * opening),  # the chin stays where it is
    ):
        assert values[:, column] == pytest.approx(on_frames(expected - expected.mean()), abs=1e-4)
        motion = on_frames(np.diff(expected, prepend=expected[:1]))
        assert values[:, N_MEASURES + column] == pytest.approx(motion, abs=1e-4)


def test_articulation_follows_the_jaw():
    values = features(face(OPENING, TIME_S), ARTICULATION)
    chin = on_frames(0.3 * (OPENING - OPENING.mean()))
    assert values[:, N_MEASURES - 2] == pytest.approx(chin, abs=1e-4)  # below the base of the nose
    assert values[:, OPENING_AT + 5] == pytest.approx(0 * chin, abs=1e-4)  # below the lower lip, which falls with it


@pytest.mark.parametrize("clip_scale", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("change", [{"scale": 120.0}, {"angle": 0.3}, {"shift": (20.0, 300.0)}])
def test_articulation_does_not_depend_on_distance_tilt_and_place(change, clip_scale):
    config = VisualConfig(points="articulation", positions=True, clip_scale=clip_scale)
    one, two = (features(lips(0.2 * OPENING, 0.1 * OPENING, **place), config) for place in ({}, change))
    assert one == pytest.approx(two, abs=5e-3 if clip_scale else 1e-4)
    assert one.max() > 0.05


def test_the_clips_own_deviation_takes_its_power_of_how_far_a_face_moves():
    for power, expected in ((0.0, 2.0), (0.5, 2.0**0.5), (1.0, 1.0)):
        config = VisualConfig(points="articulation", positions=True, clip_scale=power)
        small, large = (features(lips(share * OPENING), config) for share in (0.1, 0.2))
        for column in (OPENING_AT, N_MEASURES + OPENING_AT):
            assert large[:, column] == pytest.approx(expected * small[:, column], abs=2e-3)
    assert small[:, OPENING_AT].std() == pytest.approx(1.0, abs=0.06)  # power 1


def test_a_still_face_is_not_blown_up():
    config = VisualConfig(points="articulation", positions=True, clip_scale=1.0)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(75)
    assert np.abs(features(lips(noise), config)).max() < 0.3


def test_a_face_is_seen_where_the_nearest_video_frame_shows_one():
    points = face(OPENING, TIME_S).points.copy()
    points[10:13] = np.nan  # shown at 0.40 to 0.48 s; nearest from 0.38 to 0.50 s
    _, seen = visual_features(Tracks(TIME_S, points), 250, STFT, BOTH)
    centres_s = (np.arange(250) + 0.5) * 0.012
    assert np.array_equal(~seen, (centres_s > 0.38) & (centres_s < 0.50))


def test_one_bad_frame_does_not_turn_or_scale_the_others():
    tracks = face(OPENING, TIME_S)
    points = tracks.points.copy()
    points[5, 42:48] += 1000.0  # the left eye, found elsewhere in the picture
    good, bad = (features(each, VisualConfig())[60:] for each in (tracks, Tracks(TIME_S, points)))
    mouth = slice(2 * 48, 2 * 68)
    assert np.abs(good[:, mouth]).max() > 0.05
    assert bad[:, mouth] == pytest.approx(good[:, mouth], abs=1e-4)
