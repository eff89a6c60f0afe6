"""The splits of GRID: the training, validation or test set of each clip."""

from collections.abc import Callable
from pathlib import Path

from avsi.data.ids import speaker_in

from ..splits import SETS, divide_clips, divide_speakers, read_split_file

SPLITS = ("paper", "speaker-dependent", "whole-speakers", "speaker-independent")
# Morrone et al. (2021), section 3.1; speaker 21 has no video.
PAPER = {
    **{f"s{n:02d}": "train" for n in (*range(1, 21), 22, 23, 24, 25, 28)},
    **{f"s{n:02d}": "valid" for n in (26, 27, 29, 31)},
    **{f"s{n:02d}": "test" for n in (30, 32, 33, 34)},
}
WHOLE = 100  # clips of a speaker whose recordings are complete, or nearly so


def load_split(name: str, ids: set[str], id_prefix: str = "") -> Callable[[str], str | None]:
    """A function utterance id -> "train", "valid", "test", or None for an utterance that the split leaves out.

    Args:
        name: "paper" (by speaker), "speaker-dependent" (each speaker's clips divided 88:6:6, the same way on every
            machine), "whole-speakers" (the same of speakers with 100 clips or more, while all clips of the others are
            for training, to be left out in turn), "speaker-independent" (the speakers divided 75:12.5:12.5, likewise),
            "train", "valid" or "test" (all clips in this set), or a file of lines ``<speaker or clip> <set>``, where a
            clip is an id or a file name, and goes before its speaker.
        ids: those of all utterances.
        id_prefix: what stands before GRID's number of a speaker in the ids of another corpus.

    Raises:
        DataError: no such split, or a file that names other sets or speakers and clips that are not there.
    """
    if name in SETS:
        return lambda _: name
    if name == "paper":
        return lambda id_: PAPER.get(speaker_in(id_).removeprefix(id_prefix))
    if name == "speaker-dependent":
        return divide_clips(ids).get
    if name == "whole-speakers":
        return divide_clips(ids, divided_from=WHOLE).get
    if name == "speaker-independent":
        of_speaker = divide_speakers(map(speaker_in, ids))
        return lambda id_: of_speaker[speaker_in(id_)]
    known = {key for id_ in ids for key in (id_, *id_.split("_", 1))}
    chosen = read_split_file(Path(name), known, (*SPLITS, *SETS), _two_digits)

    def set_of(id_: str) -> str | None:
        _, stem = id_.split("_", 1)
        return chosen.get(id_) or chosen.get(stem) or chosen.get(speaker_in(id_))

    return set_of


def _two_digits(key: str) -> str:
    """A speaker ``s1`` as in ids, ``s01``; anything else as it is."""
    return f"s{int(key[1:]):02d}" if key[:1] == "s" and key[1:].isdigit() else key
