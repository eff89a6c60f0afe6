"""Recordings in a folder: sound and video files, of one name where they belong together."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avsi.errors import DataError

from ..prepared import Remarks
from .names import check_ids, name_speakers, recording_id, safe
from .recording import Recording
from .table import Table
from .transcripts import Transcripts

# Of several sound files, or videos, of one name the first kind is used.
LOSSLESS = (".wav", ".flac", ".aif", ".aiff", ".au", ".sph")
SOUND_SUFFIXES = (*LOSSLESS, ".m4a", ".aac", ".mp3", ".ogg", ".oga", ".opus", ".wma")
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v")
SPEAKER_FROM = ("folder", "name")


@dataclass(frozen=True)
class Files:
    """The files of one recording, relative to the root."""

    sound: Path | None
    video: Path | None

    @property
    def all(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.sound, self.video) if path)


@dataclass(frozen=True)
class Tables:
    """What people say of the files; None where they do not."""

    speakers: Table | None = None
    transcripts: Table | None = None
    late: Table | None = None


def find_files(root: Path, out: Path) -> tuple[list[Files], list[Path], Remarks]:
    """Search a folder, hidden files and what lies in ``out`` aside.

    Returns:
        The recordings, the text files, and notes (file, remark) on files that are not used.

    Raises:
        DataError: no sound or video in it.
    """
    found: dict[Path, dict[str, list[Path]]] = {}
    texts = []
    notes: Remarks = []
    for folder, names in _folders(root, out, notes):
        for path in (Path(folder, name) for name in names if not name.startswith(".")):
            suffix = path.suffix.lower()
            if suffix in (*SOUND_SUFFIXES, *VIDEO_SUFFIXES):
                kind, path = "sound" if suffix in SOUND_SUFFIXES else "video", path.relative_to(root)
                found.setdefault(path.with_suffix(""), {}).setdefault(kind, []).append(path)
            elif suffix == ".txt":
                texts.append(path)
    notes += [(shown(path.relative_to(root)), reason) for path in texts if (reason := _unwritable(path))]
    texts = [path for path in texts if not _unwritable(path)]
    if not found:
        kinds = f"{', '.join(SOUND_SUFFIXES[:3])}... or {', '.join(VIDEO_SUFFIXES[:3])}..."
        raise DataError(f"{root}: no sound or video in it; expected files such as {kinds}")
    recordings = []
    for _, kinds in sorted(found.items()):
        chosen = {}
        for kind, order in (("sound", SOUND_SUFFIXES), ("video", VIDEO_SUFFIXES)):
            paths = sorted(kinds.get(kind, []), key=lambda path: (order.index(path.suffix.lower()), path))
            chosen[kind] = paths[0] if paths else None
            notes += [(shown(path), f"there is {shown(paths[0])} too; that one is used") for path in paths[1:]]
        recordings.append(Files(**chosen))
    return recordings, sorted(texts), notes


def _folders(root: Path, out: Path, notes: Remarks) -> Iterator[tuple[Path, list[str]]]:
    """Each folder with the names of its files, once: a link may lead to where the search has been, or round for ever.

    What links lead to comes last, so that a folder goes by its own name where it has one below the root.
    """
    visited: set[tuple[int, int]] = set()
    starts = [root]
    for start in starts:  # which links add to
        for folder, folders, names in os.walk(start):
            there = Path(folder).stat()
            if (there.st_dev, there.st_ino) in visited:
                notes.append((shown(Path(folder).relative_to(root)), "is searched under another name already"))
                folders.clear()
                continue
            visited.add((there.st_dev, there.st_ino))
            paths = [Path(folder, name) for name in sorted(folders) if not name.startswith(".")]
            paths = [path for path in paths if path.resolve() != out]
            starts += [path for path in paths if path.is_symlink()]
            folders[:] = [path.name for path in paths]
            yield Path(folder), names


def find_recordings(
    root: Path, out: Path, tables: Tables, speaker_from: str, id_prefix: str
) -> tuple[list[Recording], Remarks, Remarks]:
    """The recordings in a folder, what is left out since no speaker is known, and notes; both (file, reason).

    Raises:
        DataError: no sound or video, two recordings of one id, speakers of one name, a delay that is no number.
    """
    found, texts, notes = find_files(root, out)
    transcripts = Transcripts(root, texts, tables.transcripts)
    speakers = {files: _speaker(root, files, tables.speakers, speaker_from) for files in found}
    named = name_speakers((raw for raw, _ in speakers.values() if raw), id_prefix)
    left_out = [(shown(files.all[0]), reason) for files, (raw, reason) in speakers.items() if not raw]
    recordings = []
    for files, (raw, _) in speakers.items():
        if not raw:
            continue
        words, note = transcripts.of(files.all)
        recordings.append(
            Recording(
                recording_id(named[raw], raw, files.all[0].with_suffix("").parts),
                named[raw],
                root / files.all[0],
                root / files.video if files.video else None,
                words,
                note,
                _late_s(files, tables.late),
            )
        )
    check_ids((recording.id, str(recording.sound)) for recording in recordings)
    notes += transcripts.notes()
    notes += [note for table in (tables.speakers, tables.late) if table for note in table.notes()]
    return recordings, left_out, notes


def shown(path: Path) -> str:
    """A path that can stand in a line of a file, whatever is in it."""
    return (
        "".join(f"\\x{ord(c):02x}" if len(f"{c}.".splitlines()) > 1 else c for c in str(path))
        .encode("utf-8", "backslashreplace")
        .decode()
    )


def _unwritable(path: Path) -> str:
    """Why a path cannot stand in ``wav.scp`` and ``video.scp``; "" where it can."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its name is not in UTF-8; rename it"
    return "its name holds a line break; rename it" if len(f"{path}.".splitlines()) > 1 else ""


def _speaker(root: Path, files: Files, table: Table | None, speaker_from: str) -> tuple[str, str]:
    """(speaker, ""), or ("", why none is known)."""
    path = files.all[0]
    if unwritable := next((reason for file in files.all if (reason := _unwritable(root / file))), ""):
        return "", unwritable
    if table:
        line = table[files.all]
        raw, reason = line[0] if line else "", f"{table.path} says no speaker"
    elif speaker_from == "folder":
        raw = path.parts[0] if len(path.parts) > 1 else ""
        reason = "lies in no folder below the root, which would be its speaker's; --speaker-from name, or --speakers"
    else:
        raw = min(path.stem.partition("-")[0], path.stem.partition("_")[0], key=len)
        raw = "" if raw == path.stem else raw
        reason = "its name has no '-' or '_', before which its speaker would stand"
    return (raw, "") if safe(raw) else ("", reason if not raw else f"its speaker, '{raw}', has no letter or digit")


def _late_s(files: Files, table: Table | None) -> float:
    line = table[files.all] if table else None
    if line is None:
        return 0.0
    try:
        late_s = float(line[0]) / 1000
    except ValueError:
        late_s = math.nan
    if not math.isfinite(late_s):
        raise DataError(f"{line[1]}: expected '<file or folder> <milliseconds>', found '{line[0]}'")
    return late_s
