"""The examples of the browse page, read from an evaluation."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap
from avsi.errors import AvsiError, AvsiWarning
from avsi.media.sound_reading import read_mono
from avsi.metrics.registry import COLUMNS, Column

from ..folder.evaluation import Evaluation
from ..folder.layout import STFT
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
    """The best, median and worst utterances of a system under each condition, as all systems restored them. An example
    whose sound cannot be read, or whose gaps do not fit it, is told and left out.

    Raises:
        ConfigError: more examples than a page holds.
    """
    utterances = {utterance.id: utterance for utterance in evaluation.utterances}
    values = {
        condition.name: {id_: row.get(column.name) for id_, row in rows.items() if id_ in utterances}
        for condition in evaluation.conditions
        if (rows := evaluation.rows.get((system, condition.name))) is not None
    }
    examples = []
    for chosen in select_examples(values, column.lower_is_better, count):
        try:
            examples.append(_example(evaluation, utterances[chosen.id], chosen))
        except AvsiError as error:
            warnings.warn(f"{chosen.id}, {chosen.condition}: not on the page: {error}", AvsiWarning, stacklevel=2)
    return examples


def _example(evaluation: Evaluation, utterance: Utterance, chosen: Selection) -> Example:
    gaps, clean = evaluation.gaps[chosen.condition][utterance.id], evaluation.clean_rows.get(utterance.id, {})
    original = read_mono(utterance.wav, STFT.sample_rate)
    silent, versions = Version(UNPROCESSED, damaged(original, gaps), {}), []
    for one in evaluation.sets:
        if one.condition != chosen.condition:
            continue
        row = evaluation.rows[one.system, one.condition].get(utterance.id, {})
        wav = one.of(utterance.id).wav
        if one.system == UNPROCESSED:
            silent = replace(silent, scores=_scores(row), phones=_phones(row))
        elif wav:
            versions.append(Version(one.system, read_mono(wav, STFT.sample_rate), _scores(row), _phones(row)))
    return Example(
        id=utterance.id,
        speaker=utterance.speaker,
        condition=chosen.condition,
        words=utterance.words,
        gaps=gaps,
        reference=tuple(clean["reference"].split()) if "reference" in clean else None,
        original=Version(ORIGINAL, original, _scores(clean), _phones(clean)),
        damaged=silent,
        systems=versions,
        rank=chosen.rank,
    )


def _scores(row: dict) -> dict[str, float | None]:
    return {name: row[name] for name in COLUMNS if name in row}


def _phones(row: dict) -> tuple[str, ...] | None:
    return tuple(row["hypothesis"].split()) if "hypothesis" in row else None
