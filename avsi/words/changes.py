"""What became of the words of a transcript in another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .transcript import Word


@dataclass(frozen=True)
class Change:
    """Words [start, stop) of a transcript that became the words [new_start, new_stop) of another. One of both may be
    none: words are inserted before ``start``, or removed.

    Attributes:
        at_s: where words are inserted, in seconds from the first sample; None chooses a place between their neighbours.
    """

    start: int
    stop: int
    new_start: int
    new_stop: int
    at_s: float | None = None

    @property
    def kind(self) -> str:
        """What is done: "replaced", "inserted" or "removed"."""
        if self.start == self.stop:
            return "inserted"
        return "replaced" if self.new_start < self.new_stop else "removed"

    def widened(self, before: int, after: int) -> Change:
        """As if so many words before and after it, which are the same in both, had changed too."""
        return Change(self.start - before, self.stop + after, self.new_start - before, self.new_stop + after)

    def joined(self, later: Change) -> Change:
        """One change of this one, a later one, and the words between."""
        return Change(self.start, later.stop, self.new_start, later.new_stop, self.at_s)


def find_changes(before: Sequence[Word], after: Sequence[Word]) -> list[Change]:
    """Which words differ, in order. Words are the same that are spoken alike, however they are written: "2" and "Two".

    They are found as by difflib: the longest run of words that both have in common, and so on to its left and right.
    """
    matcher = SequenceMatcher(None, [word.spoken for word in before], [word.spoken for word in after], autojunk=False)
    return [Change(*span) for tag, *span in matcher.get_opcodes() if tag != "equal"]
