"""Whom models have met: figures on speakers who were trained on say little of others.

A system may be a family of models, of which each utterance gets the one that has not met its speaker, as
``exp/folds/*/av`` where each of the folders' models was trained without some of the speakers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.data.ids import recording_in, speaker_in
from avsi.errors import ConfigError
from avsi.models.store import DESCRIPTION, TRAIN_IDS, learnt_from


def is_family(spec: str) -> bool:
    """Whether a system is named by a pattern of folders."""
    return any(sign in spec for sign in "*?[") and not Path(spec).is_dir()


class Family:
    """Several models, told apart by whom they have met.

    Attributes:
        folders: each model's.
    """

    def __init__(self, pattern: str) -> None:
        """Raises ConfigError where the pattern finds no model, or one that does not say what it was trained on."""
        self.pattern = pattern
        start = Path(pattern).anchor
        try:
            found = list(Path(start or ".").glob(str(Path(pattern).relative_to(start))))
        except (ValueError, IndexError) as error:
            raise ConfigError(f"{pattern}: not a pattern of folders ({error})") from error
        self.folders = sorted(folder for folder in found if (folder / DESCRIPTION).is_file())
        if not self.folders:
            raise ConfigError(f"{pattern}: finds no folder with a trained model")
        for folder in self.folders:
            if not (folder / TRAIN_IDS).is_file():
                raise ConfigError(f"{pattern}: {folder} does not say what it was trained on (it has no {TRAIN_IDS})")

    @cached_property
    def _met(self) -> dict[Path, set[str]]:
        return {folder: set(map(speaker_in, learnt_from(folder) or ())) for folder in self.folders}

    def stranger_to(self, utterance: Utterance) -> Path:
        """The one model that has not met the speaker of an utterance.

        Raises:
            ConfigError: none or several have not, or the utterance's id does not name its speaker, as the ids do by
            which a model says whom it met.
        """
        speaker = utterance.speaker
        if speaker_in(utterance.id) != speaker:
            raise ConfigError(f"{self.pattern}: {utterance.id} does not begin with its speaker, {speaker}, and '_'")
        strangers = [folder for folder, met in self._met.items() if speaker not in met]
        if not strangers:
            raise ConfigError(f"{self.pattern}: all {len(self.folders)} models were trained on {speaker}")
        if len(strangers) > 1:
            raise ConfigError(
                f"{self.pattern}: {' and '.join(map(str, strangers[:2]))} were both not trained on {speaker}; "
                "expected one such model of each speaker"
            )
        return strangers[0]


def acquaintance(folder: Path, utterances: Iterable[Utterance]) -> dict[str, list[str]]:
    """Of some utterances, the speakers whom a model has met, and those that it has met themselves, in any voice; empty
    where its folder does not say.
    """
    ids = learnt_from(folder)
    if ids is None:
        return {}
    recordings, speakers = set(map(recording_in, ids)), set(map(speaker_in, ids))
    return {
        "speakers_met": sorted({speaker_in(u.id) for u in utterances} & speakers),
        "utterances_met": sorted(u.id for u in utterances if recording_in(u.id) in recordings),
    }
