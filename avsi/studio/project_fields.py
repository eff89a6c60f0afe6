"""What a project may hold: the fields of a page, and those of the server, each of its kind and within its bounds."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, TypeGuard

from ..video.landmarks import MAX_FACES
from .refusals import Refused

MAX_GAPS, MAX_TEXT, MAX_NAME = 20000, 500_000, 300
MAX_CHANNELS = 1024  # of which libsndfile reads no more
BEYOND_S = 1.0  # how far behind the end a gap may reach: durations in headers are estimates
PAGES = ("gaps", "transcript", "model", "use_face", "reference", "adapt", "face")  # the rest is the server's


def checked_fields(fields: dict[str, Any], duration_s: float, models: Collection[str] | None) -> dict[str, Any]:
    """The fields of a page; raises Refused for what they may not hold.

    Args:
        models: the names of which ``model`` must be one; None takes any.
    """
    gaps = fields.get("gaps")
    if not isinstance(gaps, list) or len(gaps) > MAX_GAPS:
        raise Refused(400, f"gaps: expected a list of at most {MAX_GAPS}")
    checked: dict[str, Any] = {"gaps": [_checked_gap(gap, duration_s) for gap in gaps]}
    for name, longest in (("transcript", MAX_TEXT), ("model", MAX_NAME), ("reference", MAX_NAME)):
        text = fields.get(name)
        if not is_text(text, longest) and not (name == "reference" and text is None):
            raise Refused(400, f"{name}: expected text of at most {longest} characters")
        checked[name] = text
    if models is not None and checked["model"] not in models:
        raise Refused(400, f"model: expected one of {', '.join(models)}")
    if not isinstance(fields.get("use_face"), bool):
        raise Refused(400, "use_face: expected true or false")
    # Projects of earlier versions have neither.
    adapt, face = fields.get("adapt") or False, fields.get("face")
    if not isinstance(adapt, bool):
        raise Refused(400, "adapt: expected true or false")
    if face is not None and not (type(face) is int and 1 <= face <= MAX_FACES):
        raise Refused(400, f"face: expected a number from 1 to {MAX_FACES}, counted from the left, or null")
    return {**checked, "use_face": fields["use_face"], "adapt": adapt, "face": face}


def gaps_that_fit(gaps: object, duration_s: float) -> tuple[list[dict[str, Any]], int]:
    """The gaps of a saved project, cut at the end of the clip; and how many cannot be taken, or not whole.

    Raises:
        Refused: no list.
    """
    if not isinstance(gaps, list):
        raise Refused(400, "gaps: expected a list")
    fit, others = [], max(len(gaps) - MAX_GAPS, 0)
    for gap in gaps[:MAX_GAPS]:
        whole = gap
        if isinstance(gap, dict) and is_number(gap.get("end_s")) and gap["end_s"] > duration_s + BEYOND_S:
            whole = {**gap, "end_s": duration_s}
        others += whole is not gap
        try:
            fit.append(_checked_gap(whole, duration_s))
        except Refused:
            others += whole is gap
    return fit, others


def _checked_gap(gap: object, duration_s: float) -> dict[str, Any]:
    if not isinstance(gap, dict):
        raise Refused(400, "a gap: expected an object with start_s and end_s")
    start_s, end_s = checked_times(gap.get("start_s"), gap.get("end_s"), duration_s + BEYOND_S)
    kind, sure, seen_by, repair = (gap.get(name) for name in ("kind", "sure", "seen_by", "repair"))
    for text in (kind, seen_by):
        if text is not None and not is_text(text, MAX_NAME):
            raise Refused(400, f"kind and seen_by of a gap: expected text of at most {MAX_NAME} characters, or null")
    if sure is not None and not (is_number(sure) and 0 <= sure <= 1):
        raise Refused(400, "sure of a gap: expected 0 to 1, or null")
    if not isinstance(repair, bool):
        raise Refused(400, "repair of a gap: expected true or false")
    channel = checked_channel(gap.get("channel"))
    found = {"kind": kind, "sure": sure, "seen_by": seen_by, "channel": channel}
    return {"start_s": start_s, "end_s": end_s, **found, "repair": repair}


def checked_channel(channel: object) -> int | None:
    """Raises Refused for what is no channel, counted from 0; None is all of them."""
    if channel is not None and not (type(channel) is int and 0 <= channel < MAX_CHANNELS):
        raise Refused(400, f"channel of a gap: expected 0 to {MAX_CHANNELS - 1}, or null for all")
    return channel


def checked_times(start_s: object, end_s: object, longest_s: float) -> tuple[float, float]:
    """Raises Refused for times that are no stretch of a clip."""
    if not (is_number(start_s) and is_number(end_s) and 0 <= start_s < end_s <= longest_s):  # type: ignore[operator]
        raise Refused(
            400, f"a gap from {_told(start_s)} to {_told(end_s)}: expected seconds, 0 <= start < end <= the end"
        )
    return round(float(start_s), 6), round(float(end_s), 6)  # type: ignore[arg-type]


def servers_fields(project: dict[str, Any]) -> dict[str, Any]:
    """The words and results of a saved project, as far as they are such, with the fields alone that are known."""
    words = _list_of(project.get("words"), _word)
    words_of = project.get("words_of")
    is_of = isinstance(words_of, list) and len(words_of) == 2 and is_text(words_of[0]) and _are_pairs(words_of[1])
    results = project.get("results")
    read = [_result(result) for result in results] if isinstance(results, list) else []
    return {
        "words": words,
        "words_of": words_of if words is not None and is_of else None,
        "results": [result for result in read if result is not None],
    }


def _word(word: object) -> dict[str, Any] | None:
    if not (isinstance(word, dict) and _is_stretch(word) and is_text(word.get("word"))):
        return None
    phones, confidence = word.get("phones"), word.get("confidence", 0.0)
    if not (isinstance(phones, list) and all(_is_phone(phone) for phone in phones) and is_number(confidence)):
        return None
    return {
        "start_s": word["start_s"],
        "end_s": word["end_s"],
        "word": word["word"],
        "confidence": confidence,
        "phones": phones,
    }


def _is_phone(phone: object) -> bool:
    return isinstance(phone, list) and len(phone) == 3 and is_text(phone[0]) and all(map(is_number, phone[1:]))


def _result(result: object) -> dict[str, Any] | None:
    if not isinstance(result, dict):
        return None
    reasons, mos = _list_of(result.get("reasons"), _reason), _list_of(result.get("mos"), _rating)
    fields = {name: result.get(name) for name in ("id", "gaps", "model", "use_face", "draw", "made")}
    texts = all(is_text(fields[name], MAX_NAME) for name in ("id", "model", "made"))
    if not (
        texts and _are_pairs(fields["gaps"]) and isinstance(fields["use_face"], bool) and is_number(fields["draw"])
    ):
        return None
    asked = result.get("asked")
    fields["asked"] = asked if _are_pairs(asked) else fields["gaps"]  # results of earlier versions name none
    return {**fields, "adapted": result.get("adapted") is True, "reasons": reasons or [], "mos": mos}


def _reason(reason: object) -> dict[str, Any] | None:
    if not (isinstance(reason, dict) and _is_stretch(reason) and is_text(reason.get("reason"))):
        return None
    return {name: reason[name] for name in ("start_s", "end_s", "reason")}


def _rating(rating: object) -> dict[str, Any] | None:
    if not (isinstance(rating, dict) and _is_stretch(rating)):
        return None
    scores = {name: rating.get(name) for name in ("before", "after")}
    if not all(score is None or is_number(score) for score in scores.values()):
        return None
    return {"start_s": rating["start_s"], "end_s": rating["end_s"], **scores}


def _list_of(values: object, taken: Any) -> list[dict[str, Any]] | None:
    """Each value as it is taken; None where one is not, or there is no list."""
    if not isinstance(values, list):
        return None
    read = [taken(value) for value in values]
    return None if any(value is None for value in read) else read


def _told(value: object) -> str:
    return f"{value:g}" if is_number(value) else "no number"


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _is_stretch(value: dict[str, Any]) -> bool:
    return is_number(value.get("start_s")) and is_number(value.get("end_s"))


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) for pair in value
    )


def is_text(text: object, longest: int = MAX_TEXT) -> TypeGuard[str]:
    return (
        isinstance(text, str)
        and len(text) <= longest
        and all(not "\ud800" <= character <= "\udfff" for character in text)  # which no file can hold
    )
