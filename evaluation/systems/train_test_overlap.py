"""Train/test overlap: figures on speakers of the training set say little of unseen speakers."""

from collections.abc import Iterable
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.data.ids import recording_in, speaker_in
from avsi.models.store import read_train_ids


def overlap(folder: Path, utterances: Iterable[Utterance]) -> dict[str, list[str]]:
    """The speakers of some utterances who are in a model's training set, and the utterances that are, in any voice;
    empty where the model's folder does not list its training set.
    """
    ids = read_train_ids(folder)
    if ids is None:
        return {}
    recordings, speakers = set(map(recording_in, ids)), set(map(speaker_in, ids))
    return {
        "seen_speakers": sorted({speaker_in(u.id) for u in utterances} & speakers),
        "seen_utterances": sorted(u.id for u in utterances if recording_in(u.id) in recordings),
    }
