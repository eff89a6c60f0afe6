"""The process in which the studio's long work is done, one task at a time; it can be ended at any time."""

from __future__ import annotations

import importlib
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from ..errors import AvsiError, AvsiWarning
from ..program import error_text, settle

TOLD_EACH_S = 0.1  # of progress
OPTION = re.compile(r"; [^;]*--[a-z][^;]*")  # advice that names an option of the command, which the page lacks


class Teller:
    """Tells the server how far a task is."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._step, self._at = connection, "", 0.0

    def step(self, what: str, done: float | None = None) -> None:
        """Say what is being done, and the share of it that is, 0 to 1; None where that is not known."""
        if what == self._step and time.monotonic() < self._at + TOLD_EACH_S:
            return
        self._step, self._at = what, time.monotonic()
        self._connection.send(("step", what, done))

    def progress(self, items: Iterable, total: int, what: str) -> Iterator:
        """As :func:`avsi.program.progress`."""
        self.step(what, 0.0)
        for number, item in enumerate(items, 1):
            yield item
            self.step(what, min(number / max(total, 1), 1.0))


def serve(connection: Connection, parent: int, niceness: int) -> None:
    """Carry out tasks, (module in this room, function, arguments), until the server closes the connection."""
    settle(parent)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what is half-written is removed
    os.nice(niceness)
    while True:
        try:
            module, function, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_carried_out(module, function, arguments, Teller(connection)))


def _carried_out(module: str, function: str, arguments: dict[str, Any], teller: Teller) -> tuple[str, Any, list[str]]:
    """("done", result, notes) or ("failed", what the user is told, notes)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", AvsiWarning)
        try:
            task: Callable = getattr(importlib.import_module(f".{module}", __package__), function)
            outcome = "done", task(teller, **arguments)
        except (AvsiError, OSError) as error:
            outcome = "failed", OPTION.sub("", error_text(error))
        except Exception:
            traceback.print_exc()  # on the terminal of the command
            outcome = "failed", "something went wrong; the terminal of avsi studio shows what"
        return *outcome, [OPTION.sub("", str(warning.message)) for warning in caught]
