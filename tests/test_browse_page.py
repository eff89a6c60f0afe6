import base64
import io
import json
import re
import time
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import soundfile
from browser import CHROMIUM, OPTIONS, look_at, needs_browser
from conftest import RATE, speech

from avsi.audio.samples import from_float
from avsi.data.gaps import Gap
from avsi.errors import ConfigError, DataError
from avsi.metrics.registry import COLUMNS
from evaluation.reporting.browse_page import Ranking, browse_page
from evaluation.reporting.example_selection import Selection, select_examples
from evaluation.reporting.examples import Example, Version

HOSTILE = "</script><script>alert('no')</script>"
SYSTEMS = ("a", "no <model>", "av")
RANKING = Ranking("av", COLUMNS["stoi"])
SAID = ("B", "IH", "N")
HEARD = {"original": SAID, "damaged": ("N",), "a": ("B", "EH", "N", "T"), "no <model>": None, "av": SAID}
SCORES = {
    "original": {"per": 0.0},
    "damaged": {"l1": 0.9, "stoi": 0.5, "pesq": None, "per": 2 / 3},
    "a": {"l1": 0.6, "stoi": 0.80004, "pesq": None, "per": 2 / 3},
    "no <model>": {"l1": 0.7, "stoi": 0.7, "pesq": None},
    "av": {"l1": 0.5, "stoi": 0.79996, "pesq": float("nan"), "per": 0.0},
}


def example(number: int, id_: str, condition: str, rank: str, missing: str = "") -> Example:
    """Its versions' sounds differ in length: (5 + number) tenths of a second, and a hundredth more for each version."""
    versions = [
        Version(name, speech(place, 0.5 + 0.1 * number + 0.01 * place), SCORES[name], HEARD[name])
        for place, name in enumerate(("original", "damaged", *SYSTEMS))
        if name != missing
    ]
    words = ("bin", "blue", HOSTILE) if number == 0 else ("set", "red", str(number))
    gaps = [Gap(0.1, 0.3), Gap(0.4, 0.45)]
    return Example(id_, id_[:3], condition, words, gaps, SAID, *versions[:2], versions[2:], rank)


@pytest.fixture(scope="module")
def made() -> str:
    """Three examples of two speakers under two conditions."""
    examples = [
        example(0, "s01_one", "400ms", "best"),
        example(1, "s02_two", "400ms", "worst"),
        example(2, "s01_one", "800ms", "worst", missing="no <model>"),
    ]
    return browse_page("Results & <more>", "Of <i>nobody</i>.", examples, RATE, RANKING, jobs=1)


def figures(page: str) -> list[list[str]]:
    """The figures of each example."""
    examples = re.findall("<template.*?</template>", page, re.S)
    return [re.findall("<figure>.*?</figure>", one, re.S) for one in examples]


def test_the_best_the_median_and_the_worst_of_each_condition_come_first():
    stoi = {"400ms": dict(zip("abcdefg", (1, 2, 3, 4, 5, 6, 7), strict=True)), "800ms": {"a": 0.3, "b": 0.1, "c": 0.2}}
    chosen = select_examples(stoi, lower_is_better=False, count=8)
    assert [(case.condition, case.id, case.rank) for case in chosen] == [
        ("400ms", "g", "best"),
        ("800ms", "a", "best"),
        ("400ms", "d", "median"),
        ("800ms", "c", "median"),
        ("400ms", "a", "worst"),
        ("800ms", "b", "worst"),
        ("400ms", "f", "best"),
        ("400ms", "e", "median"),
    ]
    assert select_examples(stoi, lower_is_better=True, count=1) == [Selection("400ms", "a", "best")]


@pytest.mark.parametrize("n", range(8))
def test_every_utterance_is_chosen_once_and_a_median_case_lies_between(n):
    values = {f"u{k}": float(k) for k in range(n)}
    chosen = select_examples({"800ms": values}, lower_is_better=True)
    assert sorted(case.id for case in chosen) == sorted(values)
    ids = {rank: [case.id for case in chosen if case.rank == rank] for rank in ("best", "median", "worst")}
    assert max(ids["best"], default="") < min(ids["worst"], default="v")
    assert [id_ for id_ in ids["median"] if not ids["best"][0] < id_ < ids["worst"][0]] == []
    assert len(ids["median"]) == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1, 6: 2, 7: 2}[n]


