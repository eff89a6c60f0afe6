"""Landmarks for every video of data directories: ``landmarks.ark`` and ``landmarks.scp``.

python -m data_prep.landmarks data/train data/valid data/test --jobs 2
"""

import dataclasses
import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance, read_datadir, read_table, write_datadir
from avsi.data.matrices import append_matrix, check_place, find_matrices
from avsi.errors import AvsiWarning, DataError, FaceError, MediaError
from avsi.files import blamed_on, read_text, write_text
from avsi.folders import locked
from avsi.program import in_parallel, print_table, progress, run_program
from avsi.video.landmarks import track_face
from avsi.video.tracks import Tracks

# Files of a data directory, by id: the frames that show no face, reasons for missing landmarks, and notes.
LOST, FAILED, NOTES = "landmarks_lost", "landmarks_failed", "landmarks_notes"
PARTS = "landmarks_made_of"  # beside the archive: by id, the part of a video that its landmarks were made of
AROUND_S = 0.5  # how long before and after an utterance its face is followed, so that its ends lie between two frames
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="Data directories with a video.scp.")],
    jobs: Annotated[int, typer.Option(min=1, help="Processes to find landmarks with.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[
        float, typer.Option(help="Fail, and change no list, where a larger share has no landmarks.")
    ] = 0.05,
    drop: Annotated[bool, typer.Option(help="Take utterances without landmarks out of the data directory.")] = False,
) -> None:
    """Find 68 landmarks in every frame; a stopped run goes on where it was."""
    for datadir in datadirs:
        with locked(datadir):
            extract(datadir, jobs, max_left_out, drop)


def extract(datadir: Path, jobs: int, max_left_out: float, drop: bool) -> None:
    """Fill one data directory's ``landmarks.{scp,ark}``. ``landmarks_lost`` lists the frames that show no face,
    ``landmarks_failed`` the reasons for missing landmarks, also of utterances that this or an earlier run dropped, and
    ``landmarks_notes`` which of several faces was taken.

    Raises:
        DataError: a larger share of videos than ``max_left_out`` shows no face or cannot be read. Only the archive,
        ``landmarks_failed`` and ``landmarks_notes`` have then changed.
    """
    utterances = read_datadir(datadir)
    if not any(utterance.video for utterance in utterances):
        raise DataError(f"{datadir}: has no video.scp")
    places, failed, notes = _find(datadir, utterances, jobs)
    with_landmarks = [dataclasses.replace(u, landmarks=places.get(u.id)) for u in utterances]
    if drop:
        failed |= {u.id: "has no video" for u in utterances if not u.video and u.id not in places}
    failed = _failed_before(datadir, places) | failed
    notes = read_table(datadir / NOTES, ordered=False) | notes
    for name, texts in ((FAILED, failed), (NOTES, notes)):
        write_text(datadir / name, "".join(_line(id_, texts[id_]) for id_ in sorted(texts)))
    lost = {u.id: _ranges(~u.load_landmarks().found) for u in with_landmarks if u.landmarks}
    _report(datadir, with_landmarks, lost, failed, notes)
    total = len({u.id for u in utterances} | set(failed))
    if len(failed) > max_left_out * total:
        raise DataError(
            f"{datadir}: {len(failed)} of {total} utterances have no landmarks, more than --max-left-out "
            f"{max_left_out:g}; {datadir / FAILED} gives each reason"
        )
    write_datadir(datadir, [u for u in with_landmarks if u.landmarks] if drop else with_landmarks)
    write_text(datadir / LOST, "".join(f"{id_} {ranges}\n" for id_, ranges in sorted(lost.items()) if ranges))


