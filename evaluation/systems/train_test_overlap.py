"""Train/test overlap: figures on speakers of the training set say little of unseen speakers."""

from collections.abc import Iterable
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.data.ids import recording_in, speaker_in
from avsi.models.store import read_train_ids


def overlap(folders: Iterable[Path], utterances: Iterable[Utterance]) -> dict[str, list[str]]:
    """The speakers of some utterances who are in the training set of one of the models, and the utterances that are, in
    any voice; empty where a model's folder does not list its training set.
    """
    lists = [read_train_ids(folder) for folder in folders]
    if None in lists or not lists:
        return {}
    ids = set().union(*filter(None, lists))
    recordings, speakers = set(map(recording_in, ids)), set(map(speaker_in, ids))
    return {
        "seen_speakers": sorted({speaker_in(u.id) for u in utterances} & speakers),
        "seen_utterances": sorted(u.id for u in utterances if recording_in(u.id) in recordings),
    }
