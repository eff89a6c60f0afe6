"""`avsi studio`: mark, find and restore what is lost, in the browser; or open an evaluation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer


def studio(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Sound or video files; others can be dropped on the page. Or the folder of an evaluation, alone.",
            metavar="[FILE]...",
        ),
    ] = [],  # noqa: B006
    model: Annotated[
        str | None,
        typer.Option(
            help="The model that is chosen at first, one that avsi info lists or a folder that training wrote.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(help="The port of the page; 0 takes a free one, and so does one that is taken.")
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            help="Another address of this machine, by which other machines reach the page. Dangerous: what is sent can "
            "be read on the way, and whoever reads the address can hear and change everything that is open."
        ),
    ] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open a page in the browser: mark or find what is lost, restore it, compare, save. Nothing leaves the machine.

    What is marked is kept beside a clip, as clip.avsi.json; results are saved beside it too, never over it. Those of
    clips that are dropped on the page are kept in the folder in which the studio was started.

    From a checkout, the folder of an evaluation is opened too: its means, all its utterances, and listening tests.
    """
    from ..media.containers import check_file
    from ..models.store import find_model
    from ..studio.serving import check_installed, end_when_told, serve_until_stopped

    check_installed()
    if any(file.is_dir() for file in files):
        _open_evaluation(files, model, port, host, no_browser)
    for file in files:
        check_file(file)
    if model is not None:
        find_model(model)

    from ..studio.server import open_studio

    end_when_told()
    with open_studio(files, model, host, port) as running:
        kept = "what is marked is kept beside each clip, of dropped ones in this folder"
        serve_until_stopped(running, host, port, no_browser, kept)


def _open_evaluation(files: list[Path], model: str | None, port: int, host: str, no_browser: bool) -> NoReturn:
    """Become the program that opens evaluations, which is in a checkout alone."""
    from ..errors import ConfigError
    from ..program import DEBUG

    folder = next(file for file in files if file.is_dir())
    checkout = Path(__file__).parents[2]
    if not (checkout / "evaluation" / "browse.py").is_file():
        raise ConfigError(f"{folder}: is a folder; evaluations are opened by avsi that is installed from a checkout")
    if len(files) > 1 or model is not None:
        raise ConfigError(f"{folder}: is a folder, so an evaluation: name it alone, without clips and --model")
    options = ["--port", str(port), "--host", host, *["--no-browser"] * no_browser, *[DEBUG] * (DEBUG in sys.argv)]
    paths = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    sys.stdout.flush()
    # Not as a part of this process: what is installed imports no evaluation. -P: nor what lies where the user is.
    program = [sys.executable, "-P", "-m", "evaluation.browse", *options, "--", str(folder)]
    os.execve(sys.executable, program, os.environ | {"PYTHONPATH": paths})
