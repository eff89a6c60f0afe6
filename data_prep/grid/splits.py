"""The splits of GRID: the training, validation or test set of each clip."""

from collections.abc import Callable
from pathlib import Path

from avsi.data.ids import speaker_in
from avsi.errors import DataError
from avsi.files import read_lines
from avsi.rng import generator

SETS = ("train", "valid", "test")
SPLITS = ("paper", "speaker-dependent", "whole-speakers", "speaker-independent")
# Morrone et al. (2021), section 3.1; speaker 21 has no video.
PAPER = {
    **{f"s{n:02d}": "train" for n in (*range(1, 21), 22, 23, 24, 25, 28)},
    **{f"s{n:02d}": "valid" for n in (26, 27, 29, 31)},
    **{f"s{n:02d}": "test" for n in (30, 32, 33, 34)},
}
HELD_OUT = 0.06  # of each speaker's clips, for validation and for the test each
WHOLE = 100  # clips of a speaker whose recordings are complete, or nearly so
SPEAKERS_HELD_OUT = 0.125  # of the speakers, for validation and for the test each, and at least one


def load_split(name: str, ids: set[str], id_prefix: str = "") -> Callable[[str], str | None]:
    """A function utterance id -> "train", "valid", "test", or None for an utterance that the split leaves out.

    Args:
        name: "paper" (by speaker), "speaker-dependent" (each speaker's clips divided 88:6:6, the same way on every
            machine), "whole-speakers" (the same of speakers with 100 clips or more, while all clips of the others are
            for training, to be left out in turn), "speaker-independent" (the speakers divided 75:12.5:12.5, likewise),
            or a file of lines ``<speaker or clip> <set>``, where a clip is an id or a file name, and goes before its
            speaker.
        ids: those of all utterances.
        id_prefix: what stands before GRID's number of a speaker in the ids of another corpus.

    Raises:
        DataError: no such split, or a file that names other sets or speakers and clips that are not there.
    """
    if name == "paper":
        return lambda id_: PAPER.get(speaker_in(id_).removeprefix(id_prefix))
    if name == "speaker-dependent":
        return _speaker_dependent(ids).get
    if name == "whole-speakers":
        return _speaker_dependent(ids, divided_from=WHOLE).get
    if name == "speaker-independent":
        return _speaker_independent(ids)
    return _from_file(Path(name), ids)


def _speaker_dependent(ids: set[str], divided_from: int = 0) -> dict[str, str]:
    """By utterance; of speakers with fewer clips than ``divided_from`` all are for training."""
    set_of = {}
    for speaker in sorted({speaker_in(id_) for id_ in ids}):
        clips = sorted(id_ for id_ in ids if speaker_in(id_) == speaker)
        # Each clip's place depends on its name, so that one more clip moves hardly any other.
        clips.sort(key=lambda id_: generator(0, "split", id_).random())
        count = round(HELD_OUT * len(clips)) if len(clips) >= divided_from else 0
        for index, id_ in enumerate(clips):
            set_of[id_] = "test" if index < count else "valid" if index < 2 * count else "train"
    return set_of


def _speaker_independent(ids: set[str]) -> Callable[[str], str | None]:
    speakers = sorted({speaker_in(id_) for id_ in ids}, key=lambda speaker: generator(0, "split", speaker).random())
    count = max(1, round(SPEAKERS_HELD_OUT * len(speakers)))
    set_of = dict.fromkeys(speakers, "train")
    set_of.update(dict.fromkeys(speakers[count : 2 * count], "valid"))
    set_of.update(dict.fromkeys(speakers[:count], "test"))
    return lambda id_: set_of[speaker_in(id_)]


def _from_file(path: Path, ids: set[str]) -> Callable[[str], str | None]:
    if not path.is_file():
        raise DataError(f"split '{path}': neither {', '.join(map(repr, SPLITS))} nor a file")
    known = {key for id_ in ids for key in (id_, *id_.split("_", 1))}
    chosen: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            key, name = line.split()
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<speaker or clip> <set>', found '{line}'") from None
        if key[:1] == "s" and key[1:].isdigit():
            key = f"s{int(key[1:]):02d}"
        if name not in SETS:
            raise DataError(f"{path}:{number}: unknown set '{name}', expected one of {', '.join(SETS)}")
        if key not in known:
            raise DataError(f"{path}:{number}: no speaker or clip '{key}' was found in the corpus")
        if chosen.get(key, name) != name:
            raise DataError(f"{path}:{number}: '{key}' is in {chosen[key]} already")
        chosen[key] = name

    def set_of(id_: str) -> str | None:
        _, stem = id_.split("_", 1)
        return chosen.get(id_) or chosen.get(stem) or chosen.get(speaker_in(id_))

    return set_of
