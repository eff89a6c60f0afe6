"""Landmarks for every video of data directories: ``landmarks.ark`` and ``landmarks.scp``.

python -m data_prep.landmarks data/train data/valid data/test --jobs 2
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, BinaryIO

import kaldiio
import numpy as np
import typer

from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.errors import DataError, FaceError, MediaError
from avsi.files import write_text
from avsi.program import in_parallel, print_table, progress, run_program
from avsi.video.landmarks import Tracks, track_face

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="Data directories with a video.scp.")],
    jobs: Annotated[int, typer.Option(min=1, help="Processes to find landmarks with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share of videos shows no face.")] = 0.05,
    drop: Annotated[bool, typer.Option(help="Take utterances without landmarks out of the data directory.")] = False,
) -> None:
    """Find 68 landmarks in every frame; a stopped run goes on where it was."""
    for datadir in datadirs:
        extract(datadir, jobs, max_left_out, drop)


def extract(datadir: Path, jobs: int, max_left_out: float, drop: bool) -> None:
    """Fill one data directory's ``landmarks.{scp,ark}``; ``landmarks_lost`` says which frames show no face.

    Raises:
        DataError: more videos than ``max_left_out`` show no face or cannot be read.
    """
    utterances = read_datadir(datadir)
    if not any(utterance.video for utterance in utterances):
        raise DataError(f"{datadir}: has no video.scp")
    ark = (datadir / "landmarks.ark").resolve()
    with ark.open("r+b" if ark.is_file() else "w+b") as file:
        places = _resume(file)
        todo = [u for u in utterances if u.video and u.id not in places]
        results = in_parallel(jobs, [(_track, utterance) for utterance in todo], ordered=False)
        failures = []
        for id_, tracks, reason in progress(results, len(todo), f"{datadir.name}: faces"):
            if tracks is None:
                failures.append((id_, reason))
            else:
                places[id_] = _append(file, id_, tracks.to_matrix())
    with_landmarks = [
        dataclasses.replace(u, landmarks=f"{ark}:{places[u.id]}" if u.id in places else None) for u in utterances
    ]
    kept = [u for u in with_landmarks if u.landmarks] if drop else with_landmarks
    lost = {u.id: _ranges(~u.load_landmarks().found) for u in kept if u.landmarks}
    write_datadir(datadir, kept)
    write_text(
        datadir / "landmarks_lost", "".join(f"{id_} {ranges}\n" for id_, ranges in sorted(lost.items()) if ranges)
    )
    write_text(datadir / "landmarks_failed", "".join(f"{id_} {reason}\n" for id_, reason in sorted(failures)))
    _report(datadir, with_landmarks, lost, failures)
    if len(failures) > max_left_out * len(utterances):
        raise DataError(
            f"{datadir}: {len(failures)} of {len(utterances)} videos gave no landmarks, more than --max-left-out "
            f"{max_left_out:g}; {datadir / 'landmarks_failed'} gives each reason"
        )


def _track(utterance: Utterance) -> tuple[str, Tracks | None, str]:
    try:
        return utterance.id, track_face(utterance.video), ""
    except (FaceError, MediaError) as error:
        return utterance.id, None, str(error)


def _append(file: BinaryIO, id_: str, matrix: np.ndarray) -> int:
    """Append a matrix to a Kaldi archive and return the place to read it from."""
    file.seek(0, 2)
    place = file.tell() + len(id_.encode()) + 1
    kaldiio.save_ark(file, {id_: matrix})
    file.flush()
    return place


def _resume(file: BinaryIO) -> dict[str, int]:
    """The places of the matrices that an earlier run completed; what it left half-written is cut off."""
    places, end = {}, 0
    size = file.seek(0, 2)
    file.seek(0)
    while end < size:
        key = b""
        while not key.endswith(b" ") and (letter := file.read(1)):
            key += letter
        place = file.tell()
        try:
            rows = _skip_matrix(file, size)
        except ValueError:
            break
        places[key.decode().strip()] = place
        end = rows
    file.truncate(end)
    file.seek(end)
    return places


def _skip_matrix(file: BinaryIO, size: int) -> int:
    """Read past one binary float matrix and return where it ends. Raises ValueError where it is not whole."""
    header = file.read(15)
    if len(header) < 15 or header[:5] != b"\0BFM " or header[5] != 4 or header[10] != 4:
        raise ValueError("not a matrix")
    rows, columns = int.from_bytes(header[6:10], "little"), int.from_bytes(header[11:15], "little")
    end = file.tell() + 4 * rows * columns
    if end > size:
        raise ValueError("cut off")
    return file.seek(end)


def _ranges(flags: np.ndarray) -> str:
    """The true places as ``first-last`` ranges, such as ``0-11 40-41``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return " ".join(f"{first}-{last - 1}" for first, last in edges.reshape(-1, 2))


def _report(datadir: Path, utterances: list[Utterance], lost: dict[str, str], failures: list[tuple[str, str]]) -> None:
    rows = [
        ["utterances", len(utterances)],
        ["with landmarks", sum(u.landmarks is not None for u in utterances)],
        ["that lose the face for some frames", sum(bool(ranges) for ranges in lost.values())],
        ["without a face or unreadable", len(failures)],
        ["without a video", sum(u.video is None for u in utterances)],
    ]
    print_table(f"{datadir}", ["landmarks", "count"], rows)


if __name__ == "__main__":
    run_program(app)
