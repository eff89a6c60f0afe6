"""What a corpus takes, in hours of machines and in disk, by what a part of one takes here.

python -m evaluation.plan data/train --config conf/av.yaml --hours 438 --hosts 8 --cores 16
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import read_datadir
from avsi.errors import DataError
from avsi.program import print_table, progress, run_program

from .measurements.stages import N_STAGES, measure

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
        stages = list(progress(measure(found, config, Path(folder)), N_STAGES, "stages measured"))
    core_h = [stage.core_s / 3600 * (hours if stage.hours is None else stage.hours) for stage in stages]
    disk_gb = [stage.disk_bytes / 1e9 * hours for stage in stages]
    header = ["stage", "hours on one core", f"hours on {hosts} x {cores} cores", "disk, GB"]
    rows = [
        [what, _amount(of), _amount(of / hosts / cores), _amount(gb) if gb else "-"]
        for what, of, gb in zip(
            [*(stage.what for stage in stages), "together"],
            [*core_h, sum(core_h)],
            [*disk_gb, sum(disk_gb)],
            strict=True,
        )
    ]
    print_table(f"{hours:g} hours of recordings such as those of {datadir}", header, rows)
    print(
        f"Measured on one core of this machine with {len(found)} recordings, and with copies of them where these took "
        "too little time.\nSeveral cores are taken to share each stage without loss. Training is on CPUs, through all "
        "epochs of the config; it may stop earlier. '20 x 2000' are 20 epochs of 2000 utterances, however large the "
        "corpus is.\nOne gap of 400 ms in each recording is restored, and scored."
    )


def _amount(value: float) -> str:
    """With about two digits, and never as 0."""
    return (
        "< 0.01" if value < 0.01 else f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    )


if __name__ == "__main__":
    run_program(app, kept="nothing is kept")
