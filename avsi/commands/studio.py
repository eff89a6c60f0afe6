"""`avsi studio`: mark, find and restore what is lost, in the browser."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def studio(
    files: Annotated[
        list[Path],
        typer.Argument(help="Sound or video files; others can be dropped on the page.", metavar="[FILE]..."),
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
    """
    from importlib.util import find_spec

    from ..errors import ConfigError
    from ..media.containers import check_file
    from ..models.store import find_model
    from ..program import print_error

    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise ConfigError(f"the studio needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[studio]'")
    for file in files:
        check_file(file)
    if model is not None:
        find_model(model)

    from ..studio.browser import open_browser
    from ..studio.server import LOOPBACK, open_studio

    for ending in (signal.SIGTERM, signal.SIGHUP):  # which would leave its files
        signal.signal(ending, lambda *_: sys.exit(1))
    with open_studio(files, model, host, port) as running:
        if host != LOOPBACK:
            print_error(
                f"warning: {host} can be reached from other machines: all that is sent can be read on the way, the "
                "token in the address too, and who has that can hear, change and save everything that is open here"
            )
        actual = running.port.getsockname()[1]
        if port not in (0, actual):
            typer.echo(f"port {port} is taken; this studio has {actual}")
        typer.echo(f"the studio is open: {running.address}")
        typer.echo("Ctrl-C ends it; what is marked is kept beside each clip, of dropped ones in this folder")
        if not no_browser:
            open_browser(running)
        with suppress(KeyboardInterrupt):
            running.serve()
    typer.echo("the studio is closed")
