"""GRID, in any layout of its folders -> Kaldi data directories.

python -m data_prep.grid --root DIR --out data
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import OPTIONAL, Utterance
from avsi.program import in_parallel, progress, run_program

from ..corpus import Corpus
from ..prepared import check_left_out, check_none_empty, print_remarks, print_sets, write_remarks, write_sets
from ..splits import SETS
from .clips import find_clips
from .preparation import prepare_clip
from .splits import load_split

app = typer.Typer(add_completion=False)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds GRID, in any of its layouts.")],
    out: Annotated[Path, typer.Option(help="Where the data directories go.")] = Path("data"),
    split: Annotated[
        str,
        typer.Option(
            help="'paper', 'speaker-dependent', 'speaker-independent' or 'whole-speakers'; 'train', 'valid' or 'test', "
            "where all clips are for one set; or a file of lines '<speaker or clip> <train|valid|test>'."
        ),
    ] = "paper",
    jobs: Annotated[int, typer.Option(min=1, help="Processes to prepare clips with.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share of clips is left out.")] = 0.05,
) -> None:
    """Prepare GRID: data/train, data/valid and data/test as Kaldi data directories, with sound at 16 kHz."""
    root, out = root.resolve(), out.resolve()
    corpus = Corpus.of(root)
    clips, notes = find_clips(root)
    set_of = load_split(split, {clip.id for clip in clips}, corpus.id_prefix)
    results = in_parallel(jobs, [(prepare_clip, clip, out / "wav") for clip in clips])
    kept: dict[str, list[Utterance]] = {name: [] for name in ([split] if split in SETS else SETS)}
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
    write_remarks(out, left_out, notes)
    print_sets(corpus.name, kept, "clips", "aligned", lambda utterance: bool(utterance.alignment))
    counts = [
        sum(path is not None for path in of)
        for of in zip(*((c.video, c.sound, c.alignment) for c in clips), strict=True)
    ]
    print("found {} clips: {} with video, {} with separate sound, {} with an alignment".format(len(clips), *counts))
    print_remarks(out, left_out, notes)
    check_left_out(root, out, len(left_out), len(clips), "clips", max_left_out)
    check_none_empty(split, kept, {u.speaker for of in kept.values() for u in of} | set(unassigned))
    # Lists of landmarks are removed, so that all clips are searched again, also those without a face before.
    write_sets(out, kept, corpus.name, split, (*OPTIONAL, "landmarks_lost", "landmarks_failed"))


if __name__ == "__main__":
    run_program(app)
