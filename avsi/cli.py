"""The command `avsi`. Its commands import what is heavy when they run: ``avsi --help`` is instant."""

from typing import Annotated

import typer

from .commands.adapt import adapt
from .commands.align import align
from .commands.augment import augment
from .commands.damage import damage
from .commands.demo import demo
from .commands.detect import detect
from .commands.edit import edit
from .commands.export import export
from .commands.info import info
from .commands.inpaint import inpaint
from .commands.landmarks import landmarks
from .commands.studio import studio
from .commands.train import train
from .commands.voice import voice
from .program import run_program

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Audio-visual speech inpainting: restore missing stretches of speech from the sound around them and the "
    "speaker's face.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("avsi"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error comes from; before or after the command."),  # by run_program
    ] = False,
) -> None: ...


for command in (
    *(studio, inpaint, detect, edit, align, voice, adapt, landmarks, train),
    *(demo, augment, damage, export, info),
):
    app.command()(command)


def main() -> None:
    run_program(app)


if __name__ == "__main__":
    main()
