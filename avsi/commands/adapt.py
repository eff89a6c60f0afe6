"""`avsi adapt`: adapt a model to a speaker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..pretrained import AUDIO_ONLY, DEFAULT
from ..program import progress
from .options import EXACT_RULES, Device, Face

if TYPE_CHECKING:
    from ..config import AdaptConfig
    from ..restoring.inpainting import Inpainter


def adapt(
    recordings: Annotated[
        list[Path], typer.Argument(help="Sound or video files of one speaker.", metavar="RECORDING...")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the adapted model.")],
    gap: Annotated[
        list[str],
        typer.Option(
            help="START:END in seconds: what is damaged, and is not learned from; repeatable. The same times in each "
            "file: of several damaged ones, leave out the damaged, or take --detect."
        ),
    ] = [],  # noqa: B006
    gaps_file: Annotated[Path | None, typer.Option(help="The same, as inpaint takes it.")] = None,
    detect: Annotated[bool, typer.Option("--detect", help=EXACT_RULES)] = False,
    model: Annotated[str, typer.Option(help="The model to start from: a pretrained one, or a folder.")] = DEFAULT,
    audio_only: Annotated[
        str, typer.Option(help="The model to start from where no recording shows a face.")
    ] = AUDIO_ONLY,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of training; by default those of the model, 120.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=-(2**63), max=2**63 - 1, help="By which the artificial gaps are drawn.")] = 0,
    face: Face = None,
    device: Device = "auto",
) -> None:
    """Adapt a model to a speaker's own recordings: it trains on with gaps cut into what is undamaged, and is kept only
    if it became better on stretches that were held out. Where no recording shows a face, it is the model that takes
    over without one that is adapted. A minute of speech takes some minutes.
    """
    from dataclasses import replace

    from ..data.gaps import Gap
    from ..detecting.damage_files import read_gaps
    from ..errors import GapError
    from ..folders import check_new
    from ..models.store import find_model
    from ..restoring.adapting import adapt_to_files, write_adapted

    if detect and (gap or gaps_file):
        raise GapError("name the gaps with --gap or --gaps-file, or let --detect find them, and not both")
    gaps = None if detect else [Gap.parse(text) for text in gap] + (read_gaps(gaps_file) if gaps_file else [])
    check_new(out)
    for name in (model, audio_only):
        find_model(name)

    def load() -> tuple[Inpainter, AdaptConfig]:
        from ..restoring.inpainting import Inpainter

        inpainter = Inpainter.from_pretrained(model, audio_only, device, None)
        settings = replace(inpainter.model.config.adapt, seed=seed)
        return inpainter, settings if steps is None else replace(settings, steps=steps)

    adapted = adapt_to_files(recordings, load, gaps, progress, face)
    done = adapted.adaptation
    assert done is not None
    write_adapted(out, adapted, {"model": model, "audio_only": audio_only}[done.of])
    typer.echo(f"{done if done.kept else 'the model as it was, not adapted'} -> {out}")
