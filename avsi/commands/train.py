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
    import os
    import warnings
    from contextlib import nullcontext

    from ..config_files import load_config
    from ..errors import AvsiWarning
    from ..folders import locked

    settings = load_config(config, set_)
    # Before PyTorch is loaded: several processes allow for weights without gradients, and where there are none, each of
    # them would say that this takes time.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from ..training.checkpoints import LAST
    from ..training.processes import is_first
    from ..training.run import train as run

    if not is_first():
        warnings.simplefilter("ignore", AvsiWarning)  # the first process tells it
    # Several processes are one run.
    with locked(out, result=LAST) if is_first() else nullcontext():
        lowest = run(settings, out)
    if is_first():
        typer.echo(f"lowest validation loss {lowest:.4f} -> {out}")
