import itertools
import random

import pytest

from avsi.metrics.phone_errors import align


@pytest.mark.parametrize(
    ("reference", "hypothesis", "substitutions", "deletions", "insertions"),
    [
        ("B IH N", "B IH N", 0, 0, 0),
        ("B IH N", "B AH N", 1, 0, 0),
        ("B IH N", "B N", 0, 1, 0),
        ("B IH N", "B IH D N", 0, 0, 1),
        ("B IH N", "", 0, 3, 0),
        ("", "B IH", 0, 0, 2),
        ("", "", 0, 0, 0),
        ("S EH V AH N", "S IH K S", 3, 1, 0),
        ("K IH T AH N", "S IH T IH NG G", 3, 0, 1),
    ],
)
def test_errors_counted_by_hand(reference, hypothesis, substitutions, deletions, insertions):
    reference, hypothesis = reference.split(), hypothesis.split()
    found = align(reference, hypothesis)
    assert (found.substitutions, found.deletions, found.insertions) == (substitutions, deletions, insertions)
    assert align(reference, hypothesis).errors == substitutions + deletions + insertions


def test_pairs_hold_both_sequences_in_order():
    found = align(["L", "EY", "R", "EH", "D"], ["L", "EH", "T", "D"])
    assert found.pairs == (("L", "L"), ("EY", "EH"), ("R", "T"), ("EH", None), ("D", "D"))
    assert found.errors == 3


def test_no_alignment_has_fewer_errors():
    """Against a search over every way to pair up short sequences."""

    def fewest(one: str, two: str) -> int:
        best = max(len(one), len(two)) + min(len(one), len(two))
        for size in range(min(len(one), len(two)) + 1):
            for rows in itertools.combinations(one, size):
                for columns in itertools.combinations(two, size):
                    different = sum(a != b for a, b in zip(rows, columns, strict=True))
                    best = min(best, different + len(one) - size + len(two) - size)
        return best

    draw = random.Random(0)
    for _ in range(100):
        one, two = ("".join(draw.choices("abc", k=draw.randint(0, 5))) for _ in range(2))
        found = align(one, two)
        assert found.errors == fewest(one, two)
        assert "".join(a for a, _ in found.pairs if a) == one
        assert "".join(b for _, b in found.pairs if b) == two
