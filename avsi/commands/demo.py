"""`avsi demo`: show what a model restores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..program import print_table
from .options import Face


def demo(
    clip: Annotated[Path, typer.Option(help="A video of a speaker.")],
    gap: Annotated[
        list[str],
        typer.Option(help="START:END in seconds, as a player of the clip shows them: what is cut out; repeatable."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the page and the sounds.")] = Path(
        "out/demo"
    ),
    about: Annotated[str, typer.Option(help="What the page should say of the clip.")] = "",
    face: Face = None,
) -> None:
    """Cut a hole into a clip, restore it without and with the face, and write a page that compares."""
    from ..data.gaps import Gap
    from ..pages.demo import PAGE, run_demo

    gaps = [Gap.parse(text) for text in gap]
    rows = [
        [name, *("-" if value is None else f"{value:.3f}" for value in values)]
        for name, *values in run_demo(clip, gaps, out, about, face)
    ]
    if about:
        typer.echo(about)
    print_table(f"{clip.name}, gap {', '.join(map(str, gaps))} s", ["version", "STOI", "PESQ (MOS-LQO)"], rows)
    typer.echo(f"a page to look at and listen to -> {out / PAGE}")
