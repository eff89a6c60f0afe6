"""Pages that are served: a folder, a server on a port of this machine, and its end; the studio of clips among them."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from ..errors import ConfigError
from .refusals import Refused
from .routes import make_app
from .safety import Guard
from .session import session_folder
from .studio import Studio

if TYPE_CHECKING:
    from starlette.applications import Starlette

LOOPBACK = "127.0.0.1"
EVERY = ("", "0.0.0.0", "::")
ENDS_WITHIN_S = 2  # of Ctrl-C, while a browser still plays


@dataclass(frozen=True)
class Running:
    """
    Attributes:
        folder: for all that need not outlive it.
        address: what a browser opens, with the token.
    """

    folder: Path
    address: str
    server: uvicorn.Server
    port: socket.socket

    def serve(self) -> None:
        """Answer requests until Ctrl-C, or until the server is told to end."""
        self.server.run(sockets=[self.port])


@dataclass(frozen=True)
class RunningStudio(Running):
    studio: Studio


@contextmanager
def open_server(app: Starlette, host: str = LOOPBACK, port: int = 0) -> Iterator[Running]:
    """An app, ready to be served to whom :class:`Guard` lets in; its port and folder are gone when the context ends.

    Args:
        port: 0 takes a free one; of another that is taken, the next free one is taken.

    Raises:
        ConfigError: no such address of this machine.
    """
    with _taken_port(host, port) as taken, session_folder() as folder:
        address, server = _server(app, host, taken)
        yield Running(folder, address, server, taken)


@contextmanager
def open_studio(
    files: Sequence[Path] = (),
    model: str | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    saves_to: Path | None = None,
) -> Iterator[RunningStudio]:
    """A studio with some clips, ready to serve; all its processes and temporary files are gone when the context ends.

    Args:
        port: 0 takes a free one; of another that is taken, the next free one is taken.

    Raises:
        MediaError, ModelError: a file or a model that cannot be opened.
        ConfigError: no such address of this machine.
    """
    with _taken_port(host, port) as taken, session_folder() as folder:
        studio = Studio(folder, model, saves_to)
        try:
            try:
                for file in files:
                    studio.open(file.absolute())
            except Refused as error:
                raise ConfigError(str(error)) from error
            address, server = _server(make_app(studio), host, taken)
            studio.is_closing = lambda: server.should_exit
            yield RunningStudio(folder, address, server, taken, studio)
        finally:
            studio.close()


@contextmanager
def served(running: Running) -> Iterator[str]:
    """Serve in a thread while the context lasts; yields the address."""
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    try:
        yield running.address
    finally:
        running.server.should_exit = True
        thread.join(10)


def _server(app: Starlette, host: str, taken: socket.socket) -> tuple[str, uvicorn.Server]:
    """(what a browser opens, the server) of an app on a port."""
    number = taken.getsockname()[1]
    token = secrets.token_urlsafe(24)
    own = f"[{host}]" if ":" in host else host  # as addresses write one of IPv6
    names = tuple(dict.fromkeys((own, LOOPBACK, "localhost")))
    config = uvicorn.Config(
        Guard(app, token, tuple(f"{name}:{number}" for name in names)),
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
        server_header=False,
        h11_max_incomplete_event_size=64 << 10,
        timeout_graceful_shutdown=ENDS_WITHIN_S,
    )
    return f"http://{names[0]}:{number}/?token={token}", uvicorn.Server(config)


def _taken_port(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port {port}: expected 1 to 65535, or 0 for a free one")
    if host in EVERY:
        raise ConfigError(f"--host {host}: means all addresses of this machine; name the one by which it is reached")
    for number in (port, 0) if port else (0,):
        taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, number))
            taken.listen(128)  # a browser that is quicker than the server waits
        except OSError as error:
            taken.close()
            if number == 0:
                raise ConfigError(f"--host {host}: is no address of this machine ({error.strerror})") from error
            continue
        return taken
    raise AssertionError("a free port, or an error")
