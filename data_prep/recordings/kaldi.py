"""A Kaldi data directory of any corpus, whose utterances are taken as they are."""

import math
from dataclasses import dataclass
from pathlib import Path

from avsi.data.matrices import check_path
from avsi.errors import DataError
from avsi.files import read_lines

from ..prepared import Remarks
from .names import check_ids, name_speakers, recording_id, safe
from .recording import Recording
from .transcripts import words_of


@dataclass(frozen=True)
class Line:
    """A line ``<id> <value>`` of a file, with the file and number for errors."""

    value: str
    place: str


def is_kaldi(root: Path) -> bool:
    return (root / "wav.scp").is_file()


def find_utterances(root: Path, id_prefix: str) -> tuple[list[Recording], Remarks, Remarks]:
    """The utterances of ``wav.scp``, or of ``segments`` where there is that; what is left out; and notes.

    Raises:
        DataError: naming the line: a command in ``wav.scp``, an id twice, times that cannot be; no ``utt2spk``.
    """
    sounds = _read(root / "wav.scp")
    videos, video_starts = _read(root / "video.scp"), _read(root / "video_start")
    for line in (*sounds.values(), *videos.values()):
        try:
            check_path(line.value)
        except DataError as error:
            raise DataError(f"{line.place}: {error}; write the sound to files first") from None
    speakers, texts, segments = (_read(root / name) for name in ("utt2spk", "text", "segments"))
    if not speakers:
        raise DataError(f"{root / 'utt2spk'}: is missing or empty; expected lines '<utterance> <speaker>'")
    for line in speakers.values():
        if not safe(line.value):
            raise DataError(f"{line.place}: expected '<utterance> <speaker>', found '{line.value}' as the speaker")
    spans = {id_: _span(line) for id_, line in segments.items()} or {id_: (id_, None) for id_ in sounds}
    named = name_speakers((line.value for line in speakers.values()), id_prefix)
    left_out: Remarks = []
    utterances = []
    for id_, (recording, span_s) in spans.items():
        reasons = {"utt2spk": id_ in speakers, "wav.scp": recording in sounds}
        if missing := [name for name, there in reasons.items() if not there]:
            left_out.append((id_, f"is not in {' and '.join(missing)}"))
            continue
        raw = speakers[id_].value
        video = videos.get(recording)
        utterances.append(
            Recording(
                recording_id(named[raw], raw, [id_]),
                named[raw],
                _found(root, sounds[recording].value),
                _found(root, video.value) if video else None,
                words_of(texts[id_].value) if id_ in texts else (),
                as_it_is=True,
                span_s=span_s,
                video_start_s=_seconds(video_starts[recording]) if recording in video_starts else 0.0,
            )
        )
    check_ids((utterance.id, f"{utterance.sound} ({utterance.span_s or 'all of it'})") for utterance in utterances)
    notes = [
        (id_, f"stands in {name}, but is no utterance of {'segments' if segments else 'wav.scp'}")
        for name, table in (("utt2spk", speakers), ("text", texts))
        for id_ in table
        if id_ not in spans
    ]
    return utterances, left_out, notes


def _read(path: Path) -> dict[str, Line]:
    """A file by id; empty where there is no such file. The id ends at a space or a tab."""
    table: dict[str, Line] = {}
    for number, line in enumerate(read_lines(path) if path.is_file() else [], start=1):
        if not line.strip():
            continue
        id_, *value = line.strip().split(None, 1)
        if id_ in table:
            raise DataError(f"{path}:{number}: {id_} occurs twice")
        table[id_] = Line(value[0] if value else "", f"{path}:{number}")
    return table


def _span(line: Line) -> tuple[str, tuple[float, float]]:
    """(recording, (start_s, stop_s)) of a line of ``segments``."""
    try:
        recording, start, stop = line.value.split()
        span_s = float(start), float(stop)
    except ValueError:
        span_s = (math.nan, math.nan)
    if not 0 <= span_s[0] < span_s[1] < math.inf:
        raise DataError(f"{line.place}: expected '<utterance> <recording> <start_s> <end_s>', found '{line.value}'")
    return recording, span_s


def _seconds(line: Line) -> float:
    try:
        seconds = float(line.value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise DataError(f"{line.place}: begins at '{line.value}', expected seconds")
    return seconds


def _found(root: Path, path: str) -> Path:
    """A path relative to the directory, or to the one above it where only that one holds it."""
    places = [root / path, root.parent / path]
    return next((place for place in places if place.exists()), places[0])
