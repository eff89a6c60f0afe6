"""Recognising sets in parallel: the common part of evaluation.recognize and evaluation.keywords."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap
from avsi.errors import AvsiError, DataError
from avsi.folders import locked
from avsi.media.sound_reading import read_mono
from avsi.program import in_parallel, n_processes, print_table, progress

from ..folder.evaluation import Evaluation
from ..folder.layout import ABOUT, RECOGNIZERS
from ..folder.rows import read_rows, write_rows
from .recognition_sets import RecognitionSet, recognition_sets

Folders = Annotated[
    list[Path], typer.Argument(help="Evaluations that evaluation.restore wrote, and data directories: clean speech.")
]
Jobs = Annotated[int, typer.Option(min=1, help="Processes to recognise with.")]
Recognizer = Callable[[np.ndarray], list[str]]  # samples of shape (n_samples,) -> phones or words


@dataclass(frozen=True)
class Recognition:
    """A recogniser, and how its results are scored.

    Attributes:
        file: where rows are written, ``PHONES`` or ``WORDS``.
        column: the name of the column that it adds to tables.
        state: tells it from every other recogniser: digests and settings.
        load: (function, *arguments) that makes, in each process, the recogniser and its rate in Hz.
        score: the values of a row, from an utterance, the phones or words recognised, and the gaps that were restored.
            Raises DataError.
        keys: those of a row that are null where there is no result.
    """

    file: str
    column: str
    state: str
    load: tuple
    score: Callable[[Utterance, list[str], list[Gap]], dict]
    keys: Sequence[str]


def recognize_folders(
    folders: list[Path],
    recognition: Recognition,
    jobs: int,
    title: str,
    header: list[str],
    totals: Callable[[list[dict]], list],
) -> None:
    """Write a row for each utterance of each set, and print a table of sets. The results of a set that the same
    recogniser recognised without a failure stay.

    Args:
        totals: the cells of a set's rows in the table, after its name.
    """
    evaluations = {folder: Evaluation.read(folder) for folder in folders if (folder / ABOUT).is_file()}
    sets = [one for folder in folders for one in recognition_sets(folder, evaluations.get(folder))]
    with ExitStack() as locks:
        for folder in dict.fromkeys(folder.resolve() for folder in folders):
            locks.enter_context(locked(folder))
        cells, todo = {}, []
        for one in sets:  # of one at a time the rows are held
            rows = list(read_rows(one.folder / recognition.file))
            if _is_complete(one, rows, recognition):
                cells[one.folder] = totals(rows)
            else:
                todo.append(one)
        for one, recognized in zip(todo, _recognize_sets(todo, recognition, jobs), strict=True):
            rows = make_rows(one, recognition, recognized)
            write_rows(one.folder / recognition.file, rows)
            cells[one.folder] = totals(rows)
        for evaluation in evaluations.values():
            evaluation.add_run()
    print_table(title, ["set", *header], [[one.name, *cells[one.folder]] for one in sets])
    for evaluation in evaluations.values():
        if evaluation.caution:
            print(f"{evaluation.folder}: {evaluation.caution}")


def _is_complete(one: RecognitionSet, rows: list[dict], recognition: Recognition) -> bool:
    key = RECOGNIZERS[recognition.column]
    scored = [(row["id"], row.get(key)) for row in rows if row[recognition.column] is not None]
    return scored == [(utterance.id, recognition.state) for utterance in one.utterances]


def _recognize_sets(sets: list[RecognitionSet], recognition: Recognition, jobs: int) -> Iterator[dict]:
    """Yield, for each set, by utterance id the phones or words, or why there are none."""
    # A few large parts, so that each process loads a recogniser once.
    n_parts = 4 * n_processes(jobs)
    counts = [min(n_parts, len(one.utterances)) for one in sets]
    tasks = (
        (
            _recognize,
            {utterance.id: one.wavs.get(utterance.id) for utterance in one.utterances[index::n_parts]},
            recognition.state,
            *recognition.load,
        )
        for one, count in zip(sets, counts, strict=True)
        for index in range(count)
    )
    results = progress(in_parallel(jobs, tasks), sum(counts), f"recognised, parts: {recognition.column}")
    for count in counts:
        yield {id_: tokens for _ in range(count) for id_, tokens in next(results).items()}
    next(results, None)  # the bar's end


@lru_cache(maxsize=1)
def _loaded(state: str, load: Callable[..., tuple[Recognizer, int]], *arguments: object) -> tuple[Recognizer, int]:
    return load(*arguments)


def _recognize(wavs: dict[str, str | None], state: str, *load: object) -> dict[str, list[str] | str]:
    """By utterance id, the phones or words, or why there are none."""
    recognizer, rate = _loaded(state, *load)
    recognized: dict[str, list[str] | str] = {}
    for id_, wav in wavs.items():
        try:
            if wav is None:
                raise DataError("not restored")
            recognized[id_] = recognizer(read_mono(wav, rate))
        except (AvsiError, OSError) as error:
            recognized[id_] = str(error)
    return recognized


def make_rows(one: RecognitionSet, recognition: Recognition, recognized: dict[str, list[str] | str]) -> list[dict]:
    """One row per utterance of the clean set, in order; without a result, with the reason in ``failed``."""
    rows = []
    for utterance in one.utterances:
        tokens, failed = recognized[utterance.id], {}
        try:
            if isinstance(tokens, str):
                raise DataError(one.failed.get(utterance.id, tokens))
            values = recognition.score(utterance, tokens, one.gaps.get(utterance.id, []))
        except DataError as error:
            values, failed = dict.fromkeys(recognition.keys), {recognition.column: str(error)}
        row = {"id": utterance.id, "speaker": utterance.speaker, "said": " ".join(utterance.words), **values}
        rows.append({**row, "failed": failed, RECOGNIZERS[recognition.column]: recognition.state})
    return rows
