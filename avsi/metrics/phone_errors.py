"""Phone errors: the alignment of a recognised phone sequence with its reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest


@dataclass(frozen=True)
class Alignment:
    """Two aligned sequences.

    Attributes:
        pairs: (phone of the reference, phone of the hypothesis); None for the missing one of an insertion or deletion.
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
    """The alignment with the fewest errors; substitutions, deletions and insertions count 1 (Levenshtein, 1966)."""
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[str | None, str | None]] = []
    for step in Levenshtein.opcodes(reference, hypothesis):
        part = reference[step.src_start : step.src_end]
        pairs += zip_longest(part, hypothesis[step.dest_start : step.dest_end])
    return Alignment(tuple(pairs))
