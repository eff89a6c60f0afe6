"""`avsi augment`: write what training hears."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..program import print_table
from .options import Settings


def augment(
    clip: Annotated[Path, typer.Argument(help="A sound or video file of one speaker.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the sounds, a table and a picture.")],
    copies: Annotated[int, typer.Option(min=1, help="Variations to write.")] = 4,
    seed: Annotated[int, typer.Option(help="By which voices and variations are drawn.")] = 0,
    config: Annotated[
        list[Path], typer.Option(help="A config with sections 'voices' and 'augment'; else the pretrained model's.")
    ] = [],  # noqa: B006
    set_: Settings = [],  # noqa: B006
) -> None:
    """Write what training hears of a clip: other voices, each at another speed and with noise."""
    from ..pages.augmentation_preview import HEADER, PICTURE, preview_augmentation, preview_config

    rows = preview_augmentation(clip, out, preview_config(config, set_), copies, seed)
    print_table(f"{clip.name}, factors of what was recorded", HEADER, rows)
    typer.echo(f"{len(rows)} sounds to listen to, and to look at {PICTURE} -> {out}")