def _find(
    datadir: Path, utterances: list[Utterance], jobs: int
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """By id, the places of landmarks, reasons for missing ones, and notes. Landmarks that are there stay, unless they
    are those of what an utterance was before its recording changed or was cut otherwise.
    """
    ark, failed, notes = (datadir / "landmarks.ark").resolve(), {}, {}
    made_of = _read_made_of(datadir / PARTS)
    with blamed_on(ark), ark.open("a+b") as file:
        found = find_matrices(file, [u.id for u in utterances], Tracks.from_matrix)
        offsets = {u.id: found[u.id] for u in utterances if u.id in found and _belong(u, ark, found[u.id], made_of)}
        there = [u for u in utterances if u.id in offsets and u.video and Path(u.video).is_file()]
        made_of = {u.id: _video_part(u) for u in there} | made_of
        write_text(datadir / PARTS, "".join(f"{id_} {part}\n" for id_, part in sorted(made_of.items())))
        elsewhere = {u.id: u.landmarks for u in utterances if u.id not in offsets and _lie_elsewhere(u, ark)}
        todo = [u for u in utterances if u.video and u.id not in {*offsets, *elsewhere}]
        parts = {u.id: _video_part(u) for u in todo}  # before they are looked at
        results = in_parallel(
            jobs, [(_track, utterance) for utterance in todo]
        )  # in order: the archive is the same however often it was stopped
        for id_, matrix, told in progress(results, len(todo), f"{datadir.name}: faces"):
            if matrix is None:
                failed[id_] = told
            else:
                if told:  # at once: a run that goes on does not look at this video again
                    notes[id_] = told
                    with (datadir / NOTES).open("a", encoding="utf-8") as noted:
                        noted.write(_line(id_, told))
                offsets[id_] = append_matrix(file, id_, matrix)
                with (datadir / PARTS).open("a", encoding="utf-8") as noted:  # after it: else a killed run would lie
                    noted.write(f"{id_} {parts[id_]}\n")
    return elsewhere | {id_: f"{ark}:{offset}" for id_, offset in offsets.items()}, failed, notes


def _line(id_: str, text: str) -> str:
    return f"{id_} {' '.join(text.split())}\n"


def _read_made_of(path: Path) -> dict[str, str]:
    """By id, what is said last; a killed run may have left half a line."""
    text = read_text(path) if path.is_file() else ""
    lines = [line.partition(" ") for line in text.split("\n")[:-1]]
    return {id_: part for id_, _, part in lines}


def _video_part(utterance: Utterance) -> str:
    """The part of a video that an utterance shows: its start and length in seconds, the video's size and time of change
    (0 where it is not there), and its path.
    """
    video = Path(utterance.video or "")
    there = video.stat() if video.is_file() else None
    size, changed_ns = (there.st_size, there.st_mtime_ns) if there else (0, 0)
    return f"{utterance.video_start_s:.3f} {utterance.duration_s:.3f} {size} {changed_ns} {video}"


def _belong(utterance: Utterance, ark: Path, offset: int, made_of: dict[str, str]) -> bool:
    """Whether landmarks in the archive are those of an utterance as it is now. Those of which nothing is written down,
    as by earlier versions, are where landmarks.scp names them: who prepares a set anew deletes that.
    """
    if utterance.video is None:
        return True
    if utterance.id not in made_of:
        path, listed = check_place(utterance.landmarks) if utterance.landmarks else (ark, -1)
        return (path.resolve(), listed) == (ark, offset)
    was, now = (part.split(" ", 4) for part in (made_of[utterance.id], _video_part(utterance)))
    if now[2:4] == ["0", "0"]:  # a disk that is not mounted changes nothing
        return [*was[:2], was[-1]] == [*now[:2], now[-1]]
    return was == now


def _lie_elsewhere(utterance: Utterance, ark: Path) -> bool:
    """Whether an utterance has landmarks in the archive of another data directory."""
    if utterance.landmarks is None or check_place(utterance.landmarks)[0].resolve() == ark:
        return False
    try:
        utterance.load_landmarks()
    except DataError:
        return False
    return True


def _track(utterance: Utterance) -> tuple[str, np.ndarray | None, str]:
    """(id, landmarks, notes); without landmarks, (id, None, reason)."""
    try:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always", AvsiWarning)
            tracks = _track_within(utterance)
        matrix = tracks.to_matrix()
        Tracks.from_matrix(matrix)  # as it will be read
        return utterance.id, matrix, "; ".join(str(one.message) for one in noted if one.category is AvsiWarning)
    except (FaceError, MediaError) as error:
        return utterance.id, None, str(error)
    except DataError as error:
        return utterance.id, None, f"{utterance.video}: {error}"


def _track_within(utterance: Utterance) -> Tracks:
    """The face while an utterance lasts, and a little before and after, on the clock of the utterance's sound."""
    start_s = utterance.video_start_s
    tracks = track_face(utterance.video, start_s - AROUND_S, start_s + utterance.duration_s + AROUND_S)
    return Tracks(tracks.time_s - start_s, tracks.points)


def _failed_before(datadir: Path, places: dict[str, str]) -> dict[str, str]:
    """By id, why earlier runs found no landmarks, without utterances that have some by now."""
    earlier = read_table(datadir / FAILED, ordered=False)
    return {id_: reason for id_, reason in earlier.items() if id_ not in places}


def _ranges(flags: np.ndarray) -> str:
    """The true places as ``first-last`` ranges, such as ``0-11 40-41``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return " ".join(f"{first}-{last - 1}" for first, last in edges.reshape(-1, 2))


def _report(
    datadir: Path, utterances: list[Utterance], lost: dict[str, str], failed: dict[str, str], notes: dict[str, str]
) -> None:
    dropped = len(set(failed) - {u.id for u in utterances})
    rows = [
        ["utterances", len(utterances)],
        ["with landmarks", sum(u.landmarks is not None for u in utterances)],
        ["that lose the face for some frames", sum(bool(ranges) for ranges in lost.values())],
        [f"with a note in {NOTES}", len(notes)],
        ["without a face or unreadable", len(failed) - dropped],
        ["dropped earlier", dropped],
        ["without a video", sum(u.video is None for u in utterances)],
    ]
    print_table(f"{datadir}", ["landmarks", "count"], rows)


if __name__ == "__main__":
    run_program(app)