def test_of_a_long_set_no_more_is_ranked_than_is_shown():
    values = {f"u{number:06d}": float(number) for number in range(100_001)}
    chosen = select_examples({"800ms": values}, lower_is_better=True, count=5)  # to rank all took hours
    assert [case.id for case in chosen] == ["u000000", "u050000", "u100000", "u000001", "u049999"]


def test_what_has_no_value_comes_last_where_there_is_room():
    l1 = {"400ms": {"b": None, "a": float("nan"), "c": 0.5}, "800ms": {"a": None, "c": 0.5}}
    chosen = select_examples(l1, lower_is_better=True, count=4)
    assert [(case.condition, case.id, case.rank) for case in chosen] == [
        ("400ms", "c", "best"),
        ("800ms", "c", "best"),
        ("400ms", "a", "not scored"),
        ("400ms", "b", "not scored"),
    ]


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_of_equals_the_one_whose_id_sorts_first_is_the_better(lower_is_better):
    chosen = select_examples({"800ms": {"b": 0.5, "c": 0.5, "a": 0.5}}, lower_is_better)
    assert [(case.id, case.rank) for case in chosen] == [("a", "best"), ("b", "median"), ("c", "worst")]


@pytest.mark.parametrize("count", [0, 51])
def test_a_page_holds_fifty(count):
    with pytest.raises(ConfigError, match=f"{count} examples: expected 1 to 50"):
        select_examples({}, lower_is_better=True, count=count)
    with pytest.raises(ConfigError, match=f"{count} examples: expected 1 to 50"):
        browse_page("", "", count * [example(1, "s01_one", "800ms", "best")], RATE, RANKING)


def test_an_utterance_twice_under_one_condition_is_an_error():
    twice = 2 * [example(1, "s01_one", "800ms", "best")]
    with pytest.raises(DataError, match="s01_one 800ms: is there 2 times"):
        browse_page("", "", twice, RATE, RANKING)


def test_markup_in_names_is_shown_as_it_is(made):
    assert HOSTILE not in made and "<more>" not in made and "<i>nobody" not in made and "<model>" not in made
    assert made.count("</script>") == 1
    assert "<h2>bin blue &lt;/script&gt;&lt;script&gt;alert(&#39;no&#39;)&lt;/script&gt;</h2>" in made


def test_each_version_is_there_once_with_its_own_sound(made):
    assert [len(one) for one in figures(made)] == [5, 5, 5]
    for number, one in enumerate(figures(made)):
        for place, figure in enumerate(one):
            sounds = re.findall('"data:audio/flac;base64,([^"]*)"', figure)
            if (number, place) == (2, 3):
                assert sounds == [] and "This system restored nothing here." in figure
                continue
            samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0])), dtype="int16")
            assert rate == RATE and len(sounds) == figure.count("data:image/webp") == 1
            assert np.array_equal(samples, from_float(speech(place, 0.5 + 0.1 * number + 0.01 * place), np.int16))
    assert made.count("data:audio/flac") == made.count("data:image/webp") == 14
    assert "the gap framed at 0.10 to 0.30 s, 0.40 to 0.45 s" in figures(made)[0][0]


