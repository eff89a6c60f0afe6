"""What of a recording was restored or edited, in a list beside its file: ``talk.wav.edits.json`` beside ``talk.wav``.

The list is an object of JSON:

- ``format``: "avsi edits";
- ``rate``, ``n_samples``: of the sound that it describes;
- ``clock``: "player", that of a player of this file, or "first sample" where times count from that;
- ``first_sample_s``: what that clock shows when the first sample is played;
- ``edits``: in the order of time, each an object of
    - ``start_s``, ``end_s``: numbers, on that clock, to the microsecond;
    - ``kind``: "restored" (a gap that was filled), "replaced", "inserted" or "removed" (words);
    - ``words``: what is said there, null where that is not known; later edits may have left only a part of it, or two
      with an entry each;
    - ``before``: what was said there, null where that is not known; likewise;
    - ``made_by``: what wrote it, such as "avsi 0.1.0";
    - ``model``: its name, such as "av_text" or "av, refined, seed 0", null where it has none; that of an audio-visual
      model also where it saw no face, and the audio-only one that belongs to it filled the gap; "channel 2" where a gap
      of another channel was filled from that one, and no model had a part in it;
    - ``weights``: a digest of the model's weights, null of what has none;
    - ``reference``: the recording whose voice the model was told, as the user named it, such as "talk.wav@2:7"; null
      where none was named, and in lists of earlier versions missing;
    - ``channels``: those that were restored, counted from 1, such as [2]; null where all were, and in lists of earlier
      versions missing.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import AvsiError, AvsiWarning, DataError
from ..files import read_text, write_text
from ..words.alignment import said_between

if TYPE_CHECKING:
    from ..media.sound_reading import Sound
    from ..media.spliced_sound import Splice
    from ..words.alignment import Alignment
    from .channels import RestorationPlan
    from .inpainting import Inpainter

FORMAT, SUFFIX = "avsi edits", ".edits.json"
KINDS = ("restored", "replaced", "inserted", "removed")
FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("start_s", "end_s"), (int, float)),
    **dict.fromkeys(("kind", "made_by"), (str,)),
    **dict.fromkeys(("words", "before", "model", "weights", "reference"), (str, type(None))),
    "channels": (list, type(None)),
}


@dataclass(frozen=True)
class LoggedEdit:
    """An entry of a list, as the module describes it, but with times from the first sample."""

    start_s: float
    end_s: float
    kind: str
    words: str | None
    before: str | None
    made_by: str
    model: str | None
    weights: str | None
    reference: str | None = None
    channels: list[int] | None = None


def logged(
    inpainter: Inpainter,
    edits: Iterable[tuple[float, float, str, str | None, str | None]],
    reference: str | None = None,
    channels: Sequence[int] = (),
) -> list[LoggedEdit]:
    """Entries for what an inpainter made: (start_s, end_s, kind, words, before) of each.

    Args:
        channels: that it made, from 0 on; none named: all.
    """
    from .adapted import weights_digest

    weights = weights_digest([inpainter.model, inpainter.refiner, inpainter.corrector])
    digest = None if weights == weights_digest([]) else weights
    name = inpainter.name + f", refined, seed {inpainter.draw}" * (inpainter.refiner is not None)
    name += f", the sound {inpainter.kept} kept" * (inpainter.kept is not None)
    of = [channel + 1 for channel in channels] or None
    return [LoggedEdit(*edit, f"avsi {__version__}", name or None, digest, reference, of) for edit in edits]


def logged_plan(
    inpainter: Inpainter,
    plan: RestorationPlan,
    rate: int,
    alignment: Alignment | None,
    start_s: float,
    reference: str | None = None,
) -> list[LoggedEdit]:
    """Entries for gaps that were restored as planned, by an inpainter and from other channels.

    Args:
        alignment: of the words, on a clock that shows ``start_s`` at the first sample.
    """

    def entry(start: int, stop: int) -> tuple[float, float, str, str | None, None]:
        begin_s, end_s = start / rate, stop / rate
        return begin_s, end_s, "restored", said_between(alignment, start_s + begin_s, start_s + end_s), None

    edits = []
    for excerpt in plan.excerpts:
        edits += logged(inpainter, [entry(*span) for span in excerpt.own], reference, excerpt.channels)
    for taken in plan.taken:
        of = LoggedEdit(*entry(taken.start, taken.stop), f"avsi {__version__}", f"channel {taken.source + 1}", None)
        edits.append(replace(of, channels=[taken.channel + 1]))
    return edits


def list_path(path: Path) -> Path:
    """The list that belongs to a recording."""
    return path.with_name(path.name + SUFFIX)


def read_edits(path: Path, sound: Sound) -> list[LoggedEdit]:
    """What is listed for a recording; nothing where it has no list.

    A list of a sound of another length is not taken, with a warning.

    Raises:
        DataError: a list that cannot be read.
    """
    file = list_path(path)
    if not file.is_file():
        return []
    try:
        found = _checked(json.loads(read_text(file)))
    except (ValueError, OverflowError, RecursionError, DataError) as error:
        raise DataError(f"{file}: no list of what was restored ({error}); remove it, or move it away") from error
    if (found["rate"], found["n_samples"]) != (sound.rate, sound.n_samples):
        warnings.warn(
            f"{file}: describes another recording than {path}, of {found['n_samples']} samples at {found['rate']} Hz, "
            "and is not carried on",
            AvsiWarning,
            stacklevel=3,
        )
        return []
    edits = [LoggedEdit(**{name: edit[name] for name in FIELDS}) for edit in found["edits"]]
    return [_moved(edit, -found["first_sample_s"]) for edit in edits]


def tell_dropped_list(path: Path) -> None:
    """Warn where a recording has a list that is not carried on."""
    if list_path(path).is_file():
        told = (
            f"{list_path(path)}: tells what was made in {path} before, and is not carried on, since no list is written"
        )
        warnings.warn(told, AvsiWarning, stacklevel=3)


def kept_under(
    edits: Sequence[LoggedEdit], gaps: Sequence[tuple[int, int, Sequence[int]]], n_channels: int, rate: int
) -> list[LoggedEdit]:
    """What stays of the entries for a recording in which gaps are restored; an entry of which a channel is not restored
    anew stays whole.

    Args:
        gaps: first sample, the one after the last, and the channels from 0 on; none named: all.
    """
    left = []
    for edit in edits:
        own = {*(edit.channels or range(1, n_channels + 1))}
        anew = [(start, stop) for start, stop, of in gaps if not of or own <= {channel + 1 for channel in of}]
        left += carried([edit], [(start, stop, stop - start) for start, stop in anew], rate)
    return left


def carried(edits: Sequence[LoggedEdit], splices: Sequence[Splice], rate: int) -> list[LoggedEdit]:
    """What stays of the entries for a recording in which spans are replaced by others, and where it lies then; what
    lies within these, or is left of less than a sample, is gone. Of an entry that is cut, each part keeps all words.
    """
    left = []
    for edit in edits:
        begin_s, longer = edit.start_s, 0
        for start, stop, length in splices:
            if begin_s + 1 / rate < min(start / rate, edit.end_s):
                left.append(_moved(replace(edit, start_s=begin_s, end_s=min(start / rate, edit.end_s)), longer / rate))
            begin_s, longer = max(begin_s, stop / rate), longer + length - (stop - start)
        if begin_s + 1 / rate < edit.end_s:
            left.append(_moved(replace(edit, start_s=begin_s), longer / rate))
    return left


def write_edits(
    out: Path, edits: Sequence[LoggedEdit], sound: Sound, first_sample_s: float, from_first_sample: bool
) -> None:
    """Write the list of a recording. Where that fails it is said in a warning, since the recording is there.

    Args:
        sound: what the recording holds.
        first_sample_s: what the clock of the list shows at the first sample.
    """
    content = {
        "format": FORMAT,
        "rate": sound.rate,
        "n_samples": sound.n_samples,
        "clock": "first sample" if from_first_sample else "player",
        "first_sample_s": round(first_sample_s, 6),
        "edits": [
            asdict(_moved(edit, first_sample_s)) for edit in sorted(edits, key=lambda edit: (edit.start_s, edit.end_s))
        ],
    }
    try:
        write_text(list_path(out), json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    except (AvsiError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        warnings.warn(
            f"{list_path(out)}: the list of what was restored cannot be written ({reason}); {out} is whole",
            AvsiWarning,
            stacklevel=3,
        )


def drop_list(out: Path) -> None:
    """Remove the list of a recording that another one is about to take the place of."""
    if list_path(out).is_file():
        list_path(out).unlink()


def _moved(edit: LoggedEdit, by_s: float) -> LoggedEdit:
    return replace(edit, start_s=round(edit.start_s + by_s, 6), end_s=round(edit.end_s + by_s, 6))


def _checked(found: Any) -> dict[str, Any]:
    """Raises DataError, ValueError or OverflowError for what is no list, or none that could be carried on."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataError(f"expected the format '{FORMAT}'")
    for name, kinds in (("rate", (int,)), ("n_samples", (int,)), ("first_sample_s", (int, float)), ("edits", (list,))):
        if not isinstance(found.get(name), kinds) or (name != "edits" and not math.isfinite(found[name])):
            raise DataError(f"{name} is {found.get(name)}")
    if found["rate"] < 1 or found["n_samples"] < 0:
        raise DataError(f"{found['n_samples']} samples at {found['rate']} Hz")
    first_s, last_s = found["first_sample_s"], found["first_sample_s"] + found["n_samples"] / found["rate"]
    slack_s = 1 / found["rate"]  # above what rounding to the microsecond adds
    for number, edit in enumerate(found["edits"], start=1):
        if isinstance(edit, dict):
            edit.setdefault("reference", None)
            edit.setdefault("channels", None)
        bad = [name for name, kinds in FIELDS.items() if not isinstance(edit, dict) or not _is(edit, name, kinds)]
        if bad or edit["kind"] not in KINDS or not edit["start_s"] < edit["end_s"]:
            raise DataError(f"entry {number} is not as expected" + (f", in its {bad[0]}" if bad else ""))
        if edit["start_s"] < first_s - slack_s or edit["end_s"] > last_s + slack_s:
            raise DataError(
                f"entry {number} is from {edit['start_s']:g} to {edit['end_s']:g} s, outside the recording's "
                f"{first_s:g} to {last_s:g} s"
            )
        "".join(str(edit[name]) for name in FIELDS).encode()  # what could not be written again
    return found


def _is(edit: dict[str, Any], name: str, kinds: tuple[type, ...]) -> bool:
    if name not in edit or not isinstance(edit[name], kinds):
        return False
    return name != "channels" or edit[name] is None or all(type(of) is int and of > 0 for of in edit[name])
