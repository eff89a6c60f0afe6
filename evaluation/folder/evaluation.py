"""An evaluation: its description, its conditions, and the sets that systems restored."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gap_files import gap_file_path, read_gap_file
from avsi.data.gap_protocol import Condition
from avsi.data.gaps import Gap
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.files import write_text

from .json_files import check_types, read_json, with_current_keys
from .layout import ABOUT, CLEAN, PHONES, SCORES, STATS, WORDS
from .provenance import this_run
from .restored_set import RestoredSet, read_fingerprint
from .score_columns import ScoreColumns, read_columns

# The keys in the description of a system that is a model.
_OF_MODEL = {"senses": list, "weights": str, "trained_on": str, "seed": None}


@dataclass(frozen=True)
class Evaluation:
    """A folder that ``evaluation.restore`` wrote.

    Attributes:
        about: corpus, split, data directory, where the statistics came from, what was chosen on the set, how each
            condition's gaps were drawn, description by system, and runs.
    """

    folder: Path
    about: dict

    @classmethod
    def read(cls, folder: str | Path) -> Evaluation:
        """Raises DataError for a folder that is none, or whose description is broken."""
        folder = Path(folder)
        if not (folder / ABOUT).is_file():
            raise DataError(f"{folder}: not an evaluation (it has no {ABOUT}); evaluation.restore makes one")
        return cls(folder, _read_about(folder / ABOUT))

    @classmethod
    def add(
        cls, folder: Path, fixed: dict[str, str], conditions: dict[str, str], systems: dict[str, dict]
    ) -> Evaluation:
        """Write a new evaluation, or add to an old one, together with the program that is running.

        Args:
            fixed: corpus, split, data directory, statistics, and what was chosen on the set.
            conditions, systems: those to add, in place of those of the same names.
        """
        before = cls.read(folder).about if (folder / ABOUT).is_file() else {"conditions": {}, "systems": {}, "runs": []}
        run = this_run()
        runs = [one for one in before["runs"] if (one["command"], one["commit"]) != (run["command"], run["commit"])]
        about = {
            **fixed,
            "conditions": before["conditions"] | conditions,
            "systems": before["systems"] | systems,
            "runs": [*runs, run],
        }
        write_text(folder / ABOUT, json.dumps(about, indent=2) + "\n")
        return cls(folder, about)

    def add_run(self) -> None:
        """Add the program that is running to those that were run on the evaluation."""
        about = self.read(self.folder).about  # by now, another program may have added to it
        fixed = {key: value for key, value in about.items() if key not in ("conditions", "systems", "runs")}
        self.add(self.folder, fixed, {}, {})

    @property
    def systems(self) -> list[str]:
        return list(self.about["systems"])

    @property
    def development(self) -> str:
        """What was chosen on the set; "" where nothing was, or where that is not known."""
        return self.about.get("development", "")

    @property
    def caution(self) -> str:
        """That the set is no test set, and why; "" of one on which nothing was chosen."""
        return f"Development set, no test set: {self.development}." if self.development else ""

    @cached_property
    def gaps(self) -> dict[str, dict[str, list[Gap]]]:
        """By condition, the gaps by utterance."""
        return {name: read_gap_file(gap_file_path(self.folder, name)) for name in self.about["conditions"]}

    @cached_property
    def conditions(self) -> list[Condition]:
        """In the order in which tables have them: those of several gaps, then by length."""
        found = [Condition(name, _length_ms(name, gaps)) for name, gaps in self.gaps.items()]
        return sorted(found, key=lambda condition: condition.gap_ms or 0)

    @cached_property
    def utterances(self) -> list[Utterance]:
        """The clean set."""
        return read_datadir(self.folder / CLEAN)

    @cached_property
    def places(self) -> dict[str, int]:
        """By id, the place of each of its utterances."""
        return {utterance.id: place for place, utterance in enumerate(self.utterances)}

    @property
    def stats(self) -> Stats:
        return Stats.load(self.folder / STATS)

    def set_folder(self, system: str, condition: str) -> Path:
        return self.folder / system / condition

    def set(self, system: str, condition: str) -> RestoredSet:
        """Raises DataError where the system was not restored to the end under that condition."""
        folder = self.set_folder(system, condition)
        if (fingerprint := read_fingerprint(folder)) is None:
            raise DataError(f"{folder}: not restored, or not to its end; the same evaluation.restore goes on")
        if fingerprint["weights"] != self.about["systems"][system].get("weights", ""):
            raise DataError(f"{folder}: was made before {system} was trained on; evaluation.restore makes it anew")
        return RestoredSet(folder, system, condition, self.gaps[condition])

    @cached_property
    def sets(self) -> list[RestoredSet]:
        """Every system under every condition; sets that were not restored to their end are told, and left out."""
        found = []
        for system in self.systems:
            for condition in self.conditions:
                try:
                    found.append(self.set(system, condition.name))
                except DataError as error:
                    warnings.warn(str(error), AvsiWarning, stacklevel=2)
        return found

    @cached_property
    def scores(self) -> dict[tuple[str, str], ScoreColumns]:
        """By (system, condition), as they were when this was first asked for."""
        files = SCORES, PHONES, WORDS
        return {(one.system, one.condition): read_columns(one.folder, self.places, *files) for one in self.sets}

    @cached_property
    def clean_scores(self) -> ScoreColumns:
        """Those of the clean speech, by recognisers."""
        return read_columns(self.folder / CLEAN, self.places, PHONES, WORDS)

    def known(self, system: str) -> str:
        """The name of a system that is there. Raises ConfigError for another."""
        if system not in self.about["systems"]:
            raise ConfigError(f"{self.folder}: has no system '{system}', but {', '.join(self.systems)}")
        return system


def _length_ms(name: str, gaps: dict[str, list[Gap]]) -> float | None:
    """The length of the one gap that each utterance has, where the condition is named for it."""
    lengths = {round(1000 * gap.length_s, 1) for of in gaps.values() for gap in of}
    alike = len(lengths) == 1 and all(len(of) == 1 for of in gaps.values())
    return next((length for length in lengths if f"{length:g}ms" == name), None) if alike else None


def _read_about(path: Path) -> dict:
    about = read_json(path)
    check_types(path, about, dict.fromkeys(("corpus", "split", "datadir"), str))
    check_types(path, about, {"conditions": dict, "systems": dict, "runs": list})
    for name, system in about["systems"].items():
        is_model = isinstance(system, dict) and "senses" in system
        check_types(f"{path}: systems: {name}", system, {"system": str, **(_OF_MODEL if is_model else {})})
        about["systems"][name] = with_current_keys(system)
    for number, run in enumerate(about["runs"], start=1):
        check_types(f"{path}: runs: {number}", run, dict.fromkeys(("command", "commit", "date", "machine"), str))
    return about
