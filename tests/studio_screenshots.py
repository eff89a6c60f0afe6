"""Make the pictures of the studio's page that docs/studio.md shows.

python tests/studio_screenshots.py out/mini_grid/s1/*.mpg docs
"""

import shutil
import sys
import tempfile
from pathlib import Path

from browser import CHROMIUM, OPTIONS
from playwright.sync_api import Page, sync_playwright

from avsi.studio.server import open_studio, served

GAP = "1.2", "2.0"
WIDTHS = 1280, 390
SHOWN_AT_S = 1.6
LIMIT_MS = 300_000


def main(clip: Path, out: Path) -> None:
    """Restore a gap of the clip in the studio, and write ``studio_1280.jpg`` and ``studio_390.jpg``."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(clip, Path(folder) / f"talk{clip.suffix}"))  # beside which the studio may write
        with (
            open_studio([copy], saves_to=Path(folder)) as running,
            served(running) as address,
            sync_playwright() as driver,
        ):
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            page = browser.new_page(viewport={"width": WIDTHS[0], "height": 800}, device_scale_factor=1.5)
            page.set_default_timeout(LIMIT_MS)
            page.goto(address)
            _restore(page)
            page.locator("#saves-to").evaluate("(place) => (place.textContent = '~/clips')")  # not a temporary folder
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                page.wait_for_timeout(1500)  # tiles of the new zoom
                # The whole page at once: what sticks to the window's end stays below all else.
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(500)
                page.screenshot(path=out / f"studio_{width}.jpg", type="jpeg", quality=85)
            browser.close()


def _restore(page: Page) -> None:
    page.locator("#preview").wait_for(state="hidden")
    page.check("#landmarks")
    page.click("#add-gap")
    for name, value in zip(("End", "Start"), reversed(GAP), strict=True):
        page.get_by_label(f"{name} of gap 1 in seconds").fill(value)
        page.keyboard.press("Tab")
    page.click("#restore")
    page.locator("#results-part").wait_for()
    page.locator("#landmarks-state", has_text="…").wait_for(state="hidden")
    page.evaluate(f"document.querySelector('video').currentTime = {SHOWN_AT_S}")
    page.mouse.move(0, 0)
    page.wait_for_timeout(4000)  # the film's controls fade


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
