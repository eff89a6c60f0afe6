"""Which recordings are for training, validation or the test: whole speakers, unless each speaker's are divided."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from avsi.data.datadir import Utterance, read_table
from avsi.errors import DataError

from ..prepared import check_none_empty
from ..splits import SETS, divide_clips, divide_speakers, read_split_file
from .recording import Recording

INDEPENDENT, DEPENDENT = "speaker-independent", "speaker-dependent"
SPLITS = (INDEPENDENT, DEPENDENT, *SETS)


def load_split(name: str, recordings: list[Recording], held_out: float) -> Callable[[list[Utterance]], dict[str, str]]:
    """A function utterances -> the set of each by id; those that the split leaves out are missing.

    Args:
        name: one of ``SPLITS``, of which "train", "valid" and "test" put all into that set; or a file of lines
            ``<speaker or recording> <set>``.

    Raises:
        DataError: no such split, a broken file, a speaker in two sets, or a set without any speaker.
    """
    if name == DEPENDENT:
        return lambda utterances: divide_clips(utterance.id for utterance in utterances)
    speakers = sorted({recording.speaker for recording in recordings})
    if name in SETS:
        of_speaker = dict.fromkeys(speakers, name)
    elif name == INDEPENDENT:
        of_speaker = divide_speakers(speakers, held_out)
    else:
        of_speaker = _from_file(Path(name), recordings)
    kept = {set_: [speaker for speaker in speakers if of_speaker.get(speaker) == set_] for set_ in sets_of(name)}
    check_none_empty(name, kept, speakers)
    return lambda utterances: {u.id: of_speaker[u.speaker] for u in utterances if u.speaker in of_speaker}


def sets_of(split: str) -> tuple[str, ...]:
    """The sets that a split fills."""
    return (split,) if split in SETS else SETS


def _from_file(path: Path, recordings: list[Recording]) -> dict[str, str]:
    """The set of each speaker whose recordings are all in it."""
    names = {recording: (recording.id, recording.id.split("_", 1)[1], recording.speaker) for recording in recordings}
    chosen = read_split_file(path, {name for of in names.values() for name in of}, SPLITS)
    of: dict[str, dict[str | None, str]] = {}
    for recording in recordings:
        set_ = next((chosen[name] for name in names[recording] if name in chosen), None)
        of.setdefault(recording.speaker, {})[set_] = recording.id
    for speaker, ids in of.items():
        if len(ids) > 1:
            (one, id_), (other, other_id) = list(ids.items())[:2]
            raise DataError(
                f"{path}: speaker {speaker} is in two sets: {id_} in {one or 'none'}, {other_id} in {other or 'none'}; "
                f"name the speaker, or divide each speaker's recordings by --split {DEPENDENT}"
            )
    return {speaker: set_ for speaker, ids in of.items() for set_ in ids if set_}


def check_other_sets(out: Path, set_: str, speakers: Iterable[str]) -> None:
    """Raise DataError where a speaker is in another set that lies in the same folder.

    How many zeros are before a speaker's number depends on the others of its run: 1 and 01 are one speaker.
    """
    new = {_without_zeros(speaker) for speaker in speakers}
    for other in SETS:
        known = set(read_table(out / other / "spk2utt", ordered=False)) if other != set_ else set()
        if both := sorted(speaker for speaker in known if _without_zeros(speaker) in new):
            raise DataError(
                f"{out / other}: speaker {both[0]} is in it, and would be in {set_} too; choose another --out, or an "
                "--id-prefix if these are different people"
            )


def _without_zeros(speaker: str) -> str:
    return re.sub(r"\d+", lambda match: match[0].lstrip("0") or "0", speaker)
