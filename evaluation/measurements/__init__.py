"""The measurements of evaluation.benchmark: each takes a Setup and yields rows of the benchmark's table.

May import: avsi.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avsi.config import Config
from avsi.data.datadir import Utterance


@dataclass(frozen=True)
class Setup:
    """What measurements have in common.

    Attributes:
        config: of the model to train.
        utterances: those to train on.
        videos: utterances with a video, to find landmarks in.
        stats: the statistics of the training set.
        folder: an empty folder to write into.
    """

    config: Config
    utterances: list[Utterance]
    videos: list[Utterance]
    stats: Path
    folder: Path


class Row(NamedTuple):
    """A row of the table. The ratio should reach ``wanted``; ``measured`` is None where there is no value."""

    what: str
    measured: float | None
    against: str
    ratio: float
    wanted: float


def at_most(what: str, measured: float, limit: float) -> Row:
    """A row for a measurement that is not to exceed a limit in the same unit."""
    return Row(what, measured, f"at most {limit:g}", limit / measured, 1)
