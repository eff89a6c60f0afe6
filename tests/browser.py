"""A page as a reader's browser meets it: Debian's Chromium, without its own window or network services."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--no-first-run", "--autoplay-policy=no-user-gesture-required", "--mute-audio"),
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None, reason="no Chromium, or the package playwright, is at hand"
)

# Plays each sound and film for a moment, one after the other, and leaves the last one playing.
PLAY_ALL = """async () => {
    const results = [];
    for (const player of document.querySelectorAll("audio, video")) {
        if (player.readyState < 1) await new Promise((resolve, reject) => {
            player.onloadedmetadata = resolve;
            player.onerror = () => reject(new Error(player.error.message));
        });
        await player.play();
        while (player.currentTime < 0.1) await new Promise((resolve) => setTimeout(resolve, 10));
        const playing = [...document.querySelectorAll("audio, video")].filter((other) => !other.paused);
        const line = player.parentElement.querySelector(".plot i");
        results.push({
            tag: player.tagName, duration_s: player.duration, error: player.error && player.error.message,
            alone: playing.length === 1 && playing[0] === player, line: line && line.style.opacity,
        });
    }
    return results;
}"""


@contextmanager
def opened_browser() -> Iterator:
    """Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser, address: str) -> Iterator:
    """A page of one of avsi's servers: nothing but this server is asked, and nothing goes wrong, but for what a test
    takes out of ``page.complaints``.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    requests, complaints = page.requests, page.complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert [url for url in requests if not url.startswith(address.partition("/?")[0] + "/")] == []
    assert complaints == []


def look_at(path: Path, width: int = 1200) -> dict:
    """What Chromium makes of a page: its requests, complaints, players, pictures and the width of what it shows."""
    with opened_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        found = {
            "requests": [url for url in requests if not url.startswith(("data:", "blob:"))],
            "complaints": complaints,
            "players": page.evaluate(PLAY_ALL),
            "pictures": page.evaluate("[...document.images].map((image) => image.naturalWidth)"),
            "width": page.evaluate("document.documentElement.scrollWidth"),
            "text": page.inner_text("body"),
        }
    return found