def test_scores_have_their_direction_and_the_best_system_is_bold(made):
    shown = [
        [
            (label.strip(), arrow, value)
            for label, arrow, value in re.findall("<dt.*?>(.*?)<span.*?>(.)</span></dt><dd>(.*?)</dd>", figure)
        ]
        for figure in figures(made)[0]
    ]
    assert shown[0] == [("PER", "↓", "0.000")]
    assert shown[1] == [("L1", "↓", "0.900"), ("STOI", "↑", "0.500"), ("PESQ", "↑", "&ndash;"), ("PER", "↓", "0.667")]
    assert shown[2][1:3] == [("STOI", "↑", "<strong>0.800</strong>"), ("PESQ", "↑", "&ndash;")]
    assert shown[4] == [
        ("L1", "↓", "<strong>0.500</strong>"),
        ("STOI", "↑", "<strong>0.800</strong>"),
        ("PESQ", "↑", "&ndash;"),
        ("PER", "↓", "<strong>0.000</strong>"),
    ]
    assert "Units: L1 in training deviations; PESQ in MOS-LQO." in made
    assert "Ranked by STOI of av" in made
    values = re.findall("<li><a .*?<span>(.*?)</span>", made)
    assert values == ["0.800", "0.800", "0.800"]


def test_phones_recognised_are_aligned_with_those_said(made):
    original, damaged, first, second, _ = figures(made)[0]
    assert "no errors in 3 phones" in original and 'class="substituted"' not in original
    assert 'aria-label="Phones recognised: B missing, IH missing, N"' in damaged
    assert damaged.count('class="deleted"') == 2 and "<del>IH</del><b>&ndash;</b>" in damaged
    assert "2 errors in 3 phones: 2 deleted" in damaged
    assert 'title="EH was recognised for IH"><span>IH</span><b>EH</b>' in first
    assert 'title="T was not said"><span></span><ins>+T</ins>' in first
    assert "2 errors in 3 phones: 1 substituted, 1 inserted" in first
    assert "phones" not in second


def test_without_a_recogniser_nothing_is_said_of_phones():
    versions = [Version(name, speech(0, 0.2), {}) for name in ("original", "damaged", "a")]
    one = Example("s01_one", "s01", "800ms", ("bin",), [], SAID, *versions[:2], versions[2:], "not scored")
    page = browse_page("Results", "", [one], RATE, RANKING, jobs=1)
    assert "recogniser" not in page and "Scores:" not in page and "<dl" not in page
    assert '<section data-rank="not scored">\n<h2>Not scored</h2>' in page


@pytest.fixture
def open_page(made, tmp_path: Path):
    """The page in a browser: called with an address's end, it yields the page; at the end nothing must have gone
    wrong in it.
    """
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    path.write_text(made, encoding="utf-8")
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def go(end: str = ""):
            page.goto("about:blank")
            page.goto(path.as_uri() + end)
            return page

        yield go
        browser.close()
    assert complaints == []


def durations(page) -> list[float]:
    """Of all players, once they know it."""
    wait_for(page, "[...document.querySelectorAll('audio')].every((player) => player.readyState >= 1)")
    return page.evaluate("[...document.querySelectorAll('audio')].map((player) => player.duration)")


def wait_for(page, expression: str) -> None:
    """Until JavaScript says so. Asked from here: the page's policy forbids the driver to ask from within it."""
    end_s = time.monotonic() + 100
    while not page.evaluate(expression):
        assert time.monotonic() < end_s, expression
        page.wait_for_timeout(20)


def expect_shown(page, words: str, *versions: str) -> None:
    """Waits for an example and its versions: a page follows its address a moment later."""
    from playwright.sync_api import expect

    expect(page.locator("article h2")).to_have_text(words)
    expect(page.locator("#versions h3")).to_have_text(versions)


def expect_listed(page, *keys: str) -> None:
    listed = "[...document.querySelectorAll('nav li:not([hidden]) a')].map((a) => a.dataset.key).join()"
    wait_for(page, f"{listed} === {json.dumps(','.join(keys))}")


def state(page) -> dict[str, list[str]]:
    return parse_qs(page.url.partition("#")[2], keep_blank_values=True)


FIRST = f"bin blue {HOSTILE}"


