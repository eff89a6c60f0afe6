"""Which of the damage that is found in a recording is repaired."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..data.damage import PICTURE, Damage
from ..data.gaps import Gap
from ..detecting.detect import SURE, detect_in, no_progress
from ..detecting.listener import Listener
from ..errors import AvsiWarning
from ..media.sound_reading import Sound
from ..timebase import join_stretches
from .excerpts import MAX_GAP_S

# It may be meant: it is told, and repaired only where that is asked for.
LEFT = "clipping"
TOO_LONG = f"it lasts more than {MAX_GAP_S:g} s"


def find_gaps(
    path: Path,
    sound: Sound,
    from_first_sample: bool = False,
    kinds: Collection[str] | None = None,
    sure: float = SURE,
    progress: Callable = no_progress,
    tell: Callable[[list[Damage], list[str]], None] = lambda found, left: None,
    listener: Listener | None = None,
) -> list[Gap]:
    """The damage of an open file that can be repaired, as gaps.

    Args:
        from_first_sample, sure, progress: as :func:`avsi.detecting.detect.detect_file` takes them.
        kinds: those that are looked for and repaired; None looks for all, and repairs all but clipping.
        listener: as :func:`avsi.detecting.detect.detect_in` takes it; by default rules alone look.
        tell: what is done with all that is found, and with what :func:`why_left` says of it.
    """
    found = detect_in(path, sound, kinds, sure, from_first_sample, progress, listener)
    tell(found, why_left(found, kinds))
    return gaps_of([damage for damage in found if kinds is not None or damage.kind != LEFT])


def why_left(found: Sequence[Damage], kinds: Collection[str] | None = None) -> list[str]:
    """Why each damage is left as it is; "" where it is repaired.

    Args:
        kinds: as of :func:`find_gaps`.
    """
    reasons = []
    for damage in found:
        if kinds is None and damage.kind == LEFT:
            reasons.append(f"it may be meant; --kinds {LEFT} restores it")
        elif damage.seen_by == PICTURE:
            reasons.append("only pictures are missing")
        else:
            reasons.append(TOO_LONG if damage.end_s - damage.start_s > MAX_GAP_S else "")
    repaired = [(each.start_s, each.end_s) for each, reason in zip(found, reasons, strict=True) if not reason]
    long = [(start_s, end_s) for start_s, end_s in join_stretches(repaired) if end_s - start_s > MAX_GAP_S]
    return [
        reason or f"{TOO_LONG}, with what it overlaps" * any(a <= each.start_s < b for a, b in long)
        for each, reason in zip(found, reasons, strict=True)
    ]


def gaps_of(found: Sequence[Damage]) -> list[Gap]:
    """The gaps, sorted and disjoint, that damage leaves. Where pictures alone are missing there is none; what lasts
    more than 30 s is no drop-out, and is passed over with a warning.
    """
    heard = [damage for damage in found if damage.seen_by != PICTURE]
    short = [(each.start_s, each.end_s) for each in heard if each.end_s - each.start_s <= MAX_GAP_S]
    stretches = join_stretches(short)  # of what lies close together more than 30 s may come
    long = [(each.start_s, each.end_s) for each in heard if each.end_s - each.start_s > MAX_GAP_S]
    for start_s, end_s in [*long, *(each for each in stretches if each[1] - each[0] > MAX_GAP_S)]:
        told = f"{start_s:.2f}-{end_s:.2f} s: damage of more than {MAX_GAP_S:g} s is left as it is"
        warnings.warn(told, AvsiWarning, stacklevel=3)
    return [Gap(start_s, end_s) for start_s, end_s in stretches if end_s - start_s <= MAX_GAP_S]
