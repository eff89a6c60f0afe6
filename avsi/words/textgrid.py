"""TextGrid files, as Praat writes them: tiers of labelled intervals."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import DataError

# A text in quotes, which are doubled within it, or a number or a flag that stands alone; the rest, such as "xmin =" and
# "intervals [2]:", is for people (Praat's manual, "TextGrid file formats"). A comment runs from ! to the line's end.
TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(?:(-?[\d.]+(?:[eE][+-]?\d+)?)(?!\S)|(<exists>|<absent>)|!.*)')


@dataclass(frozen=True)
class Interval:
    """A stretch of a tier; its text is empty in silence."""

    start_s: float
    end_s: float
    text: str


def filled(intervals: Iterable[Interval], duration_s: float) -> list[Interval]:
    """Intervals from 0 to the end of the recording without a hole, to the microsecond; empty ones are put between."""
    whole: list[Interval] = []
    reached_s, last_s = 0.0, round(duration_s, 6)
    for interval in intervals:
        start_s, end_s = max(round(interval.start_s, 6), reached_s), min(round(interval.end_s, 6), last_s)
        if start_s > reached_s:
            whole.append(Interval(reached_s, start_s, ""))
        whole.append(Interval(start_s, end_s, interval.text))
        reached_s = end_s
    if reached_s < last_s:
        whole.append(Interval(reached_s, last_s, ""))
    return whole


def textgrid_text(tiers: Mapping[str, Sequence[Interval]], duration_s: float) -> str:
    """A TextGrid in Praat's long text format, of tiers that are each filled."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {_seconds(duration_s)}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
        lines += ["        xmin = 0", f"        xmax = {_seconds(duration_s)}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for index, interval in enumerate(intervals, start=1):
            lines += [f"        intervals [{index}]:", f"            xmin = {_seconds(interval.start_s)}"]
            lines += [f"            xmax = {_seconds(interval.end_s)}", f"            text = {_quoted(interval.text)}"]
    return "\n".join(lines) + "\n"


def parse_textgrid(text: str) -> tuple[dict[str, list[Interval]], float]:
    """The tiers of intervals by name, and the duration in seconds, of a TextGrid in the long or the short text format.

    Tiers of points are passed over.

    Raises:
        DataError: no TextGrid, a damaged one, or one that does not start at 0.
    """
    tokens = _Tokens(text)
    if [tokens.text("its type"), tokens.text("its class")] != ["ooTextFile", "TextGrid"]:
        raise DataError("not a TextGrid; expected one that Praat saved as a text file")
    start_s, duration_s = tokens.number("the start"), tokens.number("the end")
    if start_s != 0:
        raise DataError(f"starts at {start_s:g} s, expected 0")
    tokens.flag()
    tiers: dict[str, list[Interval]] = {}
    for _ in range(tokens.count("the number of tiers")):
        kind, name = tokens.text("a tier's class"), tokens.text("a tier's name")
        where = f"tier '{name}'"
        intervals: list[Interval] = []
        for end in ("start", "end"):
            tokens.number(f"the {end} of {where}")
        for _ in range(tokens.count(f"the number of pieces of {where}")):
            start_s = tokens.number(where)
            if kind == "IntervalTier":
                intervals.append(Interval(start_s, tokens.number(where), tokens.text(where)))
            else:
                tokens.text(where)
        if kind == "IntervalTier":
            tiers[name] = intervals
    return tiers, duration_s


class _Tokens:
    """The values of a file, one after another."""

    def __init__(self, text: str) -> None:
        self._matches = TOKEN.finditer(text)

    def _next(self, group: int, wanted: str) -> str:
        match = next((match for match in self._matches if match.lastindex), None)
        if match is None:
            raise DataError(f"ends before {wanted}; it is damaged or cut")
        if match[group] is None:
            raise DataError(f"found {match[0]} where {wanted} was expected; it is damaged")
        return match[group]

    def text(self, of: str) -> str:
        return self._next(1, f"a text ({of})").replace('""', '"')

    def number(self, of: str) -> float:
        found = self._next(2, f"a number ({of})")
        try:
            return float(found)
        except ValueError:
            raise DataError(f"found {found} where a number ({of}) was expected; it is damaged") from None

    def count(self, of: str) -> int:
        number = self.number(of)
        if not number.is_integer() or number < 0:
            raise DataError(f"found {number:g} as {of}; it is damaged")
        return int(number)

    def flag(self) -> None:
        if self._next(3, "<exists>") == "<absent>":
            raise DataError("holds no tiers")


def _seconds(time_s: float) -> str:
    return f"{time_s:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
