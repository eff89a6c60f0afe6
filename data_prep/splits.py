"""Splits of any corpus: the training, validation or test set of each speaker or utterance."""

from collections.abc import Callable, Iterable
from pathlib import Path

from avsi.data.ids import speaker_in
from avsi.errors import DataError
from avsi.files import read_lines
from avsi.rng import generator

SETS = ("train", "valid", "test")
HELD_OUT = 0.06  # of each speaker's clips, for validation and for the test each
SPEAKERS_HELD_OUT = 0.125  # of the speakers, for validation and for the test each, and at least one


def divide_clips(ids: Iterable[str], divided_from: int = 0) -> dict[str, str]:
    """The set of each utterance, where each speaker's are divided 88:6:6, the same way on every machine; of speakers
    with fewer than ``divided_from`` all are for training.
    """
    of: dict[str, list[str]] = {}
    for id_ in sorted(ids):
        of.setdefault(speaker_in(id_), []).append(id_)
    set_of = {}
    for clips in of.values():
        # Each clip's place depends on its name, so that one more clip moves hardly any other.
        clips.sort(key=lambda id_: generator(0, "split", id_).random())
        count = round(HELD_OUT * len(clips)) if len(clips) >= divided_from else 0
        for index, id_ in enumerate(clips):
            set_of[id_] = "test" if index < count else "valid" if index < 2 * count else "train"
    return set_of


def divide_speakers(speakers: Iterable[str], held_out: float = SPEAKERS_HELD_OUT) -> dict[str, str]:
    """The set of each speaker; a share ``held_out`` is for validation, another for the test, and at least one each."""
    order = sorted(set(speakers), key=lambda speaker: generator(0, "split", speaker).random())
    count = max(1, round(held_out * len(order)))
    set_of = dict.fromkeys(order, "train")
    set_of.update(dict.fromkeys(order[count : 2 * count], "valid"))
    set_of.update(dict.fromkeys(order[:count], "test"))
    return set_of


def read_split_file(
    path: Path, known: set[str], names: Iterable[str], written: Callable[[str], str] = str
) -> dict[str, str]:
    """A split as a file of lines ``<speaker or clip> <train|valid|test>``: the set of each that it names.

    Args:
        known: the speakers and clips that there are.
        names: of splits that are no file, for the error where there is no such file.
        written: how a name in the file is written in ``known``.

    Raises:
        DataError: no such file, or a line that names another set, or a speaker or clip that is not there.
    """
    if not path.is_file():
        raise DataError(f"split '{path}': neither {', '.join(map(repr, names))} nor a file")
    chosen: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            key, name = line.split()
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<speaker or clip> <set>', found '{line}'") from None
        key = written(key)
        if name not in SETS:
            raise DataError(f"{path}:{number}: unknown set '{name}', expected one of {', '.join(SETS)}")
        if key not in known:
            raise DataError(f"{path}:{number}: no speaker or clip '{key}' was found in the corpus")
        if chosen.get(key, name) != name:
            raise DataError(f"{path}:{number}: '{key}' is in {chosen[key]} already")
        chosen[key] = name
    return chosen
