import warnings

import numpy as np
import pytest
from conftest import face, make_datadir, mouth_opening, speech, write_video
from typer.testing import CliRunner

from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.errors import AvsiWarning, DataError
from avsi.folders import locked
from avsi.video.tracks import Tracks
from data_prep import landmarks

TIME_S = np.arange(10) / 25


def tracks_of(id_: str) -> Tracks:
    points = face(mouth_opening(len(id_), TIME_S), TIME_S).points.copy()
    if id_.endswith("b"):
        points[2:5] = np.nan
    return Tracks(TIME_S, points)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three utterances; what MediaPipe would find in their videos is known, and each call is counted."""
    calls = []

    def track(utterance):
        calls.append(utterance.id)
        return utterance.id, tracks_of(utterance.id).to_matrix(), ""

    monkeypatch.setattr(landmarks, "_track", track)
    utterances = [Utterance(f"s01_{x}", "s01", "x.wav", 3.0, ("bin",), f"{x}.mpg") for x in "abc"]
    write_datadir(tmp_path / "set", utterances)
    return tmp_path / "set", calls


def run(folder, *options):
    return CliRunner().invoke(landmarks.app, [str(folder), "--jobs", "1", *options])


def test_archives_hold_every_utterance_and_the_lost_frames_are_listed(folder):
    folder, _ = folder
    assert run(folder).exit_code == 0
    for utterance in read_datadir(folder):
        assert np.array_equal(utterance.load_landmarks().points, tracks_of(utterance.id).points, equal_nan=True)
    assert (folder / "landmarks_lost").read_text() == "s01_b 2-4\n"


def test_a_run_that_was_killed_goes_on_after_what_is_whole(folder):
    folder, calls = folder
    run(folder)
    whole = (folder / "landmarks.ark").read_bytes()
    (folder / "landmarks.scp").unlink()
    for cut, todo in (
        (len(whole) - 100, ["s01_c"]),
        (len(whole) // 2, ["s01_b", "s01_c"]),
        (3, ["s01_a", "s01_b", "s01_c"]),
    ):
        (folder / "landmarks.ark").write_bytes(whole[:cut])
        calls.clear()
        assert run(folder).exit_code == 0
        assert calls == todo
        assert (folder / "landmarks.ark").read_bytes() == whole
    calls.clear()
    run(folder)
    assert calls == []


def test_a_video_that_was_replaced_is_looked_at_again_and_one_that_is_away_is_not(folder):
    folder, calls = folder
    videos = {x: folder.parent / f"{x}.mpg" for x in "abc"}
    for path in videos.values():
        path.write_bytes(b"a film")
    utterances = [Utterance(f"s01_{x}", "s01", "x.wav", 3.0, ("bin",), str(path)) for x, path in videos.items()]
    write_datadir(folder, utterances)
    run(folder)
    (folder / "landmarks_made_of").unlink()  # as earlier versions leave it
    for change, expected in (
        (lambda: None, []),
        (lambda: videos["b"].write_bytes(b"another film"), ["s01_b"]),
        (lambda: videos["c"].unlink(), []),
        (lambda: (folder / "landmarks_made_of").write_text("s01_a 0.000 3.0"), ["s01_a", "s01_b", "s01_c"]),
    ):
        change()
        calls.clear()
        write_datadir(folder, read_datadir(folder) if not expected else utterances)
        assert run(folder).exit_code == 0
        assert calls == expected


@pytest.mark.slow
def test_videos_without_a_face_are_listed_and_too_many_fail(tmp_path):
    for name in "ab":
        write_video(tmp_path / f"{name}.mpg", speech(0, 1.0, 44100), n_frames=4)
    utterances = [Utterance(f"s01_{x}", "s01", "x.wav", 3.0, ("bin",), str(tmp_path / f"{x}.mpg")) for x in "ab"]
    write_datadir(tmp_path / "set", utterances)
    result = run(tmp_path / "set")
    assert isinstance(result.exception, DataError)
    assert "2 of 2 utterances have no landmarks" in str(result.exception)
    assert "s01_a" in (tmp_path / "set" / "landmarks_failed").read_text()
    assert run(tmp_path / "set", "--max-left-out", "1").exit_code == 0
    assert len(read_datadir(tmp_path / "set")) == 2


def test_those_without_can_be_dropped(folder, monkeypatch):
    folder, _ = folder
    found = landmarks._track
    monkeypatch.setattr(landmarks, "_track", lambda u: (u.id, None, "no face") if u.id == "s01_b" else found(u))
    assert run(folder, "--drop", "--max-left-out", "0.5").exit_code == 0
    assert [utterance.id for utterance in read_datadir(folder)] == ["s01_a", "s01_c"]


def lists(folder) -> dict[str, bytes]:
    """What is in a data directory beside the archive and what belongs to it."""
    archive = ("landmarks.ark", "landmarks_made_of")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in archive}


def missing(monkeypatch, *ids: str) -> None:
    """The videos of some utterances cannot be read any more."""
    monkeypatch.setattr(
        landmarks,
        "_track",
        lambda u: (u.id, None, "no such file") if u.id in ids else (u.id, tracks_of(u.id).to_matrix(), ""),
    )


def test_a_disk_that_is_not_mounted_drops_nothing_and_says_why_each_time(folder, monkeypatch):
    folder, _ = folder
    missing(monkeypatch, "s01_b", "s01_c")
    before = lists(folder)
    for _ in range(2):
        result = run(folder, "--drop", "--max-left-out", "0.5")
        assert "2 of 3 utterances have no landmarks, more than --max-left-out 0.5" in str(result.exception)
        failed = b"s01_b no such file\ns01_c no such file\n"
        assert lists(folder) == before | {"landmarks_failed": failed, "landmarks_notes": b""}
    missing(monkeypatch)
    assert run(folder, "--drop").exit_code == 0
    assert len(read_datadir(folder)) == 3 and (folder / "landmarks_failed").read_text() == ""


def test_what_was_dropped_keeps_its_reason_and_counts_in_later_runs(folder, monkeypatch):
    folder, _ = folder
    missing(monkeypatch, "s01_b")
    for _ in range(2):
        assert run(folder, "--drop", "--max-left-out", "0.34").exit_code == 0
        assert [utterance.id for utterance in read_datadir(folder)] == ["s01_a", "s01_c"]
        assert (folder / "landmarks_failed").read_text() == "s01_b no such file\n"
    (folder / "landmarks.ark").unlink()
    missing(monkeypatch, "s01_c")
    assert "2 of 3 utterances have no landmarks" in str(run(folder, "--drop", "--max-left-out", "0.5").exception)
    assert [utterance.id for utterance in read_datadir(folder)] == ["s01_a", "s01_c"]
    assert (folder / "landmarks_failed").read_text() == "s01_b no such file\ns01_c no such file\n"


def test_a_video_that_can_be_read_the_second_time_loses_its_reason(folder, monkeypatch):
    folder, _ = folder
    missing(monkeypatch, "s01_b")
    assert run(folder, "--max-left-out", "0.5").exit_code == 0
    assert (folder / "landmarks_failed").read_text() == "s01_b no such file\n"
    missing(monkeypatch)
    assert run(folder).exit_code == 0
    assert (folder / "landmarks_failed").read_text() == ""
    assert all(utterance.landmarks for utterance in read_datadir(folder))


def test_an_utterance_without_a_video_is_dropped_with_a_reason(folder):
    folder, _ = folder
    run(folder)
    before = lists(folder)
    (folder / "landmarks.ark").unlink()
    videos = folder / "video.scp"
    videos.write_text(videos.read_text().replace("s01_b b.mpg\n", ""))
    assert "1 of 3 utterances have no landmarks" in str(run(folder, "--drop").exception)
    assert (folder / "wav.scp").read_bytes() == before["wav.scp"]
    assert run(folder, "--drop", "--max-left-out", "0.5").exit_code == 0
    assert [utterance.id for utterance in read_datadir(folder)] == ["s01_a", "s01_c"]
    assert (folder / "landmarks_failed").read_text() == "s01_b has no video\n"
    kept = lists(folder)
    videos.unlink()
    assert "has no video.scp" in str(run(folder, "--drop").exception)
    del kept["video.scp"]
    assert lists(folder) == kept


def test_a_damaged_archive_is_mended_by_the_next_run(folder):
    folder, _ = folder
    run(folder)
    ark = folder / "landmarks.ark"
    whole = ark.read_bytes()
    for damage in (whole[:3000] + b"\0" * 6000 + whole[9000:], b"not an archive", whole[:5513] + b"\7" + whole[5514:]):
        ark.write_bytes(damage)
        with pytest.warns(AvsiWarning, match=r"landmarks\.ark: \d+ bytes are damaged, and passed over"):
            assert run(folder).exit_code == 0
        assert ark.read_bytes()[: len(damage)] == damage
        for utterance in read_datadir(folder):
            assert np.array_equal(utterance.load_landmarks().points, tracks_of(utterance.id).points, equal_nan=True)


def test_landmarks_in_the_archives_of_other_sets_stay(folder, tmp_path):
    """As those of a set that data_prep.combine put together."""
    folder, calls = folder
    run(folder)
    utterances = read_datadir(folder)
    calls.clear()
    write_datadir(tmp_path / "all", [*utterances, Utterance("s01_d", "s01", "x.wav", 3.0, ("bin",), "d.mpg")])
    assert run(tmp_path / "all").exit_code == 0
    assert calls == ["s01_d"]
    assert [u.landmarks for u in read_datadir(tmp_path / "all")][:3] == [u.landmarks for u in utterances]


def test_a_second_process_is_told_at_once_and_changes_nothing(folder):
    folder, _ = folder
    run(folder)
    before = lists(folder), (folder / "landmarks.ark").read_bytes()
    with locked(folder):
        assert "another process is at work on it" in str(run(folder).exception)
    assert (lists(folder), (folder / "landmarks.ark").read_bytes()) == before
    assert run(folder).exit_code == 0


def test_a_set_without_videos_is_refused(tmp_path):
    folder = make_datadir(tmp_path / "set", ["s01_a"])
    assert "has no video.scp" in str(run(folder).exception)


def test_an_utterance_without_a_video_stays_without_landmarks(folder):
    folder, calls = folder
    utterances = read_datadir(folder)
    write_datadir(folder, [utterances[0], Utterance("s01_bare", "s01", "x.wav", 3.0, ("bin",)), *utterances[1:]])
    assert run(folder).exit_code == 0
    assert sorted(calls) == ["s01_a", "s01_b", "s01_c"]
    assert [u.id for u in read_datadir(folder) if u.landmarks is None] == ["s01_bare"]


def test_which_of_several_faces_was_taken_is_noted_and_stays_noted(folder, monkeypatch):
    folder, _ = folder
    track = landmarks._track

    def one_with_two(utterance):
        id_, matrix, _ = track(utterance)
        return id_, matrix, "2 faces are seen" if id_ == "s01_b" else ""

    monkeypatch.setattr(landmarks, "_track", one_with_two)
    for _ in range(2):  # the second finds all landmarks there
        assert run(folder).exit_code == 0
        assert (folder / "landmarks_notes").read_text() == "s01_b 2 faces are seen\n"


def test_a_note_outlives_a_run_that_is_killed(folder, monkeypatch):
    folder, _ = folder
    track = landmarks._track

    def killed_at_the_third(utterance):
        if utterance.id == "s01_c":
            raise KeyboardInterrupt
        id_, matrix, _ = track(utterance)
        return id_, matrix, "2 faces are seen" if id_ == "s01_a" else ""

    monkeypatch.setattr(landmarks, "_track", killed_at_the_third)
    assert run(folder).exit_code != 0
    monkeypatch.setattr(landmarks, "_track", track)
    assert run(folder).exit_code == 0
    assert (folder / "landmarks_notes").read_text() == "s01_a 2 faces are seen\n"


def test_what_tracking_warns_of_comes_back_from_the_worker(monkeypatch):
    def warns(video, start_s, stop_s):
        warnings.warn(f"{video}: 2 faces are seen", AvsiWarning, stacklevel=2)
        return tracks_of("s01_a")

    monkeypatch.setattr(landmarks, "track_face", warns)
    id_, matrix, note = landmarks._track(Utterance("s01_a", "s01", "a.wav", 3.0, ("bin",), "a.mpg"))
    assert (id_, note) == ("s01_a", "a.mpg: 2 faces are seen")
    assert np.array_equal(matrix, tracks_of("s01_a").to_matrix(), equal_nan=True)


@pytest.mark.parametrize("start_s", [0.0, 61.4, -0.04])
def test_the_face_is_followed_while_the_utterance_lasts_and_stored_on_its_clock(monkeypatch, start_s):
    asked = []

    def track(video, start_s, stop_s):
        asked.append((video, start_s, stop_s))
        times_s = np.arange(4000) / 25
        times_s = times_s[(times_s >= start_s) & (times_s < stop_s)]
        return Tracks(times_s, face(times_s / 200, times_s).points)

    monkeypatch.setattr(landmarks, "track_face", track)
    utterance = Utterance("s01_a", "s01", "a.wav", 3.0, ("bin",), "a.mpg", video_start_s=start_s)
    _, matrix, _ = landmarks._track(utterance)
    assert asked == [("a.mpg", start_s - 0.5, start_s + 3.5)]
    tracks = Tracks.from_matrix(matrix)
    assert tracks.time_s[-1] == pytest.approx(3.5, abs=0.041)
    for time_s, points in zip(tracks.time_s, tracks.points, strict=True):
        seen_s = time_s + start_s
        assert points == pytest.approx(face(np.array([seen_s / 200]), np.array([seen_s])).points[0], abs=1e-3)
