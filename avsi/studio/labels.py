"""Labels of other programs, as gaps of a page: Audacity's label track, and the JSON of `avsi detect`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..data.damage import KINDS, PICTURE, Damage
from ..data.gap_files import CHANNEL, channels_told, parse_labels
from ..detecting.damage_files import FORMAT, FORMATS
from ..errors import DataError, GapError
from .project_fields import MAX_NAME, checked_channel, checked_times
from .refusals import Refused

MARKED = "gap"  # what a label says of a stretch of no known kind
MAX_LABELS = 20000


def read_labels(text: bytes, name: str, longest_s: float) -> list[dict[str, Any]]:
    """The gaps in a file of labels.

    Raises:
        Refused: what is none, or lies outside the clip.
        AvsiError: a line that cannot be read.
    """
    try:
        content = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(400, f"{name}: not a text file in UTF-8") from None
    if name.lower().endswith(".json"):
        found = _damage_in(content, name)
    else:
        try:
            labels = parse_labels(_lines(content), name)
        except GapError as error:
            expected = "text files are read as labels: drop one of those, a film or a recording"
            raise Refused(400, f"{error}; {expected}") from error
        found = [
            (gap.start_s, gap.end_s, CHANNEL.sub("", said).strip() or MARKED, None, None, next(iter(of), None))
            for gap, said in labels
            for of in [channels_told(said)]
        ]
    if len(found) > MAX_LABELS:
        raise Refused(400, f"{name}: holds {len(found)} labels; at most {MAX_LABELS} are read")
    gaps = []
    for start_s, end_s, kind, sure, seen_by, channel in found:
        times = checked_times(start_s, min(end_s, longest_s) if _is_number(end_s) else end_s, longest_s)
        known = {"kind": None if kind == MARKED else kind[:MAX_NAME], "sure": sure, "seen_by": seen_by}
        known["channel"] = checked_channel(channel)
        gaps.append({"start_s": times[0], "end_s": times[1], **known, "repair": seen_by != PICTURE})
    return gaps


def _lines(content: str) -> list[str]:
    return content.replace("\r\n", "\n").split("\n")


def _damage_in(content: str, name: str) -> list[tuple]:
    try:
        saved = json.loads(content)
        if saved["format"] != FORMAT:
            raise DataError("another format")
        found = [
            (*(each[name] for name in ("start_s", "end_s", "kind", "sure", "seen_by")), each.get("channel"))
            for each in saved["damage"]
        ]
        for *times, kind, sure, seen_by, _ in found:
            if not (all(map(_is_number, [*times, sure])) and 0 <= sure <= 1 and isinstance(kind, str)):
                raise DataError("a value")
            if not (isinstance(seen_by, str) and len(seen_by) <= MAX_NAME):
                raise DataError("a value")
    except (ValueError, KeyError, TypeError, RecursionError, DataError):
        raise Refused(
            400, f"{name}: holds no damage as avsi detect writes it; expected that, or labels as .txt"
        ) from None
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def gaps_from(gaps: Sequence[dict[str, Any]], start_s: float) -> list[dict[str, Any]]:
    """Gaps on a clock that shows 0 at ``start_s``, without what lies before."""
    moved = [
        {**gap, "start_s": round(max(gap["start_s"] - start_s, 0.0), 6), "end_s": round(gap["end_s"] - start_s, 6)}
        for gap in gaps
    ]
    return [gap for gap in moved if gap["end_s"] > gap["start_s"]]


def write_labels(gaps: Sequence[dict[str, Any]], format_: str, duration_s: float) -> str:
    """Raises Refused for a format that is not known."""
    if format_ not in ("txt", "json"):
        raise Refused(400, "format: expected txt or json")
    unmarked = MARKED if format_ == "txt" else "unknown"
    damage = []
    for gap in sorted(gaps, key=lambda gap: (gap["start_s"], gap["end_s"])):
        kind = " ".join((gap["kind"] or unmarked).split())  # a line break would make another label
        kind = kind if format_ == "txt" or kind in KINDS else "unknown"
        sure = 1.0 if gap["sure"] is None else gap["sure"]
        damage.append(Damage(gap["start_s"], gap["end_s"], kind, sure, gap["seen_by"] or "", gap["channel"]))
    return FORMATS[f".{format_}"](damage, duration_s)
