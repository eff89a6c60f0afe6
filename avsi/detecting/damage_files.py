"""Damage in files: JSON with all that is known, Audacity's label track, Praat's TextGrid."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from ..data.damage import KINDS, PICTURE, Damage
from ..data.gap_files import channels_told, read_label_file, without_overlaps
from ..data.gaps import Gap
from ..errors import DataError, GapError
from ..files import read_text, write_text
from ..words.textgrid import Interval, filled, parse_textgrid, textgrid_text

FORMAT = "avsi damage"  # what a JSON file of ours says it is
BY = " by "  # in the name of a tier, before what found it


def write_damage(path: str | Path, damage: Sequence[Damage], duration_s: float) -> None:
    """Write damage in the format that the suffix names.

    ``.json`` holds everything. ``.txt`` is a label track of Audacity (start, end and kind, separated by tabs), which
    ``--gaps-file`` reads; ``.TextGrid`` has a tier for each kind and channel. All to the microsecond.

    Args:
        duration_s: when the recording ends, on the clock of the damage.

    Raises:
        DataError: another suffix, or a folder that does not exist.
    """
    write_text(path, _format(path)(damage, duration_s))


def read_gaps(path: str | Path) -> list[Gap]:
    """The gaps that a file names: a label track, as :func:`.read_label_file` reads it, or what :func:`write_damage`
    wrote as .json or .TextGrid, but for the damage of a picture alone. Stretches that overlap are joined as there.

    Raises:
        GapError: no such file, one without gaps, or one of another format.
    """
    path = Path(path)
    read = {".json": _from_json, ".textgrid": _from_textgrid}.get(path.suffix.lower())
    if read is None or not path.is_file():
        return read_label_file(path)
    try:
        gaps = read(read_text(path))
    except (DataError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise GapError(f"{path}: not damage that `avsi detect` wrote ({error}); expected that, or labels") from error
    if not gaps:
        raise GapError(f"{path}: holds no damage of the sound")
    return without_overlaps(gaps)


def check_damage_path(path: str | Path, force: bool = False) -> None:
    """Refuse, before any work, a file that :func:`write_damage` cannot write, or one in the way."""
    path = Path(path)
    _format(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; expected a file to write")
    if path.exists() and not force:
        raise DataError(f"{path}: exists already, perhaps with corrections; choose another name, or --force")


def _format(path: str | Path) -> Callable[[Sequence[Damage], float], str]:
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise DataError(f"{path}: unknown kind of labels '{suffix}'; expected .txt, .json or .TextGrid")
    return FORMATS[suffix.lower()]


def _to_json(damage: Sequence[Damage], duration_s: float) -> str:
    content = {"format": FORMAT, "duration_s": round(duration_s, 6), "damage": [asdict(each) for each in damage]}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _to_labels(damage: Sequence[Damage], duration_s: float) -> str:
    """Of damage of the sound: every line can be restored as a gap."""
    heard = [each for each in damage if each.seen_by != PICTURE]
    return "".join(f"{each.start_s:.6f}\t{each.end_s:.6f}\t{each.label}\n" for each in heard)


def _to_textgrid(damage: Sequence[Damage], duration_s: float) -> str:
    tiers: dict[str, list[Interval]] = {}
    for each in damage:
        name = each.label if each.seen_by in ("", each.kind) else f"{each.label}{BY}{each.seen_by}"
        start_s, end_s = max(each.start_s, 0.0), min(each.end_s, duration_s)
        if start_s < end_s:  # pictures may be missing beyond the sound
            tiers.setdefault(name, []).append(Interval(start_s, end_s, each.kind))
    whole = {name: filled(intervals, duration_s) for name, intervals in (tiers or {"damage": []}).items()}
    return textgrid_text(whole, duration_s)


def _from_json(text: str) -> list[Gap]:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"expected the format '{FORMAT}'")
    heard = [each for each in content["damage"] if each["seen_by"] != PICTURE]
    channels = [each.get("channel") for each in heard]
    lost_in = [() if channel is None else (int(channel),) for channel in channels]
    return [Gap(float(each["start_s"]), float(each["end_s"]), of) for each, of in zip(heard, lost_in, strict=True)]


def _from_textgrid(text: str) -> list[Gap]:
    gaps = []
    for name, intervals in parse_textgrid(text)[0].items():
        for each in intervals:
            if each.text.strip() and each.text.strip() not in KINDS:
                raise DataError(f"'{each.text}' in tier '{name}' is no kind of damage; there are {', '.join(KINDS)}")
            if each.text.strip() and not name.endswith(BY + PICTURE):
                gaps.append(Gap(each.start_s, each.end_s, channels_told(name)))
    return gaps


FORMATS: dict[str, Callable[[Sequence[Damage], float], str]] = {
    ".txt": _to_labels,
    ".json": _to_json,
    ".textgrid": _to_textgrid,
}
