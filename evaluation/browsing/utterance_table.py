"""The table of all utterances under a condition: which columns it has, sorted and filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avsi.data.datadir import Utterance
from avsi.metrics.registry import Column
from avsi.studio.refusals import Refused

from ..reporting.cells import DECIMALS
from ..statistics.comparisons import comparable
from ..statistics.summarize import described_systems
from .snapshot import Snapshot

SYSTEM, METRIC, DIFFERENCE = VIEWS = ("system", "metric", "difference")
MOST_ROWS = 200
NAMES = ("id", "speaker", "words")


@dataclass(frozen=True)
class Asked:
    """What of the table is asked for.

    Attributes:
        view: every metric of ``system``, ``metric`` of every system, or how far ``system`` is above ``other``.
        sort: the key of a column, or one of ``NAMES``.
        text: what the id or the words must hold.
        speaker: "" for all.
        lacking: only rows that lack a value.
        first, count: which of the sorted rows.
    """

    view: str
    system: str = ""
    other: str = ""
    metric: str = ""
    sort: str = "id"
    descending: bool = False
    text: str = ""
    speaker: str = ""
    lacking: bool = False
    first: int = 0
    count: int = 50


@dataclass(frozen=True)
class Cells:
    """A column of figures.

    Attributes:
        key: the name of the metric, or of the system.
        label: the same, as people read it.
        unit: in brackets, or "".
        value: of an utterance's id: the figure, or None and why there is none.
    """

    key: str
    label: str
    unit: str
    column: Column
    value: Callable[[str], tuple[float | None, str]]


def page_of(snapshot: Snapshot, asked: Asked) -> dict:
    """The rows that are asked for, as the page takes them. Raises Refused (400) for what is not there."""
    columns = _columns(snapshot, asked)
    by_key = {of.key: of for of in columns}
    if asked.sort not in by_key and asked.sort not in NAMES:
        raise Refused(400, f"sort: expected one of {', '.join([*NAMES, *by_key])}")
    if not (asked.first >= 0 and 1 <= asked.count <= MOST_ROWS):
        raise Refused(400, f"first and count: expected 0 or more, and 1 to {MOST_ROWS}")
    found = [utterance for utterance in snapshot.utterances.values() if _matches(utterance, asked)]
    if asked.lacking:
        found = [one for one in found if any(of.value(one.id)[0] is None for of in columns)]
    rows = _sorted(found, by_key.get(asked.sort), asked)[asked.first : asked.first + asked.count]
    return {
        "revision": snapshot.revision,
        "total": len(found),
        "all": len(snapshot.utterances),
        "columns": [
            {"key": of.key, "label": of.label, "unit": of.unit, "lower_is_better": of.column.lower_is_better}
            for of in columns
        ],
        "rows": [
            {
                "id": one.id,
                "speaker": one.speaker,
                "words": " ".join(one.words),
                "cells": [_cell(*of.value(one.id), asked.view == DIFFERENCE) for of in columns],
            }
            for one in rows
        ],
    }


def _columns(snapshot: Snapshot, asked: Asked) -> list[Cells]:
    systems = {system.name: system for system in described_systems(snapshot.evaluation)}
    if asked.view not in VIEWS:
        raise Refused(400, f"view: expected one of {', '.join(VIEWS)}")
    for name in {SYSTEM: [asked.system], DIFFERENCE: [asked.system, asked.other]}.get(asked.view, []):
        if name not in systems:
            raise Refused(400, f"system: expected one of {', '.join(systems)}")
    if asked.view == METRIC:
        metric = next((column for column in snapshot.columns if column.name == asked.metric), None)
        if metric is None:
            names = ", ".join(column.name for column in snapshot.columns)
            raise Refused(400, f"metric: expected one of {names or 'none, since nothing is scored'}")

        def of_system(name: str) -> Callable[[str], tuple[float | None, str]]:
            return lambda id_: snapshot.value(name, id_, metric.name)

        return [
            Cells(name, f"{name}{system.mark(metric)}", "", metric, of_system(name)) for name, system in systems.items()
        ]

    def value(column: Column) -> Callable[[str], tuple[float | None, str]]:
        if asked.view == SYSTEM:
            return lambda id_: snapshot.value(asked.system, id_, column.name)
        if not comparable(list(systems.values()), asked.system, asked.other, column):
            return lambda id_: (None, "not compared: only one of both predicts a spectrum; compare them by LSD")
        return lambda id_: _difference(snapshot, asked, id_, column.name)

    mark = systems[asked.system].mark if asked.view == SYSTEM else lambda column: ""
    return [
        Cells(column.name, column.label + mark(column), column.unit and f"({column.unit})", column, value(column))
        for column in snapshot.columns
    ]


def _difference(snapshot: Snapshot, asked: Asked, id_: str, metric: str) -> tuple[float | None, str]:
    (one, why), (two, why_too) = (snapshot.value(name, id_, metric) for name in (asked.system, asked.other))
    if one is None or two is None:
        return None, f"{asked.system}: {why}" if one is None else f"{asked.other}: {why_too}"
    return one - two, ""


def _matches(utterance: Utterance, asked: Asked) -> bool:
    sought = asked.text.casefold().strip()
    held = sought in utterance.id.casefold() or sought in " ".join(utterance.words).casefold()
    return held and asked.speaker in ("", utterance.speaker)


def _sorted(found: list[Utterance], by: Cells | None, asked: Asked) -> list[Utterance]:
    """Those without a value come last in either direction; of equal ones, the id that sorts first."""
    if by is None:
        named = {"id": lambda one: one.id, "speaker": lambda one: (one.speaker, one.id)}
        key = named.get(asked.sort, lambda one: (one.words, one.id))
        return sorted(found, key=key, reverse=asked.descending)
    values = {one.id: by.value(one.id)[0] for one in found}
    sign = -1 if asked.descending else 1
    return sorted(found, key=lambda one: (values[one.id] is None, sign * (values[one.id] or 0.0), one.id))


def _cell(value: float | None, why: str, signed: bool) -> dict[str, str]:
    if value is None:
        return {"text": "-", "why": why}
    return {"text": f"{value:{'+' if signed else ''}.{DECIMALS}f}"}
