"""Check data directories by Kaldi's rules, or mend them.

python -m data_prep.validate data/train data/valid data/test
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import fix_datadir, read_datadir
from avsi.program import run_program

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="Data directories.")],
    fix: Annotated[bool, typer.Option("--fix", help="Sort, and leave out what not all files know.")] = False,
) -> None:
    """Name the first line that breaks a rule."""
    for datadir in datadirs:
        for reason in fix_datadir(datadir) if fix else []:
            print(f"{datadir}: left out {reason}")
        print(f"{datadir}: {len(read_datadir(datadir))} utterances, in order")


if __name__ == "__main__":
    run_program(app)
