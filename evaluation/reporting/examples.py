"""The examples of the browse page, read from an evaluation."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avsi.data.gaps import Gap
from avsi.errors import AvsiError, AvsiWarning
from avsi.media.sound_reading import read_mono
from avsi.metrics.registry import Column

from ..folder.evaluation import Evaluation
from ..folder.layout import CLEAN, PHONES, STFT
from ..folder.restored_set import RestoredSet
from ..folder.rows import merged_rows
from ..folder.versions import ORIGINAL, UNPROCESSED, damaged
from .example_selection import Selection, select_examples


@dataclass(frozen=True)
class Version:
    """The sound of an example: as one system restored it, the original, or the damaged input.

    Attributes:
        name: of the system, ``original`` or ``unprocessed``.
        samples: shape (n_samples,), float32, full scale 1.0.
        scores: by column name of ``avsi.metrics.registry.COLUMNS``; None where there is no value.
        phones: a recogniser's result; None where none was run.
    """

    name: str
    samples: np.ndarray
    scores: dict[str, float | None]
    phones: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Example:
    """An utterance under one condition.

    Attributes:
        condition: the kind of gaps, such as ``800ms``; an id occurs once in it.
        reference: the phones said; None where they are not known, and then no phones are shown.
        systems: the restored versions. A system that could not restore the example is shown as such. ``unprocessed``
            is not among them, since ``damaged`` is it.
        rank: one of ``RANKS``.
    """

    id: str
    speaker: str
    condition: str
    words: tuple[str, ...]
    gaps: list[Gap]
    reference: tuple[str, ...] | None
    original: Version
    damaged: Version
    systems: list[Version]
    rank: str

    @property
    def versions(self) -> list[Version]:
        return [self.original, self.damaged, *self.systems]


def examples_of(evaluation: Evaluation, system: str, column: Column, count: int) -> list[Example]:
    """The best, median and worst utterances of a system under each condition, as all systems restored them. Those that
    were not scored yet are none. An example whose sound cannot be read, or whose gaps do not fit it, is told and left
    out.

    Raises:
        ConfigError: more examples than a page holds.
    """
    nothing = np.full(len(evaluation.utterances), np.nan)
    values = {
        condition.name: {
            id_: value
            for id_, value, scored in zip(
                evaluation.places, scores.values.get(column.name, nothing).tolist(), scores.scored, strict=True
            )
            if scored
        }
        for condition in evaluation.conditions
        if (scores := evaluation.scores.get((system, condition.name))) is not None
    }
    selected = select_examples(values, column.lower_is_better, count)
    ids = {chosen.id for chosen in selected}
    folders = [evaluation.folder / CLEAN, *(one.folder for one in evaluation.sets)]
    recognized = {folder: merged_rows(folder, PHONES, ids=ids) for folder in folders}
    wavs = {one.folder: _wavs(one, ids) for one in evaluation.sets}
    examples = []
    for chosen in selected:
        try:
            examples.append(_example(evaluation, chosen, wavs, recognized))
        except AvsiError as error:
            warnings.warn(f"{chosen.id}, {chosen.condition}: not on the page: {error}", AvsiWarning, stacklevel=2)
    return examples


def _wavs(restored: RestoredSet, ids: set[str]) -> dict[str, str]:
    """Those of some utterances, as far as they were restored; the list of all is not kept."""
    listed = restored.without_lists().wavs
    return {id_: listed[id_] for id_ in ids if id_ in listed}


def _example(
    evaluation: Evaluation,
    chosen: Selection,
    wavs: dict[Path, dict[str, str]],
    recognized: dict[Path, dict[str, dict]],
) -> Example:
    """
    Args:
        wavs, recognized: by folder of a set and by id, paths of sound, and the rows of a phone recogniser.
    """
    place = evaluation.places[chosen.id]
    utterance, gaps = evaluation.utterances[place], evaluation.gaps[chosen.condition][chosen.id]
    clean = recognized[evaluation.folder / CLEAN].get(chosen.id, {})
    original = read_mono(utterance.wav, STFT.sample_rate)
    silent, versions = Version(UNPROCESSED, damaged(original, gaps), {}), []
    for one in evaluation.sets:
        if one.condition != chosen.condition:
            continue
        scores = evaluation.scores[one.system, one.condition].of(place)
        phones = _phones(recognized[one.folder].get(chosen.id, {}))
        if one.system == UNPROCESSED:
            silent = replace(silent, scores=scores, phones=phones)
        elif wav := wavs[one.folder].get(chosen.id):
            versions.append(Version(one.system, read_mono(wav, STFT.sample_rate), scores, phones))
    return Example(
        id=utterance.id,
        speaker=utterance.speaker,
        condition=chosen.condition,
        words=utterance.words,
        gaps=gaps,
        reference=tuple(clean["reference"].split()) if "reference" in clean else None,
        original=Version(ORIGINAL, original, evaluation.clean_scores.of(place), _phones(clean)),
        damaged=silent,
        systems=versions,
        rank=chosen.rank,
    )


def _phones(row: dict) -> tuple[str, ...] | None:
    return tuple(row["hypothesis"].split()) if "hypothesis" in row else None
