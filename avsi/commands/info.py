"""`avsi info`: list what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from ..pretrained import ALIGNER, AUDIO_ONLY, CORRECTOR, DEFAULT, DURATIONS, REFINER, SPEAKER_ENCODER, WITH_TEXT
from ..program import print_markdown, print_table

ROLES = {
    DEFAULT: " (default)",
    AUDIO_ONLY: " (where no face is seen)",
    WITH_TEXT: " (where the words are known)",
    ALIGNER: " (finds words)",
    DURATIONS: " (how long phones last)",
    CORRECTOR: " (where a gap is lost in part)",
    REFINER: " (as fine as recorded speech)",
    SPEAKER_ENCODER: " (whose voice it is)",
}


def info(
    model: Annotated[
        str | None, typer.Argument(help="A pretrained model, or a folder with one: shows its card.", show_default=False)
    ] = None,
) -> None:
    """List versions and the pretrained models, or show the card of one: what it is for, its figures, its limits."""
    from importlib.metadata import version

    from .. import __version__
    from ..config_files import config_from_dict
    from ..models.card import CARD, read_card
    from ..models.store import PRETRAINED, find_model, pretrained_names, read_description, size_mb

    if model is not None:
        print_markdown(read_card(find_model(model)))
        return

    rows = [["avsi", __version__], *([name, version(name)] for name in ("torch", "mediapipe", "av", "lightning"))]
    print_table("versions", ["package", "version"], rows)
    models = []
    for name in pretrained_names():
        description = read_description(PRETRAINED / name)
        parts = config_from_dict(description["config"]).model
        inputs = {"sound": parts.audio, "face": parts.video, "words": parts.text, "voice": parts.voice}
        takes = " and ".join(what for what, used in inputs.items() if used)
        role = ROLES.get(name, "")
        about = [parts.kind, takes, f"{size_mb(PRETRAINED / name):.1f}"]
        models.append([name + role, *about, description["about"].get("trained_on", "")])
    print_table("pretrained models", ["name", "kind", "from", "MB", "trained on"], models)
    typer.echo(f"The card of each: avsi info NAME, or {PRETRAINED / 'NAME' / CARD}")
