"""Draw gaps for a data directory once, into a file that every system is evaluated on.

python -m data_prep.gaps data/test --gap-ms 800 --out data/test/gaps_800ms
python -m data_prep.gaps data/test --out data/test/gaps_random
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avsi.config import load_config
from avsi.data.datadir import read_datadir
from avsi.data.gaps import draw_random, draw_single, generator, write_gap_file
from avsi.errors import DataError, GapError
from avsi.program import print_table, run_program

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The set to damage.")],
    out: Annotated[Path, typer.Option(help="The gap file to write.")],
    gap_ms: Annotated[
        float | None, typer.Option(help="One gap of this length in each utterance; random gaps without.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the places, and of the lengths of random gaps.")] = 0,
    config: Annotated[
        list[Path], typer.Option(help="A config with the section 'gaps'; of several, the last decides.")
    ] = [],  # noqa: B006
) -> None:
    """Draw the gaps of an evaluation: the paper's random gaps, or one gap of a fixed length."""
    settings = load_config(config)
    rate = settings.stft.sample_rate
    gaps = {}
    for utterance in read_datadir(datadir):
        # The same places at every run and in every order; other places for each length.
        rng = generator(seed, "gaps", gap_ms or "random", utterance.id)
        try:
            if gap_ms is None:
                gaps[utterance.id] = draw_random(utterance.duration_s, settings.gaps, rate, rng)
            else:
                gaps[utterance.id] = draw_single(utterance.duration_s, gap_ms, settings.gaps, rate, rng)
        except GapError as error:
            raise DataError(f"{utterance.id}: {error}") from error
    write_gap_file(out, gaps)
    lost = sum(gap.length_s for of in gaps.values() for gap in of)
    rows = [
        ["utterances", len(gaps)],
        ["gaps", sum(map(len, gaps.values()))],
        ["seconds lost, mean", f"{lost / len(gaps):.3f}"],
    ]
    print_table(str(out), ["gaps", "count"], rows)


if __name__ == "__main__":
    run_program(app)
