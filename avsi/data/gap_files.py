"""Gap files, which hold the gaps of a data set, and label files, which hold those of one recording."""

import re
from dataclasses import replace
from pathlib import Path

from ..errors import DataError, GapError
from ..files import read_lines, write_text
from ..timebase import to_samples
from .datadir import Utterance
from .gaps import Gap, gap_spans

CHANNEL = re.compile(r"\(channel (\d+)\)", re.IGNORECASE)


def check_gaps_cover(gaps: dict[str, list[Gap]], utterances: list[Utterance], gap_file: str | Path) -> None:
    """Raise DataError unless the gap file and the data set have the same utterances."""
    ids = {utterance.id for utterance in utterances}
    odd = sorted(ids.symmetric_difference(gaps))
    if odd:
        place = "the gap file" if odd[0] in gaps else "the data directory"
        raise DataError(
            f"{gap_file}: {len(odd)} utterance(s) are either in it or in the data directory, not in both, "
            f"such as {odd[0]} in {place}; make the gaps again"
        )


def check_gaps_fit(gaps: dict[str, list[Gap]], utterances: list[Utterance], gap_file: str | Path, rate: int) -> None:
    """Raise DataError, naming utterance and gap, if a gap is outside its recording or overlaps another."""
    for utterance in utterances:
        try:
            gap_spans(gaps[utterance.id], to_samples(utterance.duration_s, rate), rate)
        except GapError as error:
            raise DataError(f"{gap_file}: {utterance.id}: {error}") from error


def gap_file_path(folder: str | Path, condition: str) -> Path:
    """The gap file of a condition in a data directory or an evaluation."""
    return Path(folder) / f"gaps_{condition}"


def read_gap_file(path: str | Path) -> dict[str, list[Gap]]:
    """Lines ``<utterance> <start_s> <end_s>``, one for each gap; lines that begin with # are remarks.

    Times are rounded to microseconds, the precision of written files.

    Raises:
        DataError: no such file, or a malformed line, named by its number.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such gap file; python -m data_prep.gaps makes one")
    gaps: dict[str, list[Gap]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("#"):
            continue
        try:
            utterance, start, end = line.split()
            gaps.setdefault(utterance, []).append(Gap(round(float(start), 6), round(float(end), 6)))
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<utterance> <start_s> <end_s>', found '{line}'") from None
    return {utterance: sorted(of) for utterance, of in gaps.items()}


def gap_file_remark(path: str | Path) -> str:
    """The remark in the first line of a gap file, which says how the gaps were drawn; "" if there is none."""
    first = "".join(read_lines(path)[:1])
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def read_label_file(path: str | Path) -> list[Gap]:
    """The gaps of one recording: lines ``<start_s> <end_s> [label]``, as Audacity exports a label track. A label that
    says "(channel 2)", as `avsi detect` writes it, is lost in that channel alone. Those of the same channels that
    overlap are one gap; others, whose channels the recording tells, are joined by :func:`.gaps_by_channel`.

    Raises:
        GapError: no such file, a folder, no labels, or a malformed line, named by its number.
    """
    path = Path(path)
    if not path.is_file():
        raise GapError(f"{path}: {'is a folder; expected a text file' if path.is_dir() else 'no such file'}")
    labels = parse_labels(read_lines(path), str(path))
    return without_overlaps([replace(gap, channels=channels_told(said)) for gap, said in labels])


def channels_told(text: str) -> tuple[int, ...]:
    """The channel that a label or a tier names, as of :class:`.Gap`."""
    told = CHANNEL.search(text)
    return (int(told[1]) - 1,) if told else ()


def parse_labels(lines: list[str], where: str) -> list[tuple[Gap, str]]:
    """The lines of a file that :func:`read_label_file` reads: gaps as they are there, and what each label says.

    Args:
        where: names the file in errors.

    Raises:
        GapError: as there.
    """
    labels = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):  # the second line of an Audacity label with frequencies
            continue
        try:
            start, end, *said = line.split(maxsplit=2)
            labels.append((Gap(float(start), float(end)), "".join(said).strip()))
        except ValueError:
            raise GapError(f"{where}:{number}: expected '<start_s> <end_s> [label]', found '{line}'") from None
    if not labels:
        raise GapError(f"{where}: holds no labels; expected lines '<start_s> <end_s> [label]'")
    return labels


def without_overlaps(gaps: list[Gap]) -> list[Gap]:
    """Sorted gaps, those that overlap in the same channels as one; one that is none stays, to be told of."""
    joined: dict[tuple[int, ...], list[Gap]] = {}
    for gap in sorted(gaps):
        same = joined.setdefault(gap.channels, [])
        if same and gap.start_s < same[-1].end_s and gap.start_s < gap.end_s:
            gap = replace(gap, start_s=same[-1].start_s, end_s=max(gap.end_s, same.pop().end_s))
        same.append(gap)
    return sorted(gap for same in joined.values() for gap in same)


def write_gap_file(path: str | Path, gaps: dict[str, list[Gap]], remark: str = "") -> None:
    lines = (
        f"{utterance} {gap.start_s:.6f} {gap.end_s:.6f}\n"
        for utterance in sorted(gaps)
        for gap in sorted(gaps[utterance])
    )
    write_text(path, "".join([f"# {remark}\n" if remark else "", *lines]))
