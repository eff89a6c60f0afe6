"""`avsi train`: train a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Settings


def train(
    out: Annotated[Path, typer.Option(help="The folder for the model, its logs and what a resumed run needs.")],
    config: Annotated[
        list[Path], typer.Option(help="A YAML file over the defaults of avsi/config.py; of several, the last decides.")
    ] = [],  # noqa: B006
    set_: Settings = [],  # noqa: B006
) -> None:
    """Train a model; the same command goes on where a stopped run was."""
    from contextlib import nullcontext

    from ..config_files import load_config
    from ..folders import locked

    settings = load_config(config, set_)
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    from ..training.checkpoints import LAST
    from ..training.run import train as run

    # On several GPUs each has a process, and all of them are one run.
    with locked(out, result=LAST) if getattr(rank_zero_only, "rank", 0) == 0 else nullcontext():
        lowest = run(settings, out)
    typer.echo(f"lowest validation loss {lowest:.4f} -> {out}")
