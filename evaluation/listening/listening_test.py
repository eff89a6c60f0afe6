"""A listening test: its settings and its trials, kept in a folder, where the ratings of each listener are too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from avsi.errors import DataError
from avsi.files import write_text
from avsi.program import error_text
from avsi.rng import generator

from ..folder.json_files import check_types, read_json

PAIRS, MUSHRA = KINDS = ("pairs", "mushra")
TEST = "test.json"
CALLED = {
    PAIRS: "Blind pairs: which of two systems is preferred",
    MUSHRA: "MUSHRA-like: each system, the hidden original and the unprocessed sound are rated from 0 to 100",
}


@dataclass(frozen=True)
class Trial:
    """What is judged together.

    Attributes:
        versions: names as of :mod:`evaluation.folder.versions`; a listener has them in an order of its own.
    """

    condition: str
    id: str
    versions: tuple[str, ...]


@dataclass(frozen=True)
class ListeningTest:
    """
    Attributes:
        folder: its own.
        kind: one of ``KINDS``.
        trials: the same for every listener, numbered from 1.
        left_out: what was drawn but cannot be played, and why.
    """

    folder: Path
    kind: str
    seed: int
    systems: tuple[str, ...]
    conditions: tuple[str, ...]
    trials: tuple[Trial, ...]
    left_out: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> ListeningTest:
        """Raises DataError for a folder that holds none, or a broken one."""
        path = folder / TEST
        if not path.is_file():
            raise DataError(f"{folder}: holds no listening test (no {TEST})")
        about = read_json(path)
        types = {"kind": str, "seed": None, "systems": list, "conditions": list, "trials": list, "left_out": dict}
        check_types(path, about, types, "remove the folder and draw it again")
        try:
            trials = tuple(Trial(of["condition"], of["id"], tuple(of["versions"])) for of in about["trials"])
        except (KeyError, TypeError) as error:
            raise DataError(f"{path}: trials: expected condition, id and versions of each") from error
        if about["kind"] not in KINDS or not isinstance(about["seed"], int) or not trials:
            raise DataError(f"{path}: expected a kind ({' or '.join(KINDS)}), a whole number as seed, and trials")
        lists = tuple(about["systems"]), tuple(about["conditions"])
        return cls(folder, about["kind"], about["seed"], *lists, trials, about["left_out"])

    def write(self) -> None:
        """Into its folder, which is made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {key: value for key, value in asdict(self).items() if key != "folder"}
        write_text(self.folder / TEST, json.dumps(about, indent=1) + "\n")

    @property
    def name(self) -> str:
        return self.folder.name

    def order(self, listener: str) -> list[int]:
        """The numbers of the trials in the order in which a listener has them."""
        drawn = generator(self.seed, "order", self.kind, listener).permutation(len(self.trials))
        return [int(number) + 1 for number in drawn]

    def positions(self, listener: str, number: int) -> list[str]:
        """The versions of a trial in the order in which a listener has them."""
        versions = self.trials[number - 1].versions
        if self.kind == PAIRS:
            # Each system comes first in half of a listener's trials.
            place = self.order(listener).index(number)
            turned = generator(self.seed, "turn", listener).integers(2)
            return list(versions if (place + turned) % 2 == 0 else versions[::-1])
        drawn = generator(self.seed, "positions", listener, number).permutation(len(versions))
        return [versions[place] for place in drawn]


def read_tests(folder: Path) -> tuple[list[ListeningTest], dict[str, str]]:
    """(the listening tests in a folder of them, by name; why others cannot be read, by their names)."""
    tests, broken = [], {}
    for path in sorted(folder.glob(f"*/{TEST}")):
        try:
            tests.append(ListeningTest.read(path.parent))
        except (DataError, OSError) as error:
            broken[path.parent.name] = error_text(error)
    return tests, broken


def find_test(folder: Path, name: str) -> ListeningTest | None:
    """One of the listening tests in a folder of them; None where there is none of that name.

    Raises:
        DataError: it is broken.
    """
    names = {path.parent.name: path.parent for path in folder.glob(f"*/{TEST}")}
    return ListeningTest.read(names[name]) if name in names else None
