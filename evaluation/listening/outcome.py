"""What listeners said of systems: means, intervals and paired differences, as tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np

from avsi.data.gap_protocol import Condition
from avsi.errors import DataError
from avsi.metrics.registry import Column

from ..folder.versions import ORIGINAL
from ..reporting.cells import DECIMALS, condition_title, interval_text
from ..reporting.table_model import Table
from ..statistics.comparisons import clear_of_0, count_comparisons, verdict
from ..statistics.intervals import Bootstrap, Estimate
from .listening_test import MUSHRA, PAIRS, ListeningTest
from .ratings import Rating, listeners, read_ratings

RATING = Column("rating", "Rating", "0 to 100", False)
PREFERENCE = Column("preference", "Preference", "share", False)
PREFERRED = 'Share of its pairs in which a system was preferred ("No difference" counts half for each of both)'
ALL, TOP = "all", 100
# Of fewer trials, nothing is called better or worse: five answers alike come by chance once in sixteen times.
FEWEST = 6
# ITU-R BS.1534-3, section 4.1.2: listeners who rate the hidden original lower more often than this are left out there.
RECOGNISED, MOST_MISSED = 90, 0.15


def outcome_tables(test: ListeningTest) -> list[Table]:
    """The tables of a test, of all that is rated so far; none before the first rating. Ratings that cannot be read are
    left out, and captions say why.

    Listeners are drawn with replacement, and from each as many trials as were rated: intervals hold for other
    listeners and items; with one listener, for other items alone.
    """
    ratings, left_out = [], []
    for listener in listeners(test):
        try:
            ratings += read_ratings(test, listener)
        except DataError as error:
            left_out.append(f"Not counted: {error}.")
    if not ratings:
        if left_out:
            raise DataError(left_out[0])
        return []
    units = sorted({(rating.listener, rating.trial) for rating in ratings})
    values = {(rating.listener, rating.trial, rating.system): rating.rating for rating in ratings}
    bootstrap = Bootstrap([listener for listener, _ in units])
    conditions = [*([ALL] if len(test.conditions) > 1 else []), *test.conditions]

    def means_of(value: Callable[..., float], compared: list) -> dict[tuple, Estimate | None]:
        """By what is compared and condition; None where nothing was rated."""
        keys = [(*each, condition) for each in compared for condition in conditions]
        found = bootstrap.estimates((np.array([value(*key, *unit) for unit in units], float), None) for key in keys)
        return {key: estimate if estimate.scored else None for key, estimate in zip(keys, found, strict=True)}

    def rated(name: str, condition: str, listener: str, number: int) -> float:
        inside = condition in (ALL, test.trials[number - 1].condition)
        return values.get((listener, number, name), np.nan) if inside else np.nan

    def further(one: str, two: str, condition: str, *unit: object) -> float:
        # Half of it is how far a share is above one half.
        return (rated(two, condition, *unit) - rated(one, condition, *unit)) / (2 if test.kind == PAIRS else 1)

    count = len({listener for listener, _ in units})
    about = f"{len(units)} rated trial{'' if len(units) == 1 else 's'} of {count} listener{'' if count == 1 else 's'}"
    drawn = "listeners and their trials" if count > 1 else "the trials of one listener"
    over = f"over {about}, with 95 % intervals (bootstrap over {drawn}) in brackets, which end where the scale does; "
    over += "n: how many of the trials."
    names = list(dict.fromkeys(name for trial in test.trials for name in trial.versions))
    means = means_of(rated, [(name,) for name in names])
    pairs = list(combinations([name for name in names if name in test.systems], 2))
    differences = means_of(further, pairs)
    tables = [_means(test, names, conditions, means, over, ratings)]
    tables += [_differences(test, pairs, conditions, differences, bootstrap.units, over)] if pairs else []
    return [replace(table, caption=" ".join([table.caption, *left_out])) for table in tables]


def _means(
    test: ListeningTest,
    names: list[str],
    conditions: list[str],
    means: dict[tuple[str, str], Estimate | None],
    over: str,
    ratings: list[Rating],
) -> Table:
    column, scale = (RATING, (0, TOP)) if test.kind == MUSHRA else (PREFERENCE, (0, 1))
    what = "Ratings from 0 to 100" if test.kind == MUSHRA else PREFERRED
    missed = _who_missed(ratings) if test.kind == MUSHRA else []
    note = (
        f"Rated the hidden original below {RECOGNISED} in more than {100 * MOST_MISSED:g} % of the trials, for which "
        f"ITU-R BS.1534-3 leaves listeners out (they are counted here): {', '.join(missed)}."
    )
    return Table(
        label=f"listening-{test.name}",
        caption=" ".join([f"{what}: means {over}", *([note] if missed else [])]),
        header=["System", *(f"{_title(condition)}\n({column.unit})" for condition in conditions)],
        alignment="l" + "r" * len(conditions),
        rows=[[name, *(_text(means[name, condition], scale) for condition in conditions)] for name in names],
    )


def _differences(
    test: ListeningTest,
    pairs: list[tuple[str, str]],
    conditions: list[str],
    differences: dict[tuple[str, str, str], Estimate | None],
    units: int,
    over: str,
) -> Table:
    column, scale = (RATING, (-TOP, TOP)) if test.kind == MUSHRA else (PREFERENCE, (-0.5, 0.5))
    judged = [of for of in differences.values() if of and not _unjudged(of)]
    comparisons, rows, bold = count_comparisons(judged), [], set()
    for number, pair in enumerate(pairs):
        rows.append([f"{pair[1]} against {pair[0]}"])
        for place, condition in enumerate(conditions, start=1):
            found = differences[(*pair, condition)]
            said = (_unjudged(found) or verdict(found, column, units, comparisons)) if found else ""
            rows[-1].append("\n".join(filter(None, [_text(found, scale, "+"), said])))
            if said == "better":
                bold.add((number, place))
    what = "the first's rating minus the second's" if test.kind == MUSHRA else "the first's share above one half"
    return Table(
        label=f"listening-differences-{test.name}",
        caption=f"Paired differences, {what}: means {over} Better (bold) or worse: {clear_of_0(comparisons)}. "
        f"Nothing is called so of fewer than {FEWEST} trials, nor of answers all alike, which have no interval. "
        "Blank cells were not judged.",
        header=["Systems", *map(_title, conditions)],
        alignment="l" + "r" * len(conditions),
        rows=rows,
        bold=frozenset(bold),
    )


def _unjudged(estimate: Estimate) -> str:
    """Why a difference is called neither better nor worse, whatever its interval."""
    if estimate.scored < FEWEST:
        return "too few trials"
    return "all alike" if estimate.is_point else ""


def _text(estimate: Estimate | None, scale: tuple[float, float], sign: str = "z") -> str:
    """Trials of other pairs and conditions, and those to come, are not missing.

    Args:
        scale: what the mean can be, lowest and highest.
    """
    if estimate is None:
        return ""
    low, high = max(estimate.low, scale[0]), min(estimate.high, scale[1])
    if estimate.is_point:
        low = high = math.nan  # answers that are all alike tell nothing of others
    decimals = 1 if scale[1] == TOP else DECIMALS
    found = interval_text(replace(estimate, low=low, high=high, missing=0), sign, decimals=decimals)
    return f"{found}\nn = {estimate.scored}"


def _title(condition: str) -> str:
    return condition_title(Condition.parse(condition))


def _who_missed(ratings: list[Rating]) -> list[str]:
    of: dict[str, list[bool]] = {}
    for rating in ratings:
        if rating.system == ORIGINAL:
            of.setdefault(rating.listener, []).append(rating.rating < RECOGNISED)
    return [listener for listener, missed in of.items() if np.mean(missed) > MOST_MISSED]
