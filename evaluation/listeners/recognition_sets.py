"""What recognisers listen to: clean speech, and all that an evaluation restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from avsi.data.datadir import Utterance, corpus_of, read_datadir
from avsi.errors import DataError
from avsi.folders import locked
from avsi.program import in_parallel, progress

from ..folder.evaluation import Evaluation
from ..folder.layout import ABOUT, CLEAN


@dataclass(frozen=True)
class RecognitionSet:
    """One version of a set.

    Attributes:
        name: for people.
        folder: where what is heard is written.
        wavs: sound by utterance id; what could not be restored is missing, and ``failed`` says why.
    """

    name: str
    folder: Path
    utterances: list[Utterance]
    wavs: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)


@contextmanager
def all_locked(folders: Iterable[Path]) -> Iterator[None]:
    """As :func:`avsi.folders.locked`, of each of several folders."""
    with ExitStack() as locks:
        for folder in dict.fromkeys(folder.resolve() for folder in folders):
            locks.enter_context(locked(folder))
        yield


def recognition_sets(folders: Iterable[Path]) -> list[RecognitionSet]:
    """The clean speech of data directories; of evaluations that and every system under every condition.

    Raises:
        DataError: a folder that is neither.
    """
    found = []
    for folder in folders:
        if not (folder / ABOUT).is_file():
            if not (folder / "wav.scp").is_file():
                raise DataError(f"{folder}: neither an evaluation nor a data directory")
            found.append(_clean(f"{corpus_of(folder)}: {folder}", folder, read_datadir(folder)))
            continue
        evaluation = Evaluation.read(folder)
        utterances = evaluation.utterances
        name = f"{evaluation.about['corpus']}: {evaluation.about['datadir']}"
        found.append(_clean(name, folder / CLEAN, utterances))
        found += [
            RecognitionSet(f"{folder.name}: {restored}", restored.folder, utterances, restored.wavs, restored.failed)
            for restored in evaluation.sets
        ]
    return found


def recognize_in_parallel(
    speech: RecognitionSet, jobs: int, what: str, listen: Callable[..., dict], *arguments: object
) -> dict:
    """What a recogniser hears in each utterance, by id: ``listen(wavs by id, *arguments)`` in several processes."""
    # A few large shares, so that each process makes few recognisers.
    ids = [utterance.id for utterance in speech.utterances]
    shares = [
        {id_: speech.wavs.get(id_) for id_ in share} for index in range(4 * jobs) if (share := ids[index :: 4 * jobs])
    ]
    results = in_parallel(jobs, [(listen, share, *arguments) for share in shares], ordered=False)
    heard: dict = {}
    for part in progress(results, len(shares), f"{speech.name}: {what}"):
        heard.update(part)
    return heard


def evaluations_in(folders: Iterable[Path]) -> list[Evaluation]:
    return [Evaluation.read(folder) for folder in folders if (folder / ABOUT).is_file()]


def _clean(name: str, folder: Path, utterances: list[Utterance]) -> RecognitionSet:
    return RecognitionSet(
        f"{name}, clean", folder, utterances, {utterance.id: utterance.wav for utterance in utterances}
    )
