"""The speed of the toolkit on this machine, against what it should reach.

python -m evaluation.benchmark data/train --config conf/av.yaml
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from avsi.config_files import load_config
from avsi.data.datadir import read_datadir
from avsi.errors import DataError
from avsi.program import print_table, run_program

from .measurements import Row, Setup, commands

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory with landmarks, videos and stats.npz.")],
    config: Annotated[list[Path], typer.Option(help="The model to train; of several, the last decides.")] = [],  # noqa: B006
    utterances: Annotated[int, typer.Option(help="How many to train on in an epoch.")] = 160,
    clips: Annotated[int, typer.Option(help="In how many to find landmarks.")] = 160,
) -> None:
    """Measure training, landmarks, restoring, reading and the start of the command line."""
    settings, found = load_config(config), read_datadir(datadir)
    videos = [utterance for utterance in found if utterance.video][:clips]
    if not videos:
        raise DataError(f"{datadir}: has no video.scp")
    from .measurements import restoring, training

    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        setup = Setup(settings, found[:utterances], videos, datadir / "stats.npz", Path(folder))
        measurements = (
            *(training.training, training.lstm, restoring.phase, restoring.hour, restoring.reading),
            *(commands.landmarks, commands.inpaint, commands.show_help),
        )
        rows = [_cells(row) for measure in measurements for row in measure(setup)]
    print_table("benchmark", ["what", "measured", "against", "ratio", "wanted", ""], rows)


def _cells(row: Row) -> list[str]:
    wanted = f">= {row.wanted:g}"
    if row.measured is None:
        return [row.what, "-", row.against, "-", wanted, "-"]
    outcome = "ok" if row.ratio >= row.wanted else "missed"
    return [row.what, f"{row.measured:.2f}", row.against, f"{row.ratio:.2f}", wanted, outcome]


if __name__ == "__main__":
    run_program(app)
