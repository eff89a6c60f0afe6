"""What an evaluation found, in numbers: every system, condition and metric, and every pair of systems."""

from __future__ import annotations

from dataclasses import dataclass

from avsi.data.protocol import Condition
from avsi.metrics.table import Column

from .intervals import Estimate


@dataclass(frozen=True)
class System:
    """A row of the tables.

    Attributes:
        senses: whether a model hears (A), sees (V) and learnt phones too (MTL); None for what is no model.
    """

    name: str
    senses: tuple[bool, bool, bool] | None = None


@dataclass(frozen=True)
class Summary:
    """Means with intervals over one set of utterances.

    Attributes:
        systems, conditions, columns: those that were scored, in the order in which tables have them.
        estimates: by names of (system, condition, column); a combination that was not scored is absent.
        differences: by names of (system, other system, condition, column): how far the second is above the first on
        the utterances that both have (paired).
    """

    systems: list[System]
    conditions: list[Condition]
    columns: list[Column]
    estimates: dict[tuple[str, str, str], Estimate]
    differences: dict[tuple[str, str, str, str], Estimate]
