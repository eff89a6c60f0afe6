"""The studio's page in Firefox: a clip is opened, marked, restored and saved."""

import asyncio
import json

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech
from firefox import firefox, needs_firefox

pytest.importorskip("uvicorn")


@needs_firefox
@pytest.mark.slow
def test_a_clip_is_marked_restored_and_saved_in_firefox(cache, tmp_path):
    from avsi.studio.server import open_studio, served

    original = tmp_path / "talk.wav"
    soundfile.write(original, speech(3, 2.0), RATE)
    (tmp_path / "profile").mkdir()

    async def drive(address: str) -> list[str]:
        async with firefox(tmp_path / "profile") as tab:
            await tab.open(address)
            await tab.wait_for("document.title.startsWith('talk.wav') && document.querySelector('#tiles img') !== null")
            box = json.loads(
                await tab.evaluate("JSON.stringify(document.querySelector('#wave').getBoundingClientRect())")
            )
            at = [box["left"] + box["width"] * time_s / 2 for time_s in (0.8, 1.0, 1.1)]
            await tab.drag(*((x, box["top"] + 20) for x in at))
            await tab.wait_for("document.querySelectorAll('#gap-rows tr').length === 1")
            await tab.evaluate("document.querySelector('#restore').click()")
            await tab.wait_for("!document.querySelector('#results-part').hidden")
            await tab.evaluate("document.querySelector('#save').click()")
            await tab.wait_for("document.querySelectorAll('#saved li').length > 0")
            return tab.complaints

    with open_studio([original], saves_to=tmp_path) as running, served(running) as address:
        assert asyncio.run(drive(address)) == []
    before, after = (soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("talk.wav", "talk.restored.wav"))
    changed = np.flatnonzero(before != after) / RATE
    assert len(changed) > 1000 and changed[0] == pytest.approx(0.8, abs=0.02) and changed[-1] < 1.12
