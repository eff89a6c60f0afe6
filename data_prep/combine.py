"""Several data directories -> one, as Kaldi's ``utils/combine_data.sh``.

python -m data_prep.combine data/both/train data/grid/train data/mini/train
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import DEVELOPMENT, MADE_OF, OPTIONAL, corpus_of, development_of, read_datadir, write_datadir
from avsi.data.gap_files import read_gap_file, write_gap_file
from avsi.errors import DataError
from avsi.files import write_text
from avsi.folders import files_together
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
    names = [{path.name for path in datadir.glob(GAPS)} for datadir in datadirs]
    shared = set.intersection(*names)
    gaps = {
        name: {key: of for datadir in datadirs for key, of in read_gap_file(datadir / name).items()} for name in shared
    }
    with files_together(out, instead_of=[*OPTIONAL, *MADE_OF, DEVELOPMENT]) as folder:
        write_datadir(folder, utterances, " + ".join(dict.fromkeys(map(corpus_of, datadirs))))
        if chosen := list(dict.fromkeys(filter(None, map(development_of, datadirs)))):
            write_text(folder / DEVELOPMENT, f"{'; '.join(chosen)}\n")
        for name, of in gaps.items():
            write_gap_file(folder / name, of)
    print(
        f"{out}: {len(utterances)} utterances of {len(datadirs)} sets, gap files: {', '.join(sorted(shared)) or 'none'}"
    )
    if others := set.union(*names) - shared:
        print(f"left out, since not all sets have them: {', '.join(sorted(others))}")


if __name__ == "__main__":
    run_program(app)
