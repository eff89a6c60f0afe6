"""Several data directories -> one, as Kaldi's ``utils/combine_data.sh``.

python -m data_prep.combine data/both/train data/grid/train data/mini/train
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import DEVELOPMENT, corpus_of, development_of, read_datadir, write_datadir
from avsi.data.gaps import read_gap_file, write_gap_file
from avsi.errors import DataError
from avsi.files import write_text
from avsi.program import run_program

GAPS = "gaps_*"

app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Argument(help="The data directory to make.")],
    datadirs: Annotated[list[Path], typer.Argument(help="Those to put together; their ids must differ.")],
) -> None:
    """Put utterances together, with their landmarks, and the gap files that all the directories have."""
    if any(out.resolve() == datadir.resolve() for datadir in datadirs):
        raise DataError(f"{out}: is one of the directories to put together")
    utterances = [utterance for datadir in datadirs for utterance in read_datadir(datadir)]
    for stale in (*out.glob(GAPS), out / "stats.npz", out / DEVELOPMENT):  # of other sets that were put together here
        stale.unlink(missing_ok=True)
    write_datadir(out, utterances, " + ".join(dict.fromkeys(map(corpus_of, datadirs))))
    if chosen := list(dict.fromkeys(filter(None, map(development_of, datadirs)))):
        write_text(out / DEVELOPMENT, f"{'; '.join(chosen)}\n")
    names = [{path.name for path in datadir.glob(GAPS)} for datadir in datadirs]
    shared = set.intersection(*names)
    for name in sorted(shared):
        write_gap_file(out / name, {k: v for datadir in datadirs for k, v in read_gap_file(datadir / name).items()})
    print(
        f"{out}: {len(utterances)} utterances of {len(datadirs)} sets, gap files: {', '.join(sorted(shared)) or 'none'}"
    )
    if others := set.union(*names) - shared:
        print(f"left out, since not all sets have them: {', '.join(sorted(others))}")


if __name__ == "__main__":
    run_program(app)
