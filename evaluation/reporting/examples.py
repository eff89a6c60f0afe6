"""The examples of a page to browse, read from an evaluation."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import gap_spans, lost_samples
from avsi.errors import AvsiError, AvsiWarning
from avsi.media.sound_reading import read_mono
from avsi.metrics.registry import COLUMNS, Column

from ..folder.evaluation import Evaluation
from ..folder.layout import CLEAN, PHONES, SCORES, STFT, WORDS
from ..folder.rows import merged_rows
from ..systems.names import UNPROCESSED
from .browse_page import Example, Version
from .example_selection import select_examples


def examples_of(evaluation: Evaluation, system: str, column: Column, count: int) -> list[Example]:
    """The best, median and worst utterances of a system under each condition, with what every system made of them. One
    whose sound cannot be read, or whose gaps do not fit it, is told and left out.

    Raises:
        ConfigError: more examples than a page holds.
    """
    rows = {(one.system, one.condition): one.rows(SCORES, PHONES, WORDS) for one in evaluation.sets}
    utterances = {utterance.id: utterance for utterance in evaluation.utterances}
    values = {
        condition.name: {
            id_: row.get(column.name) for id_, row in rows[system, condition.name].items() if id_ in utterances
        }
        for condition in evaluation.conditions
        if (system, condition.name) in rows
    }
    clean = merged_rows(evaluation.folder / CLEAN, PHONES, WORDS)
    examples = []
    for case in select_examples(values, column.lower_is_better, count):
        try:
            row = clean.get(case.id, {})
            examples.append(_example(evaluation, utterances[case.id], case.condition, case.rank, rows, row))
        except AvsiError as error:
            warnings.warn(f"{case.id}, {case.condition}: not on the page: {error}", AvsiWarning, stacklevel=2)
    return examples


def _example(
    evaluation: Evaluation,
    utterance: Utterance,
    condition: str,
    rank: str,
    rows: dict[tuple[str, str], dict[str, dict]],
    clean: dict,
) -> Example:
    gaps = evaluation.gaps[condition][utterance.id]
    original = read_mono(utterance.wav, STFT.sample_rate)
    lost = lost_samples(gap_spans(gaps, len(original), STFT.sample_rate), len(original))
    damaged, versions = Version("damaged", np.where(lost, 0, original).astype(np.float32), {}), []
    for system in evaluation.systems:
        if (system, condition) not in rows:
            continue
        row = rows[system, condition].get(utterance.id, {})
        wav = evaluation.set(system, condition).of(utterance.id).wav
        if system == UNPROCESSED:
            damaged = replace(damaged, scores=_scores(row), phones=_phones(row))
        elif wav:
            versions.append(Version(system, read_mono(wav, STFT.sample_rate), _scores(row), _phones(row)))
    return Example(
        id=utterance.id,
        speaker=utterance.speaker,
        condition=condition,
        words=utterance.words,
        gaps=gaps,
        reference=tuple(clean["reference"].split()) if "reference" in clean else None,
        original=Version("original", original, _scores(clean), _phones(clean)),
        damaged=damaged,
        systems=versions,
        rank=rank,
    )


def _scores(row: dict) -> dict[str, float | None]:
    return {name: row[name] for name in COLUMNS if name in row}


def _phones(row: dict) -> tuple[str, ...] | None:
    return tuple(row["hypothesis"].split()) if "hypothesis" in row else None
