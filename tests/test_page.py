import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import look_at, needs_browser
from conftest import RATE, speech
from jinja2 import UndefinedError

from avsi.audio.samples import from_float
from avsi.data.gaps import Gap
from avsi.pages import plots
from avsi.pages.demo import is_named_like
from avsi.pages.demo_page import ModelUsed, Stretch, demo_page
from avsi.pages.html import data_uri, render, sound_uri
from avsi.pages.plots import spectrogram

GAPS = [Gap(10.5, 11.0), Gap(12.0, 12.2)]
SCORES = [("damaged", 0.5, None), ("interpolated", 0.7, None), ("audio-only", 0.70004, None), ("audio-visual", 0.6, 2)]
NAME = "<script>alert('no')</script> & a name that is very long " + "x" * 200 + ".mp4"


def pictures():
    for index in range(50):
        yield index / 25, np.full((101, 75, 3), 4 * index, np.uint8)


@pytest.fixture(scope="module")
def made() -> str:
    """The page of a stretch from 10 s on of a clip with a name that is markup."""
    sounds = {name: speech(k, 2.0) for k, name in enumerate(("damaged", "audio-only", "audio-visual", "original"))}
    stretch = Stretch(10.0, sounds, pictures())
    models = [ModelUsed("a", "<b>bells</b>", ""), ModelUsed("av", "", "s01_bbaf2n")]
    return demo_page(NAME, "Of <i>nobody</i>.", 60.0, RATE, GAPS, [stretch], SCORES, models)


def test_an_address_holds_a_file_and_a_sound_every_sample():
    assert data_uri("text/plain", b"\xffword") == "data:text/plain;base64,/3dvcmQ="
    kind, content = sound_uri(speech(0), RATE).split(";base64,")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="int16")
    assert kind == "data:audio/flac" and rate == RATE
    assert np.array_equal(samples, from_float(speech(0), np.int16))


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError, match="is undefined"):
        render("demo.html")


def test_names_that_are_markup_are_shown_as_they_are(made):
    assert "<script>alert" not in made and "&lt;script&gt;alert" in made
    assert "<b>bells" not in made and "&lt;b&gt;bells" in made
    assert "Of &lt;i&gt;nobody&lt;/i&gt;." in made


def test_a_clip_that_a_model_was_trained_on_is_told(made):
    used = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", made))
    assert used["av"].startswith("not known. <strong>It was trained on a clip of this name, s01_bbaf2n</strong>")
    assert "trained" not in used["a"]


@pytest.mark.parametrize(
    ("path", "id_", "named"),
    [
        ("s1/bbaf2n.mpg", "s01_bbaf2n", True),
        ("s1/video/mpg_6000/BBAF2N.mpg", "s01_bbaf2n", True),
        ("mine/s01_bbaf2n.wav", "s01_bbaf2n", True),
        ("s7/lrai9a.mpg", "mini1-s07_lrai9a", True),
        ("s2/bbaf2n.mpg", "s01_bbaf2n", False),
        ("s11/bbaf2n.mpg", "s01_bbaf2n", False),
        ("bbaf2n.mpg", "s01_bbaf2n", False),
        ("s1/bbaf2s.mpg", "s01_bbaf2n", False),
    ],
)
def test_a_clip_is_known_by_its_name_and_its_speakers_folder(path, id_, named):
    assert is_named_like(Path("/corpus") / path, id_) == named


def test_a_page_says_what_part_of_the_clip_it_shows(made):
    assert "gaps 10.50 to 11.00 s, 12.00 to 12.20 s" in made
    assert "Look and listen: 10.00 to 12.00 s of the clip" in made
    assert "Each version of the whole clip (60.00 s)" in made
    # The second gap lies behind the stretch.
    assert made.count('the gap framed at 10.50 to 11.00 s"') == 4


def test_the_best_values_as_shown_are_marked_and_missing_ones_are_dashes(made):
    rows = {name: re.findall("<td>(.*?)</td>", row) for name, row in re.findall('"row">(.*?)</th>(.*?)</tr>', made)}
    assert rows == {
        "Damaged": ["0.500", "&ndash;"],
        "Interpolated": ["<strong>0.700</strong>", "&ndash;"],
        "Audio-only": ["<strong>0.700</strong>", "&ndash;"],
        "Audio-visual": ["0.600", "<strong>2.000</strong>"],
    }


def test_a_spectrogram_frames_the_gap_where_it_is():
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(spectrogram(np.zeros(32000), RATE, [Gap(10.5, 11.0)], 10.0))), np.int16)
    assert pixels.shape == (plots.HEIGHT, plots.WIDTH, 3)
    row = pixels[plots.HEIGHT // 2]
    green = np.flatnonzero((row[:, 1] > 150) & (row[:, 2] < 120))
    edges = (plots.PLOT_LEFT + plots.PLOT_WIDTH * np.array([0.25, 0.5])) * plots.WIDTH
    assert [green.min(), green.max()] == pytest.approx(edges, abs=4)


@needs_browser
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.slow
def test_a_browser_plays_all_of_it_and_asks_for_nothing(made, tmp_path, width):
    path = tmp_path / "a page.html"
    path.write_text(made, encoding="utf-8")
    found = look_at(path, width)
    assert found["requests"] == [path.as_uri()]
    assert found["complaints"] == []
    assert [player["tag"] for player in found["players"]] == ["VIDEO"] + 4 * ["AUDIO"]
    assert [player["duration_s"] for player in found["players"]] == pytest.approx(5 * [2.0], abs=0.1)
    assert all(player["alone"] and player["error"] is None for player in found["players"])
    assert [player["line"] for player in found["players"]] == [None] + 4 * ["0.9"]
    assert found["pictures"] == 4 * [plots.WIDTH]
    assert found["width"] == width
    assert NAME in found["text"]
