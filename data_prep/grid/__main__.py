"""GRID, in any layout of its folders -> Kaldi data directories.

python -m data_prep.grid --root DIR --out data
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import PARTIAL, Utterance, write_datadir
from avsi.errors import DataError
from avsi.files import write_text
from avsi.folders import files_together
from avsi.program import in_parallel, print_table, progress, run_program

from ..corpus import Corpus
from .clips import Clip, find_clips
from .preparation import prepare_clip
from .splits import SETS, load_split

app = typer.Typer(add_completion=False)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds GRID, in any of its layouts.")],
    out: Annotated[Path, typer.Option(help="Where the data directories go.")] = Path("data"),
    split: Annotated[
        str,
        typer.Option(
            help="'paper', 'speaker-dependent', 'speaker-independent', or a file of lines "
            "'<speaker or clip> <train|valid|test>'."
        ),
    ] = "paper",
    jobs: Annotated[int, typer.Option(min=1, help="Processes to prepare clips with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share of clips is left out.")] = 0.05,
) -> None:
    """Prepare GRID: data/train, data/valid and data/test as Kaldi data directories, with sound at 16 kHz."""
    root, out = root.resolve(), out.resolve()
    corpus = Corpus.of(root)
    clips, notes = find_clips(root)
    set_of = load_split(split, {clip.id for clip in clips}, corpus.id_prefix)
    results = in_parallel(jobs, [(prepare_clip, clip, out / "wav") for clip in clips])
    kept: dict[str, list[Utterance]] = {name: [] for name in SETS}
    left_out: list[tuple[str, str]] = []
    unassigned = Counter()
    for utterance, remarks in progress(results, len(clips), "clips"):
        if utterance is None:
            left_out.append(remarks[-1])
            notes.extend(remarks[:-1])
            continue
        notes.extend(remarks)
        name = set_of(utterance.id)
        if name is None:
            unassigned[utterance.speaker] += 1
        else:
            kept[name].append(utterance)
    notes += [(speaker, f"{count} clips are in no set of the split '{split}'") for speaker, count in unassigned.items()]
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "left_out", "".join(f"{id_} {reason}\n" for id_, reason in sorted(left_out)))
    write_text(out / "notes", "".join(f"{id_} {reason}\n" for id_, reason in sorted(notes)))
    _report(corpus, kept, left_out, notes, clips, out)
    if len(left_out) > max_left_out * len(clips):
        raise DataError(
            f"{root}: {len(left_out)} of {len(clips)} clips cannot be used, more than --max-left-out {max_left_out:g}; "
            f"{out / 'left_out'} gives each reason"
        )
    empty = [name for name in SETS if not kept[name]]
    if empty:
        raise DataError(
            f"the split '{split}' leaves {' and '.join(empty)} empty with the speakers found "
            f"({', '.join(sorted({u.speaker for of in kept.values() for u in of} | set(unassigned)))}); "
            "speaker-independent needs three speakers, speaker-dependent divides each speaker's clips, and a file can "
            "say anything else"
        )
    # Lists of landmarks are removed, so that all clips are searched again, also those without a face before.
    with files_together(
        out, [f"{name}/{made}" for name in SETS for made in (*PARTIAL, "landmarks_lost", "landmarks_failed")]
    ) as folder:
        for name, utterances in kept.items():
            write_datadir(folder / name, utterances, corpus.name, split)


def _report(
    corpus: Corpus,
    kept: dict[str, list[Utterance]],
    left_out: list[tuple[str, str]],
    notes: list[tuple[str, str]],
    clips: list[Clip],
    out: Path,
) -> None:
    rows = [
        [
            name,
            len({u.speaker for u in utterances}),
            len(utterances),
            sum(u.video is not None for u in utterances),
            sum(bool(u.alignment) for u in utterances),
            f"{sum(u.duration_s for u in utterances) / 60:.1f}",
        ]
        for name, utterances in kept.items()
    ]
    print_table(corpus.name, ["set", "speakers", "clips", "with video", "aligned", "minutes"], rows)
    counts = [
        sum(path is not None for path in of)
        for of in zip(*((c.video, c.sound, c.alignment) for c in clips), strict=True)
    ]
    print("found {} clips: {} with video, {} with separate sound, {} with an alignment".format(len(clips), *counts))
    print(f"left out {len(left_out)} ({out / 'left_out'}), {len(notes)} notes ({out / 'notes'})")
    for id_, reason in left_out[:10]:
        print(f"  left out {id_}: {reason}")


if __name__ == "__main__":
    run_program(app)
