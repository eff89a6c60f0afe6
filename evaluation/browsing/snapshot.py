"""An evaluation as it is now, one condition at a time: read again only where its files have changed."""

from __future__ import annotations

import hashlib
import math
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.errors import ConfigError, DataError
from avsi.metrics.registry import Column, scored_columns
from avsi.studio.refusals import Refused

from ..folder.evaluation import Evaluation
from ..folder.layout import ABOUT, CLEAN, FAILED, PHONES, SCORES, SPECTRA, SYSTEM, VOICES, WAVS, WORDS
from ..folder.restored_set import RestoredSet
from ..statistics.comparisons import ablation_pairs
from ..statistics.summarize import summarize
from ..statistics.summary import Summary

_FILES = (SYSTEM, WAVS, SPECTRA, FAILED, SCORES, PHONES, WORDS, VOICES)


@dataclass(frozen=True)
class Snapshot:
    """
    Attributes:
        evaluation: with this one condition, and the systems that were restored under it to the end.
        revision: another one where files have changed.
        notes: what was left out, and why.
    """

    evaluation: Evaluation
    condition: str
    revision: str
    notes: list[str]

    @cached_property
    def sets(self) -> dict[str, RestoredSet]:
        """By system."""
        return {one.system: one for one in self.evaluation.sets}

    @cached_property
    def utterances(self) -> dict[str, Utterance]:
        return {utterance.id: utterance for utterance in self.evaluation.utterances}

    @cached_property
    def columns(self) -> list[Column]:
        """The metrics that some system has."""
        return scored_columns([of.values for of in self.evaluation.scores.values()])

    def value(self, system: str, id_: str, metric: str) -> tuple[float | None, str]:
        """(the value, or None; why there is none)."""
        scores = self.evaluation.scores[system, self.condition]
        if metric in scores.values:
            value = float(scores.values[metric][self.evaluation.places[id_]])
            if math.isfinite(value):
                return value, ""
        why = scores.failed.get(id_, {}).get(metric) or self.sets[system].of(id_).failed
        return None, why or "not scored yet"

    @cached_property
    def _summaries(self) -> dict[tuple[str, str] | None, tuple[Summary, list[str]]]:
        return {}

    def summary(self, pair: tuple[str, str] | None) -> tuple[Summary, list[str]]:
        """(means, with the differences of the ablations and of a pair of systems; notes on them).

        Raises:
            DataError: nothing is scored.
        """
        if pair not in self._summaries:
            pairs = [*ablation_pairs(self.evaluation), *([pair] if pair else [])]
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                found = summarize(self.evaluation, dict.fromkeys(pairs))
            self._summaries[pair] = found, [str(each.message) for each in told]
        return self._summaries[pair]


class Live:
    """The snapshots of an evaluation, which programs may be restoring and scoring meanwhile."""

    def __init__(self, folder: Path) -> None:
        """Raises DataError for a folder that holds no evaluation."""
        self.folder = folder
        self._about: tuple[str, Evaluation] | None = None
        self._snapshots: dict[str, Snapshot] = {}
        self._lock = threading.RLock()
        self._counting = threading.Lock()  # by one at a time, since warnings are caught for the whole process
        self.whole()

    def whole(self) -> Evaluation:
        """All conditions and systems."""
        with self._lock:
            revision = _stamp([self.folder / ABOUT])
            if self._about is None or self._about[0] != revision:
                self._about = revision, Evaluation.read(self.folder)
            return self._about[1]

    def revision(self, condition: str) -> str:
        evaluation = self.whole()
        if condition not in evaluation.about["conditions"]:
            raise Refused(404, f"condition: expected one of {', '.join(evaluation.about['conditions'])}")
        folders = [evaluation.set_folder(system, condition) for system in evaluation.systems]
        files = [folder / name for folder in folders for name in _FILES]
        clean = [self.folder / CLEAN / name for name in (PHONES, WORDS)]
        return _stamp([self.folder / ABOUT, *clean, *files])

    def under(self, condition: str) -> Snapshot:
        """Raises Refused (404) for a condition that is not there."""
        with self._lock:
            revision = self.revision(condition)
            if condition not in self._snapshots or self._snapshots[condition].revision != revision:
                self._snapshots[condition] = _snapshot(self.whole(), condition, revision)
            return self._snapshots[condition]

    def summary(self, condition: str, pair: tuple[str, str] | None) -> tuple[Summary, list[str]]:
        """As :meth:`Snapshot.summary`."""
        snapshot = self.under(condition)
        with self._counting:
            return snapshot.summary(pair)


def _snapshot(whole: Evaluation, condition: str, revision: str) -> Snapshot:
    there, notes = {}, []
    for system, about in whole.about["systems"].items():
        try:
            whole.set(system, condition).check_lists()
            there[system] = about
        except (DataError, ConfigError) as error:
            notes.append(str(error))
    about = {**whole.about, "conditions": {condition: whole.about["conditions"][condition]}, "systems": there}
    return Snapshot(Evaluation(whole.folder, about), condition, revision, notes)


def _stamp(files: list[Path]) -> str:
    """Another text where one of the files was written anew."""
    digest = hashlib.sha256()
    for path in files:
        try:
            status = path.stat()
            digest.update(f"{status.st_mtime_ns} {status.st_size} {status.st_ino}\n".encode())
        except FileNotFoundError:
            digest.update(b"-\n")
    return digest.hexdigest()[:16]
