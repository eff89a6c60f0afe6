"""`avsi export`: write a trained model to be shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[Path, typer.Argument(help="A folder that training wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    trained_on: Annotated[str, typer.Option(help="What `avsi info` should say of it.")],
    sound_alone: Annotated[
        bool, typer.Option("--sound-alone", help="Of a model of sound and face, the part that needs no face.")
    ] = False,
) -> None:
    """Write a trained model in half precision, to be shipped, with a card that holds what is known of it."""
    import shutil

    from ..files import digest
    from ..folders import files_together
    from ..models.card import CARD, update_card
    from ..models.store import LEXICON, TRAIN_IDS, WEIGHTS, load_model, read_description, save_model, size_mb

    about = read_description(model).get("about", {})
    about |= {"trained_on": trained_on, "exported_from": digest(model / WEIGHTS)}
    trained = load_model(model, "inpainter").without_face() if sound_alone else load_model(model)
    with files_together(out) as folder:
        save_model(folder, trained, about, half=True)
        for source in (model / TRAIN_IDS, model / LEXICON, out / CARD):
            if source.is_file():
                shutil.copyfile(source, folder / source.name)
        update_card(folder, name=out.resolve().name)
    typer.echo(f"{model} -> {out} ({size_mb(out):.1f} MB); its card is {out / CARD}")
