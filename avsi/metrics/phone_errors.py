"""What a recogniser got wrong: the alignment of two phone sequences, and the phone error rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """Two sequences side by side.

    Attributes:
        pairs: (phone of the reference, phone of the hypothesis); None where one of them has nothing.
    """

    pairs: tuple[tuple[str | None, str | None], ...]

    @property
    def substitutions(self) -> int:
        return sum(one != two and None not in (one, two) for one, two in self.pairs)

    @property
    def deletions(self) -> int:
        return sum(two is None for _, two in self.pairs)

    @property
    def insertions(self) -> int:
        return sum(one is None for one, _ in self.pairs)

    @property
    def errors(self) -> int:
        return sum(one != two for one, two in self.pairs)


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """The alignment of fewest substitutions, deletions and insertions, each of which counts 1 (Levenshtein, 1966).

    Of several, the one that substitutes latest: read from the end, a pair is preferred to a deletion, and that to an
    insertion.
    """
    rows, columns = len(reference), len(hypothesis)
    costs = [[row + column for column in range(columns + 1)] for row in range(rows + 1)]
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            differs = reference[row - 1] != hypothesis[column - 1]
            costs[row][column] = min(
                costs[row - 1][column - 1] + differs, costs[row - 1][column] + 1, costs[row][column - 1] + 1
            )
    pairs: list[tuple[str | None, str | None]] = []
    row, column = rows, columns
    while row or column:
        cost = costs[row][column]
        if row and column and cost == costs[row - 1][column - 1] + (reference[row - 1] != hypothesis[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((reference[row], hypothesis[column]))
        elif row and cost == costs[row - 1][column] + 1:
            row -= 1
            pairs.append((reference[row], None))
        else:
            column -= 1
            pairs.append((None, hypothesis[column]))
    return Alignment(tuple(reversed(pairs)))
