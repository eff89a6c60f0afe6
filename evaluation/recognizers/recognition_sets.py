"""The sets that recognisers recognise: clean speech, and all that an evaluation restored."""

from dataclasses import dataclass, field
from pathlib import Path

from avsi.data.datadir import Utterance, corpus_of, read_datadir
from avsi.data.gaps import Gap
from avsi.errors import DataError

from ..folder.evaluation import Evaluation
from ..folder.layout import CLEAN


@dataclass(frozen=True)
class RecognitionSet:
    """Clean speech, or what one system restored under one condition.

    Attributes:
        name: as tables show it.
        folder: where results are written.
        wavs: sound by utterance id; an utterance that could not be restored is missing, and ``failed`` says why.
        gaps: by utterance id, what was restored.
    """

    name: str
    folder: Path
    utterances: list[Utterance]
    wavs: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)


def recognition_sets(folder: Path, evaluation: Evaluation | None) -> list[RecognitionSet]:
    """The clean speech of a data directory; of an evaluation that and every system under every condition.

    Raises:
        DataError: a folder that is neither.
    """
    if evaluation is None:
        if not (folder / "wav.scp").is_file():
            raise DataError(f"{folder}: neither an evaluation nor a data directory")
        return [_clean(f"{corpus_of(folder)}: {folder}", folder, read_datadir(folder))]
    about, utterances = evaluation.about, evaluation.utterances
    return [
        _clean(f"{about['corpus']}: {about['datadir']}", folder / CLEAN, utterances),
        *(
            RecognitionSet(f"{folder.name}: {of}", of.folder, utterances, of.wavs, of.failed, of.gaps)
            for of in evaluation.sets
        ),
    ]


def _clean(name: str, folder: Path, utterances: list[Utterance]) -> RecognitionSet:
    wavs = {utterance.id: utterance.wav for utterance in utterances}
    return RecognitionSet(f"{name}, clean", folder, utterances, wavs)
