"""A family of models as one system: each utterance is restored by the model that was trained without its speaker.

A pattern names it, such as ``exp/folds/*/av``, where each fold's model was trained without that fold's speakers.
"""

from functools import cached_property
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.data.ids import speaker_in
from avsi.errors import ConfigError
from avsi.models.store import DESCRIPTION, TRAIN_IDS, read_train_ids


def is_family(spec: str) -> bool:
    """Whether a system is named by a pattern of folders."""
    return any(sign in spec for sign in "*?[") and not Path(spec).is_dir()


class ModelFamily:
    """Several models, of which each was trained without some of the speakers.

    Attributes:
        pattern: that names it.
        folders: those of the models.
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
    def _speakers(self) -> dict[Path, set[str]]:
        return {folder: set(map(speaker_in, read_train_ids(folder) or ())) for folder in self.folders}

    def held_out_model(self, utterance: Utterance) -> Path:
        """The one model that was trained without the speaker of an utterance.

        Raises:
            ConfigError: there is none, or several; or the utterance's id does not begin with its speaker. Models list
            their training utterances by id.
        """
        speaker = utterance.speaker
        if speaker_in(utterance.id) != speaker:
            raise ConfigError(f"{self.pattern}: {utterance.id} does not begin with its speaker, {speaker}, and '_'")
        unseen = [folder for folder, seen in self._speakers.items() if speaker not in seen]
        if not unseen:
            raise ConfigError(f"{self.pattern}: all {len(self.folders)} models were trained on {speaker}")
        if len(unseen) > 1:
            raise ConfigError(
                f"{self.pattern}: {' and '.join(map(str, unseen[:2]))} were both not trained on {speaker}; "
                "expected one such model of each speaker"
            )
        return unseen[0]
