"""What programs that prepare a corpus tell and write: its sets, and what is left out, with the reasons."""

from collections.abc import Callable, Iterable
from pathlib import Path

from avsi.data.datadir import Utterance, write_datadir
from avsi.errors import DataError
from avsi.files import write_text
from avsi.folders import files_together
from avsi.program import print_table

LEFT_OUT, NOTES = "left_out", "notes"  # files of lines '<id> <reason>'
SHOWN = 10  # of what is left out, on the terminal
Remarks = list[tuple[str, str]]  # (id, reason)
Sets = dict[str, list[Utterance]]


def write_remarks(folder: Path, left_out: Remarks, notes: Remarks) -> None:
    """Write both lists into a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, remarks in ((LEFT_OUT, left_out), (NOTES, notes)):
        write_text(folder / name, "".join(f"{id_} {' '.join(reason.split())}\n" for id_, reason in sorted(remarks)))


def print_sets(corpus: str, kept: Sets, clips: str, share: str, has: Callable[[Utterance], bool]) -> None:
    """A table of the sets.

    Args:
        clips: what utterances are called.
        share: what the last column but one counts; ``has`` says whether an utterance has it.
    """
    rows = [
        [
            name,
            len({u.speaker for u in utterances}),
            len(utterances),
            sum(u.video is not None for u in utterances),
            sum(map(has, utterances)),
            f"{sum(u.duration_s for u in utterances) / 60:.1f}",
        ]
        for name, utterances in kept.items()
    ]
    print_table(corpus, ["set", "speakers", clips, "with video", share, "minutes"], rows)


def print_remarks(folder: Path, left_out: Remarks, notes: Remarks) -> None:
    print(f"left out {len(left_out)} ({folder / LEFT_OUT}), {len(notes)} notes ({folder / NOTES})")
    for id_, reason in left_out[:SHOWN]:
        print(f"  left out {id_}: {reason}")


def check_left_out(root: Path, folder: Path, count: int, total: int, clips: str, max_left_out: float) -> None:
    """Raise DataError where more than a share ``max_left_out`` cannot be used."""
    if count > max_left_out * total:
        raise DataError(
            f"{root}: {count} of {total} {clips} cannot be used, more than --max-left-out {max_left_out:g}; "
            f"{folder / LEFT_OUT} gives each reason"
        )


def check_none_empty(
    split: str, kept: dict[str, list], speakers: Iterable[str], lost: Iterable[str] = (), folder: Path | None = None
) -> None:
    """Raise DataError where a set of a split holds nothing.

    Args:
        lost: speakers of whom nothing could be used; the list of what is left out in ``folder`` says why.
    """
    empty = [name for name, of in kept.items() if not of]
    if empty:
        nothing_of = ", ".join(sorted(lost))
        gone = f"; nothing of {nothing_of} can be used: see {folder}/{LEFT_OUT}" if nothing_of else ""
        raise DataError(
            f"the split '{split}' leaves {' and '.join(empty)} empty with the speakers found "
            f"({', '.join(sorted(speakers))}){gone}; speaker-independent needs three speakers, speaker-dependent "
            "divides each speaker's clips, train, valid or test has all in one set, and a file can say anything else"
        )


def write_sets(out: Path, kept: Sets, corpus: str, split: str, old: Iterable[str]) -> None:
    """Write a data directory for each set, all or none.

    Args:
        old: patterns of files in the directories that what is written makes obsolete.
    """
    with files_together(out, [f"{name}/{pattern}" for name in kept for pattern in old]) as folder:
        for name, utterances in kept.items():
            write_datadir(folder / name, utterances, corpus, split)
