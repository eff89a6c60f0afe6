"""What a corpus takes, in hours of machines and in disk, by what a part of one takes here.

python -m evaluation.plan data/train --config conf/av.yaml --hours 438 --hosts 8 --cores 16
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import read_datadir
from avsi.errors import DataError
from avsi.program import print_table, run_program

from .measurements.stages import Stage, measure

app = typer.Typer(add_completion=False)
LEAST = 8  # utterances to measure on


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory with a video.scp, to measure on.")],
    hours: Annotated[float, typer.Option(min=0, help="Of the corpus that is planned.")],
    hosts: Annotated[int, typer.Option(min=1, help="Machines that share the work.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Of each of them.")] = 1,
    config: Annotated[list[Path], typer.Option(help="The model to train; of several, the last decides.")] = [],  # noqa: B006
    utterances: Annotated[int, typer.Option(min=LEAST, help="How many to measure on; the more, the surer.")] = 40,
) -> None:
    """Measure each stage of a recipe with a part of a corpus, and say what more hours of such recordings take."""
    found = [utterance for utterance in read_datadir(datadir) if utterance.video][:utterances]
    if len(found) < LEAST:
        raise DataError(f"{datadir}: has {len(found)} utterances with a video; expected {LEAST} or more")
    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        stages = measure(found, config, Path(folder))
    rows = [_cells(stage, hours, hosts * cores) for stage in stages]
    every = [sum(stage.core_s * stage.times for stage in stages), sum(stage.disk_bytes for stage in stages)]
    rows.append(_cells(Stage("together", *every), hours, hosts * cores))
    header = ["stage", "core hours", f"hours on {hosts} x {cores} cores", "disk, GB"]
    print_table(f"{hours:g} hours of recordings such as {datadir}'s", header, rows)
    print(
        f"Measured here on one core with {len(found)} utterances, and divided by the number of cores: what processes "
        "cost that wait for each other or for the disk is not in it.\nThe epochs are those of the config; all "
        "recordings are restored by one model under one condition."
    )


def _cells(stage: Stage, hours: float, n_cores: int) -> list[str]:
    core_h = stage.core_s * stage.times * hours / 3600
    what = stage.what if stage.times == 1 else f"{stage.what}, {stage.times} times"
    return [what, f"{core_h:.1f}", f"{core_h / n_cores:.2f}", f"{stage.disk_bytes * hours / 1e9:.2f}"]


if __name__ == "__main__":
    run_program(app)
