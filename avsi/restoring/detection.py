"""Which of the damage that is found in a recording is repaired."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..data.damage import PICTURE, Damage
from ..data.gaps import Gap, gaps_by_channel
from ..detecting.detect import SURE, detect_in, no_progress
from ..detecting.listener import Listener
from ..errors import AvsiWarning
from ..media.sound_reading import Sound
from ..timebase import join_stretches, to_samples
from .channels import RestorationPlan, plan_restoration
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
    listener: Listener | None = None,
) -> list[Gap]:
    """The damage of an open file that can be repaired, as gaps.

    Args:
        from_first_sample, sure, progress: as :func:`avsi.detecting.detect.detect_file` takes them.
        kinds: those that are looked for and repaired; None looks for the usual ones, and repairs all but clipping.
        listener: as :func:`avsi.detecting.detect.detect_in` takes it; by default rules alone look.
    """
    return _repaired(detect_in(path, sound, kinds, sure, from_first_sample, progress, listener), kinds, sound)


def plan_repair(
    path: Path,
    sound: Sound,
    from_first_sample: bool = False,
    kinds: Collection[str] | None = None,
    sure: float = SURE,
    progress: Callable = no_progress,
    listener: Listener | None = None,
    tell: Callable[[list[Damage], list[str], list[str]], None] | None = None,
) -> RestorationPlan:
    """What restores the gaps that :func:`find_gaps` finds, whose other arguments it takes.

    Args:
        tell: what is done with all that is found, with what :func:`why_left` says of it, and for each with the channel
            that it is restored from, such as "channel 2"; "" where that is the model. By default warnings say what is
            restored from another channel.

    Raises:
        GapError: as of :func:`.plan_restoration`; nothing is wrong with a recording without gaps.
    """
    found = detect_in(path, sound, kinds, sure, from_first_sample, progress, listener)
    gaps, start_s = _repaired(found, kinds, sound), 0.0 if from_first_sample else sound.start_s
    plan = RestorationPlan([], [], [])
    if gaps:
        plan = plan_restoration(gaps, sound.read, sound.n_samples, sound.rate, sound.channels, start_s)
    if tell is None:
        plan.tell()
    else:
        tell(found, why_left(found, kinds), _sources(found, plan, sound.rate, start_s))
    return plan


def _repaired(found: Sequence[Damage], kinds: Collection[str] | None, sound: Sound) -> list[Gap]:
    return gaps_of([damage for damage in found if kinds is not None or damage.kind != LEFT], sound.channels)


def _sources(found: Sequence[Damage], plan: RestorationPlan, rate: int, start_s: float) -> list[str]:
    """For each damage the channel that its gap is restored from, as a name; "" where that is the model."""
    return [
        next(
            (
                f"channel {each.source + 1}" + " in part" * any(each.goes_on)
                for each in plan.taken
                if damage.channel == each.channel
                and each.start < to_samples(damage.end_s - start_s, rate)
                and to_samples(damage.start_s - start_s, rate) < each.stop
            ),
            "",
        )
        for damage in found
    ]


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
    repaired = [each for each, reason in zip(found, reasons, strict=True) if not reason]
    n_named = 1 + max((each.channel for each in repaired if each.channel is not None), default=0)
    long = [gap for gap in _joined(repaired, n_named) if gap.length_s > MAX_GAP_S]
    return [
        reason or f"{TOO_LONG}, with what it overlaps" * any(_touches(each, gap) for gap in long)
        for each, reason in zip(found, reasons, strict=True)
    ]


def gaps_of(found: Sequence[Damage], n_channels: int = 1) -> list[Gap]:
    """The gaps that damage leaves, sorted, and disjoint in each channel. Where pictures alone are missing there is
    none; what lasts more than 30 s is no drop-out, and is passed over with a warning.

    Args:
        n_channels: of the recording.
    """
    heard = [damage for damage in found if damage.seen_by != PICTURE]
    gaps = _joined([each for each in heard if each.end_s - each.start_s <= MAX_GAP_S], n_channels)
    long = [(each.start_s, each.end_s) for each in heard if each.end_s - each.start_s > MAX_GAP_S]
    # Of what lies close together more than 30 s may come.
    for start_s, end_s in [*long, *((gap.start_s, gap.end_s) for gap in gaps if gap.length_s > MAX_GAP_S)]:
        told = f"{start_s:.2f}-{end_s:.2f} s: damage of more than {MAX_GAP_S:g} s is left as it is"
        warnings.warn(told, AvsiWarning, stacklevel=3)
    return [gap for gap in gaps if gap.length_s <= MAX_GAP_S]


def _joined(found: Sequence[Damage], n_channels: int) -> list[Gap]:
    """Damage as gaps: what overlaps or touches in a channel is one."""
    everywhere = join_stretches((each.start_s, each.end_s) for each in found if each.channel is None)
    gaps = [Gap(*stretch) for stretch in everywhere]
    gaps += [Gap(each.start_s, each.end_s, (each.channel,)) for each in found if each.channel is not None]
    return gaps_by_channel(gaps, n_channels)


def _touches(damage: Damage, gap: Gap) -> bool:
    channels = () if damage.channel is None else (damage.channel,)
    return gap.start_s <= damage.start_s < gap.end_s and gap.shares_channel(Gap(gap.start_s, gap.end_s, channels))
