"""The ratings of listeners: a CSV file for each, in the folder of the test, written anew with every trial."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path

from avsi.errors import ConfigError, DataError
from avsi.files import read_text, write_text
from avsi.folders import locked

from .listening_test import MUSHRA, PAIRS, ListeningTest

MOST_NAME = 40
WAIT_S = 30  # for others who write into the same test; each is done in a moment
PREFERENCES = ([1, 0], [0, 1], [0.5, 0.5])  # the first, the second, or neither


@dataclass(frozen=True)
class Rating:
    """A line of the file: what a listener said of one version.

    Attributes:
        trial: its number in the test, from 1, which is the same for every listener.
        position: of the version among those of the trial, from 1, as the listener had them.
        rating: MUSHRA: 0 to 100. Pairs: 1 for the system that was preferred, 0 for the other, 0.5 without a preference.
        time: when it was given, in UTC.
    """

    seed: int
    listener: str
    trial: int
    system: str
    utterance: str
    condition: str
    position: int
    rating: float
    time: str


NUMBERS = {"seed": int, "trial": int, "position": int, "rating": float}
HEADER = [field.name for field in fields(Rating)]


def listener_name(text: str) -> str:
    """A listener's name or number as that of a file, with ``_`` for each space. Raises ConfigError for what is none."""
    name = "_".join(unicodedata.normalize("NFC", text).split())
    # Many scripts write vowels as marks, which \w leaves out.
    letters = all(unicodedata.category(sign)[0] in "LMN" or sign in "_.+-" for sign in name)
    if not (letters and re.match(r"\w", name) and len(name) <= MOST_NAME):
        raise ConfigError(
            f"{text[:60]!r}: expected a listener's name or number, of up to {MOST_NAME} letters, digits, spaces and "
            "-_.+, a letter or digit first"
        )
    return name


def ratings_path(test: ListeningTest, listener: str) -> Path:
    return test.folder / f"{listener}.csv"


def read_ratings(test: ListeningTest, listener: str) -> list[Rating]:
    """None yet: an empty list.

    Raises:
        DataError: naming the line, for what is no rating of the test, a second one of the same version, or a trial that
            was not rated as a whole.
    """
    path = ratings_path(test, listener)
    if not path.is_file():
        return []
    rows = csv.DictReader(io.StringIO(read_text(path)))
    if rows.fieldnames != HEADER:
        raise DataError(f"{path}: expected the columns {','.join(HEADER)}")
    ratings, given, last = [], {}, {}
    for row in rows:
        place = f"{path}:{rows.line_num}"
        rating = _rating(test, listener, row, place)
        values = given.setdefault(rating.trial, {})
        if rating.system in values:
            raise DataError(f"{place}: rates {rating.system} in trial {rating.trial} again; remove one of both lines")
        values[rating.system], last[rating.trial] = rating.rating, place
        ratings.append(rating)
    for number, values in given.items():
        try:
            check_values(test, list(values.values()), number)
        except ConfigError as error:
            mend = "mend its lines, or remove them all: the listener then has it again"
            raise DataError(f"{last[number]}: trial {number}: {error}; {mend}") from None
    return ratings


def _rating(test: ListeningTest, listener: str, row: dict, place: str) -> Rating:
    """A line of a listener's file. Raises DataError for what is no rating of one of the versions of a trial."""
    try:
        rating = Rating(**{name: NUMBERS.get(name, str)(value) for name, value in row.items()})
    except (TypeError, ValueError):
        raise DataError(f"{place}: expected {','.join(HEADER)}") from None
    of = rating.seed, rating.listener
    if of != (test.seed, listener) or not 1 <= rating.trial <= len(test.trials) or not math.isfinite(rating.rating):
        told = f"seed {rating.seed}, listener {rating.listener}, trial {rating.trial}, rating {rating.rating:g}"
        raise DataError(f"{place}: found {told}, which is no rating of the test {test.name} by {listener}")
    trial, found = test.trials[rating.trial - 1], (rating.system, rating.utterance, rating.condition)
    if found[1:] != (trial.id, trial.condition) or rating.system not in trial.versions:
        expected = f"{' or '.join(trial.versions)}, {trial.id}, {trial.condition}"
        raise DataError(f"{place}: found {', '.join(found)}; expected, in trial {rating.trial}, {expected}")
    return rating


def listeners(test: ListeningTest) -> list[str]:
    """Those who rated something."""
    return sorted(path.stem for path in test.folder.glob("*.csv"))


def next_trial(test: ListeningTest, listener: str) -> tuple[int | None, int]:
    """(the number of the trial that a listener has next, None after the last; how many are rated)."""
    rated = {rating.trial for rating in read_ratings(test, listener)}
    return next((number for number in test.order(listener) if number not in rated), None), len(rated)


def add_ratings(test: ListeningTest, listener: str, number: int, values: Sequence[float]) -> None:
    """Write what a listener says of the versions of a trial, in the order of their positions.

    Raises:
        ConfigError: values that are no ratings, or a trial that is not there or was rated already.
    """
    check_values(test, values, number)
    with locked(test.folder, wait_s=WAIT_S):
        ratings = read_ratings(test, listener)
        if any(rating.trial == number for rating in ratings):
            raise ConfigError(f"trial {number} is rated already; load the page again to go on")
        trial, now = test.trials[number - 1], datetime.now(timezone.utc).isoformat(timespec="seconds")
        told = zip(test.positions(listener, number), values, strict=True)
        ratings += [
            Rating(test.seed, listener, number, version, trial.id, trial.condition, position, float(value), now)
            for position, (version, value) in enumerate(told, start=1)
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows([f"{x:g}" if isinstance(x, float) else x for x in vars(one).values()] for one in ratings)
        write_text(ratings_path(test, listener), text.getvalue())


def check_values(test: ListeningTest, values: Sequence[float], number: int) -> None:
    """Raises ConfigError unless they rate the versions of a trial."""
    if not 1 <= number <= len(test.trials):
        raise ConfigError(f"trial {number}: expected 1 to {len(test.trials)}")
    if test.kind == PAIRS and list(values) not in PREFERENCES:
        raise ConfigError("ratings of a pair: expected [1, 0], [0, 1] or [0.5, 0.5]")
    count = len(test.trials[number - 1].versions)
    fit = len(values) == count and all(0 <= value <= 100 for value in values)  # NaN is neither
    if test.kind == MUSHRA and not fit:
        raise ConfigError(f"ratings: expected {count} numbers from 0 to 100")
