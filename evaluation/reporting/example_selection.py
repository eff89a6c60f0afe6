"""The selection of examples: the best, the median and the worst utterances of every condition."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice

from avsi.errors import ConfigError

BEST, MEDIAN, WORST, NOT_SCORED = RANKS = ("best", "median", "worst", "not scored")
MOST_EXAMPLES = 50  # with eight versions of three seconds, a page of so many has some 40 MB
DEFAULT_EXAMPLES = 24


@dataclass(frozen=True)
class Selection:
    """An utterance under a condition, and its rank in ``RANKS`` among the utterances of that condition."""

    condition: str
    id: str
    rank: str


def check_count(count: int) -> None:
    """Raises ConfigError unless a page can hold so many examples."""
    if not 1 <= count <= MOST_EXAMPLES:
        raise ConfigError(f"{count} examples: expected 1 to {MOST_EXAMPLES}, which is the most that a page holds")


def select_examples(
    scores: Mapping[str, Mapping[str, float | None]], lower_is_better: bool, count: int = DEFAULT_EXAMPLES
) -> list[Selection]:
    """The best example of each condition, the median of each, the worst of each, the second best of each, and so on.

    No example is chosen twice. Of equal values, the one whose id sorts first is the better. Utterances without a value
    come last, condition by condition and as ``NOT_SCORED``, where there is room for them.

    Args:
        scores: condition -> utterance id -> the value of one metric of one system; None or NaN where it has none.
        count: the most examples.

    Raises:
        ConfigError: a count that a page cannot hold.
    """
    check_count(count)
    sign = 1 if lower_is_better else -1
    # In three turns at least one is chosen, as long as there are any.
    turns = [list(islice(_turns(condition, values, sign), 3 * count)) for condition, values in scores.items()]
    longest = max(map(len, turns), default=0)
    ranked = [turn[index] for index in range(longest) for turn in turns if index < len(turn) and turn[index]]
    missing = [
        Selection(condition, id_, NOT_SCORED)
        for condition, values in scores.items()
        for id_ in sorted(values)
        if not _known(values[id_])
    ]
    return [*ranked, *missing][:count]


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _turns(condition: str, values: Mapping[str, float | None], sign: int) -> Iterator[Selection | None]:
    """Best, median, worst, second best and so on of one condition; None where no utterance is left.

    ``sign`` times the value is lower for better utterances.
    """
    order = sorted((id_ for id_, value in values.items() if _known(value)), key=lambda id_: (sign * values[id_], id_))
    for place, rank in zip(_places(len(order)), cycle(RANKS[:3]), strict=False):
        yield None if place is None else Selection(condition, order[place], rank)


def _places(n: int) -> Iterator[int | None]:
    """The places of best, median, worst, second best ... among ``n`` in order, each place once.

    The median is the free place nearest to the middle (the better of two), strictly between the best and the worst
    taken so far: with two utterances there is no median.
    """
    free = dict.fromkeys(range(n))
    middle = sorted(range(n), key=lambda place: abs(place - (n - 1) / 2))
    for first in range((n + 1) // 2):
        last = n - 1 - first
        inner = next((place for place in middle if place in free and first < place < last), None)
        for place in (first, inner, last):
            yield place if place in free else None
            free.pop(place, None)
