"""How the browser is opened: with a file that leads to the page, since all users of a machine see the commands that run
and what they were told, and the address holds the token.
"""

from __future__ import annotations

import html
import os
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Running

LOOK_EACH_S = 0.05


def open_browser(running: Running) -> None:
    """Open the page of a studio as soon as it is served; returns at once."""

    def wait() -> None:
        while not running.server.started:
            if running.server.should_exit:
                return
            time.sleep(LOOK_EACH_S)
        webbrowser.open(leading_to(running.address, running.folder).as_uri())

    threading.Thread(target=wait, name="studio browser", daemon=True).start()


def leading_to(address: str, folder: Path) -> Path:
    """A file that nobody else can read, and that leads a browser to an address."""
    path = folder / "open.html"
    quoted = html.escape(address)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={quoted}">'
            f'<title>avsi studio</title><a href="{quoted}">avsi studio</a>\n'
        )
    return path
