"""What became of each recording, written down as it is done: a killed run goes on, and a later one begins with it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from avsi import __version__
from avsi.data.datadir import Utterance
from avsi.files import read_lines, write_text
from avsi.program import in_parallel

from .pauses import Lengths
from .preparation import Prepared, prepare
from .recording import Recording

NAME = "prepared.jsonl"  # a line for each recording: what its result depends on, and the result


def prepare_all(
    recordings: list[Recording], wav_folder: Path, lengths: Lengths, jobs: int
) -> Iterator[tuple[str, Prepared]]:
    """What became of each recording, by its id, as it comes: at once where an earlier run wrote it down, the files are
    as they were, and so are the options. What nothing came of is tried anew.
    """
    path, keys = wav_folder / NAME, {recording.id: _key(recording, wav_folder, lengths) for recording in recordings}
    known = _read(path)
    done = {id_: known[key] for id_, key in keys.items() if key in known and _is_there(known[key])}
    _write(path, keys, done)  # without what is half written or of recordings that are gone
    yield from list(done.items())
    todo = [(_named, recording, wav_folder, lengths) for recording in recordings if recording.id not in done]
    with path.open("a", encoding="utf-8") as file:
        for id_, prepared in in_parallel(jobs, todo, ordered=False):
            if prepared.utterances:
                done[id_] = prepared
                file.write(_line(keys[id_], prepared))
                file.flush()
            yield id_, prepared
    _write(path, keys, done)


def _named(recording: Recording, wav_folder: Path, lengths: Lengths) -> tuple[str, Prepared]:
    return recording.id, prepare(recording, wav_folder, lengths)


def _key(recording: Recording, wav_folder: Path, lengths: Lengths) -> str:
    """A digest of what a result depends on: what is known of a recording, and its files' sizes and times of change."""
    files = [path.stat() for path in (recording.sound, recording.video) if path and path.is_file()]
    content = (__version__, recording, wav_folder, lengths, [(file.st_size, file.st_mtime_ns) for file in files])
    return hashlib.sha256(repr(content).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _is_there(prepared: Prepared) -> bool:
    return all(Path(utterance.wav).is_file() for utterance in prepared.utterances)


def _write(path: Path, keys: dict[str, str], done: dict[str, Prepared]) -> None:
    """In the order of the recordings, whichever was prepared first."""
    write_text(path, "".join(_line(key, done[id_]) for id_, key in keys.items() if id_ in done))


def _line(key: str, prepared: Prepared) -> str:
    content = prepared._asdict() | {"utterances": [asdict(utterance) for utterance in prepared.utterances]}
    return json.dumps([key, content]) + "\n"


def _read(path: Path) -> dict[str, Prepared]:
    """Results by what they depend on, without lines that a killed run or somebody else left broken."""
    found = {}
    for line in read_lines(path) if path.is_file() else []:
        try:
            key, content = json.loads(line)
            utterances = [
                Utterance(**of | {"words": tuple(of["words"]), "alignment": (), "phones": ()})
                for of in content["utterances"]
            ]
            left_out, notes = ([(id_, text) for id_, text in content[name]] for name in ("left_out", "notes"))
            found[key] = Prepared(utterances, left_out, notes, content["duration_s"])
        except (ValueError, TypeError, KeyError):
            continue
    return found