@needs_browser
@pytest.mark.slow
def test_switching_a_system_shows_its_picture_and_plays_its_sound(made, open_page):
    page = open_page()
    expect_shown(page, FIRST, "Original", "Damaged", "a", "av")
    assert durations(page) == pytest.approx([0.50, 0.51, 0.52, 0.54])
    page.evaluate("document.querySelector('#versions').firstChild.kept = true")
    page.get_by_label("System 2").select_option("no <model>")
    expect_shown(page, FIRST, "Original", "Damaged", "a", "no <model>")
    assert durations(page)[3] == pytest.approx(0.53)
    picture = re.search('src="(data:image[^"]*)"', figures(made)[0][3])[1]
    assert page.locator("#versions img").nth(3).get_attribute("src") == picture
    assert page.evaluate("document.querySelector('#versions').firstChild.kept")
    page.get_by_label("Add a system").select_option("av")
    expect_shown(page, FIRST, "Original", "Damaged", "a", "no <model>", "av")
    assert page.get_by_label("Add a system").count() == 0
    for left in (["no <model>", "av"], ["av"], []):
        page.get_by_label("System 1").select_option("none")
        expect_shown(page, FIRST, "Original", "Damaged", *left)
    assert state(page)["system"] == [""] and page.get_by_label("Add a system").count() == 1


@needs_browser
@pytest.mark.slow
def test_speakers_and_gaps_are_chosen_and_the_worst_come_first(open_page):
    page = open_page()
    expect_listed(page, "s01_one 400ms", "s02_two 400ms", "s01_one 800ms")
    page.get_by_label("Order").select_option("worst")
    expect_listed(page, "s02_two 400ms", "s01_one 800ms", "s01_one 400ms")
    assert state(page)["example"] == ["s01_one 400ms"]
    assert page.locator(".steps").inner_text().split() == ["←", "Previous", "3", "of", "3", "Next", "→"]
    page.get_by_label("Speaker").select_option("s02")
    expect_listed(page, "s02_two 400ms")
    expect_shown(page, "set red 1", "Original", "Damaged", "a", "av")
    assert durations(page)[0] == pytest.approx(0.6)
    page.get_by_label("Gaps").select_option("800ms")
    expect_listed(page)
    assert page.get_by_text("No example of this speaker has such gaps.").is_visible()
    assert not page.locator("article").is_visible()
    page.get_by_label("Speaker").select_option("all")
    expect_listed(page, "s01_one 800ms")
    expect_shown(page, "set red 2", "Original", "Damaged", "a", "av")


@needs_browser
@pytest.mark.slow
def test_an_address_leads_to_an_example_and_its_systems(open_page):
    page = open_page("#example=s01_one+800ms&system=no+%3Cmodel%3E&first=worst")
    expect_shown(page, "set red 2", "Original", "Damaged", "no <model>")
    assert page.get_by_text("This system restored nothing here.").is_visible()
    page.locator("#previous").focus()
    page.keyboard.press("Enter")
    expect_shown(page, "set red 1", "Original", "Damaged", "no <model>")
    before = durations(page), state(page)
    assert before[0] == pytest.approx([0.60, 0.61, 0.63])
    assert before[1] == {"example": ["s02_two 400ms"], "first": ["worst"], "system": ["no <model>"]}
    page.reload()
    expect_shown(page, "set red 1", "Original", "Damaged", "no <model>")
    assert (durations(page), state(page)) == before
    page.go_back()
    expect_shown(page, "set red 2", "Original", "Damaged", "no <model>")
    page = open_page("#example=nobody&speaker=s99&first=never&system=none")
    expect_shown(page, FIRST, "Original", "Damaged", "a", "av")
    assert state(page) == {"example": ["s01_one 400ms"], "first": ["best"], "system": ["a", "av"]}


@needs_browser
@pytest.mark.slow
def test_players_take_turns_and_move_the_line_on_a_narrow_screen(made, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(made, encoding="utf-8")
    found = look_at(path, width=390)
    assert (found["requests"], found["complaints"], found["width"]) == ([path.as_uri()], [], 390)
    assert [player["duration_s"] for player in found["players"]] == pytest.approx([0.50, 0.51, 0.52, 0.54])
    assert all(player["alone"] and player["line"] == "0.9" for player in found["players"])
