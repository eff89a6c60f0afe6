"""What commands that serve a page do: check what is installed, tell the address, serve until they are stopped."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from ..errors import ConfigError
from ..program import print_error

if TYPE_CHECKING:
    from .server import Running


def check_installed() -> None:
    """Raises ConfigError where what serves pages is not installed."""
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise ConfigError(f"the studio needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[studio]'")


def end_when_told() -> None:
    """Signals that would leave the server's files end the command as Ctrl-C does."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit(1))


def serve_until_stopped(
    running: Running,
    host: str,
    port: int,
    no_browser: bool,
    kept: str,
    what: str = "the studio",
    allows: str = "hear, change and save everything that is open here",
) -> None:
    """Tell the address, open the browser there, and serve.

    Args:
        host, port: as the user asked for them.
        kept: what becomes of the work when it ends, for the user.
        what: the name of what is served, for the user.
        allows: what everybody can do who has the address, for the user.
    """
    from .browser import open_browser
    from .server import LOOPBACK

    if host != LOOPBACK:
        print_error(
            f"warning: {host} can be reached from other machines: all that is sent can be read on the way, the "
            f"token in the address too, and who has that can {allows}"
        )
    actual = running.port.getsockname()[1]
    if port not in (0, actual):
        typer.echo(f"port {port} is taken; {what} has {actual}")
    typer.echo(f"{what} is open: {running.address}")
    typer.echo(f"Ctrl-C ends it; {kept}")
    if not no_browser:
        open_browser(running)
    with suppress(KeyboardInterrupt):
        running.serve()
    typer.echo(f"{what} is closed")
