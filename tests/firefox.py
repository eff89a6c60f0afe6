"""Firefox, driven by WebDriver BiDi, which Debian's build speaks by itself: https://www.w3.org/TR/webdriver-bidi/."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

FIREFOX = next(filter(None, map(shutil.which, ("firefox", "firefox-esr"))), None)
LIMIT_S = 100  # for what takes a second, on a machine that is busy with other tests

needs_firefox = pytest.mark.skipif(
    FIREFOX is None or find_spec("aiohttp") is None, reason="no Firefox, or the package aiohttp, is at hand"
)


class Tab:
    """The one tab of a browser.

    Attributes:
        complaints: what went wrong in the page.
    """

    def __init__(self, socket: Any) -> None:
        self._socket, self._numbers, self._context = socket, count(1), ""
        self.complaints: list[str] = []

    async def begin(self) -> None:
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=["log.entryAdded"])
        self._context = (await self.command("browsingContext.getTree"))["contexts"][0]["context"]

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (answer := await self._socket.receive_json()).get("id") != number:
            entry = answer.get("params", {})
            if entry.get("level") in ("error", "warn"):
                self.complaints.append(entry["text"])
        assert answer["type"] == "success", answer
        return answer["result"]

    async def open(self, address: str) -> None:
        await self.command("browsingContext.navigate", context=self._context, url=address, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of JavaScript that is text, a number or true or false."""
        target = {"context": self._context}
        told = {"awaitPromise": True, "userActivation": True}  # sound may be played
        answer = await self.command("script.evaluate", expression=expression, target=target, **told)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def wait_for(self, expression: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not await self.evaluate(expression):
                await asyncio.sleep(0.05)

    async def drag(self, *points: tuple[float, float]) -> None:
        """Press the mouse at the first point, and let it go at the last one."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in points]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        await self.command("input.performActions", context=self._context, actions=[mouse])


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Tab]:
    """A headless Firefox with a new profile in a folder, which ends with the context."""
    import aiohttp

    assert FIREFOX is not None
    options = "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)
    browser = await asyncio.create_subprocess_exec(FIREFOX, *options, stderr=asyncio.subprocess.PIPE)
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(LIMIT_S):
            while not (found := re.search(rb"listening on (ws://\S+)", await browser.stderr.readline())):
                assert browser.returncode is None, "Firefox ended"
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{found[1].decode()}/session") as socket:
            tab = Tab(socket)
            await tab.begin()
            yield tab
    finally:
        browser.terminate()
        await browser.wait()
