"""An evaluation's page and its listening tests as their users meet them: a browser, the real server, tiny sounds."""

import csv
import json
import re
import sys
import time
from pathlib import Path

import pytest
from browser import needs_browser, opened_browser, watched_page
from evaluations import FAILED, WHY, make_evaluation

from avsi.errors import ConfigError

pytest.importorskip("uvicorn")

ROOT = Path(__file__).parents[1]
SHARED, PAGE = ROOT / "avsi" / "studio" / "page", ROOT / "evaluation" / "browsing" / "page"
MAX_PAGE_BYTES = 300_000
NAMES = ("original", "unprocessed", "av", "s01", "s02", "200ms", "400ms")  # of which a listener is told nothing


def test_the_pages_are_small_and_hold_neither_scripts_nor_styles_inline():
    assert sum(path.stat().st_size for folder in (SHARED, PAGE) for path in folder.iterdir()) < MAX_PAGE_BYTES
    for page, script in (("index.html", "browse.js"), ("listen.html", "listen.js")):
        html = (PAGE / page).read_text("utf-8")
        assert html.count("<script") == 1 and f'<script type="module" src="/evaluation/{script}"></script>' in html
        assert "<style" not in html and not re.search(r'\s(style|on\w+)="', html)
    for path in PAGE.glob("*.js"):
        text = path.read_text("utf-8")
        assert "innerHTML" not in text and "insertAdjacentHTML" not in text and "http" not in text, path.name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_evaluation(tmp_path_factory.mktemp("page") / "made", speakers=20)


@pytest.fixture(scope="module")
def address(folder):
    from avsi.studio.server import open_server, served
    from evaluation.browsing.routes import make_app
    from evaluation.browsing.snapshot import Live

    with open_server(make_app(Live(folder), folder / "listening")) as running, served(running) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    with watched_page(browser, address) as page:
        yield page


def wait_for(page, expression: str) -> None:
    """Until JavaScript says so. Asked from here: the page's policy forbids the driver to ask from within it."""
    end_s = time.monotonic() + 60
    while not page.evaluate(expression):
        assert time.monotonic() < end_s, (expression, page.inner_text("body"))
        page.wait_for_timeout(20)


def rows(page) -> list[str]:
    return page.locator("#rows .choose").all_inner_texts()


def wait_for_rows(page, first: str) -> None:
    wait_for(page, f"document.querySelector('#rows .choose')?.textContent === {json.dumps(first)}")


@needs_browser
@pytest.mark.slow
def test_utterances_are_sorted_filtered_and_heard_at_the_same_position(page):
    wait_for_rows(page, "s01_clip0")
    wait_for(page, "document.querySelectorAll('#means table').length === 3")
    assert "0.795" in page.inner_text("#means figure") and len(rows(page)) == 50
    page.click("#next")
    wait_for_rows(page, "s17_clip2")
    assert page.inner_text("#which") == "51 to 60 of 60" and len(rows(page)) == 10
    page.get_by_role("button", name="STOI").click()
    wait_for_rows(page, "s01_clip0")  # the lowest, of all 60
    page.get_by_role("button", name="STOI").click()
    wait_for_rows(page, "s20_clip2")
    assert page.locator("#heads [aria-sort]").get_attribute("aria-sort") == "descending"
    page.fill("#text", "clip1")
    page.select_option("#speaker", "s02")
    wait_for_rows(page, FAILED)
    row = page.inner_text("#rows")
    assert rows(page) == [FAILED] and WHY in row and "1 to 1 of 1 (60 in all)" in page.inner_text("#which")
    page.select_option("#view", "difference")
    wait_for(page, "document.querySelector('#rows').innerText.includes('av: no face')")
    assert page.inner_text("#difference-hint") == "Each figure is that of av minus that of a."
    page.select_option("#view", "metric")
    wait_for(page, "document.querySelectorAll('#heads th').length === 5")
    sorted_by = page.locator("#heads [aria-sort=descending]")  # the same figures as before
    assert (sorted_by.inner_text().strip(" ▼"), page.input_value("#metric")) == ("av", "stoi")
    page.go_back()
    wait_for(page, "document.querySelector('#rows').innerText.includes('av: no face')")
    assert (page.input_value("#view"), page.input_value("#text")) == ("difference", "clip1")
    page.go_forward()
    wait_for(page, "document.querySelectorAll('#heads th').length === 5")
    page.click("#rows .choose")
    wait_for(page, "document.querySelector('#position').valueAsNumber > 0")  # it is played
    wait_for(page, "document.querySelectorAll('#pictures figure').length === 4")
    wait_for(page, "[...document.querySelectorAll('#pictures img')].every((image) => image.naturalWidth === 640)")
    assert f"Not restored: {WHY}" in page.inner_text("#pictures") and page.locator(".picture .gap").count() == 3
    page.reload()  # the address keeps what is shown
    wait_for(page, "document.querySelectorAll('#pictures figure').length === 4")
    wait_for(page, "document.querySelector('#clock').textContent.endsWith('0:01.00')")
    assert rows(page) == [FAILED]

    def heard() -> list[str]:
        return page.locator("#pictures .heard button").all_inner_texts()

    def position_s() -> float:
        return page.evaluate("document.querySelector('#position').valueAsNumber")

    page.check("#repeat")  # so that it plays on where this machine is slow
    page.keyboard.press("Escape")
    page.locator("#play").click()
    wait_for(page, "document.querySelector('#position').valueAsNumber > 0.1")
    page.keyboard.press("3")
    assert heard() == ["3 a"] and page.inner_text("#play") == "Pause"  # it goes on
    page.locator("#play").click()
    stopped_s = position_s()
    for key, name in (("b", "1 original"), ("2", "2 unprocessed"), ("b", "1 original"), ("4", "1 original")):
        page.keyboard.press(key)  # 4 was not restored
        assert heard() == [name] and position_s() == stopped_s
    page.keyboard.press("g")
    wait_for(page, "document.querySelector('#play').textContent === 'Pause'")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.fill("#text", "")
    page.select_option("#speaker", "")
    wait_for(page, "document.querySelectorAll('#rows tr').length === 50")
    page.keyboard.press("Escape")
    page.locator("#rows .choose").first.focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    wait_for(page, "document.querySelector('#said').textContent.startsWith('s20_clip1')")
    wait_for(page, "document.querySelector('#play').textContent === 'Pause'")
    chosen = page.evaluate("document.querySelector('#rows tr.chosen').dataset.id")
    assert chosen == page.evaluate("document.activeElement.textContent") == "s20_clip1"
    page.keyboard.press("Space")  # chosen again
    assert page.inner_text("#play") == "Play"


@needs_browser
@pytest.mark.slow
def test_what_is_not_restored_or_scored_yet_is_not_asked_for(browser, tmp_path):
    from avsi.studio.server import open_server, served
    from evaluation.browsing.routes import make_app
    from evaluation.browsing.snapshot import Live

    folder = make_evaluation(tmp_path / "made", clips=1)
    system_file = folder / "av" / "400ms" / "system.json"
    system_file.rename(system_file.with_name("later.json"))
    for scores in folder.glob("*/400ms/scores.jsonl"):
        scores.write_text(re.sub(r'"pesq": [\d.]+, ', "", scores.read_text()))

    def there() -> tuple[str, list[str], list[str]]:
        options = page.locator("#system option").all_inner_texts()
        return page.input_value("#system"), options, page.locator("#rows td.figure").all_inner_texts()

    with open_server(make_app(Live(folder), tmp_path / "tests")) as running, served(running) as address:
        page = browser.new_page()
        page.goto(address)
        wait_for_rows(page, "s01_clip0")
        assert there() == ("a", ["unprocessed", "a"], ["0.500", "0.510"]) and not page.is_visible("#notice")
        page.select_option("#condition", "200ms")
        wait_for(page, "document.querySelectorAll('#rows td.figure').length === 4")
        page.select_option("#system", "av")
        page.get_by_role("button", name="PESQ").click()
        wait_for(page, "document.querySelector('#rows td.figure').textContent === '0.600'")
        page.select_option("#condition", "400ms")
        wait_for(page, "document.querySelector('#rows td.figure').textContent === '0.500'")
        assert there()[0] == "a" and page.locator("[aria-sort]").inner_text().startswith("Utterance")
        assert not page.is_visible("#notice")
        system_file.with_name("later.json").rename(system_file)
        wait_for(page, "document.querySelectorAll('#system option').length === 3")  # asked for again
        page.route("**/api/rows*", lambda route: route.fulfill(status=400, body='{"error": "is gone"}'))
        page.select_option("#system", "unprocessed")
        wait_for(page, "document.querySelector('#notice span').textContent === 'is gone'")
        assert there()[2] == [] and page.is_visible("#notice")
        page.unroute("**/api/rows*")
        page.select_option("#system", "av")
        wait_for(page, "document.querySelector('#rows td.figure')?.textContent === '0.600'")
        assert not page.is_visible("#notice")
        page.close()


@needs_browser
def test_sounds_past_the_ninth_show_no_key(page):
    keys = """import("/evaluation/heard.js").then(({ hearButton, markHeard }) => {
        const mixer = Object.assign(new EventTarget(), { heard: 0, time_s: 0 });
        const buttons = Array.from({ length: 13 }, (_, index) => hearButton(mixer, index, ""));
        document.body.append(...buttons);
        markHeard(mixer, [], buttons, () => {});
        return buttons.map((button) => button.querySelector("kbd")?.textContent ?? "");
    })"""
    assert page.evaluate(keys) == [*map(str, range(10)), "", "", ""]


@needs_browser
@pytest.mark.slow
def test_a_pair_is_judged_blind_and_gone_on_with_after_a_reload(page, folder, address):
    page.get_by_label("Blind pairs").check()
    for system, possible in (("av", "none possible yet"), ("av", "of 120 possible")):
        page.locator(f"[name=judged][value={system}]").click()
        assert page.inner_text("#possible").startswith(possible)
    page.fill("#trials", "3")
    page.fill("#seed", "4294967296")
    page.get_by_role("button", name="Draw the test").click()
    wait_for(page, "document.querySelector('#refused').textContent.startsWith('seed 4294967296: expected')")
    assert "400 (Bad Request)" in page.complaints.pop()
    page.fill("#seed", "4")
    page.get_by_role("button", name="Draw the test").click()
    wait_for(page, "document.querySelectorAll('#there .test').length === 1")
    assert page.text_content("#refused") == ""
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open for a listener").click()
    listener, requests = opened.value, []
    listener.on("request", lambda request: requests.append(request.url))
    listener.get_by_label("Your name or number").fill("Anna Müller")
    listener.keyboard.press("Enter")
    ratings = folder / "listening" / "pairs_4" / "Anna_Müller.csv"
    for number, answer in enumerate(("Sound 1 is better", "No difference", "Sound 2 is better"), start=1):
        wait_for(listener, f"document.querySelector('#progress').textContent === 'Trial {number} of 3'")
        wait_for(listener, "document.activeElement.id === 'question'")
        better = listener.get_by_role("button", name=answer)
        assert better.is_disabled()
        listener.keyboard.press("1")  # it plays, again and again
        wait_for(listener, "document.querySelector('#position').valueAsNumber > 0.4")  # in the gap
        listener.keyboard.press("g")  # which begins before it
        assert listener.inner_text("#missing") == "Hear the gap in both before you answer."
        listener.keyboard.press("2")
        wait_for(listener, "document.querySelector('#missing').textContent === ''")
        shown = listener.inner_text("body") + listener.title() + listener.url + " ".join(requests)
        assert not any(name in shown for name in NAMES if name != "original")
        better.click()
        wait_for(listener, f"document.querySelector('#progress').textContent !== 'Trial {number} of 3'")
        assert len(ratings.read_text().splitlines()) == 1 + 2 * number
        if number == 2:
            listener.reload()
    wait_for(listener, "document.activeElement.id === 'end-title'")
    given = {
        int(row["trial"]): float(row["rating"]) for row in csv.DictReader(ratings.open()) if row["position"] == "1"
    }
    assert sorted(given.values()) == [0, 0.5, 1]
    listener.get_by_role("button", name="Another listener").click()
    assert listener.input_value("#listener") == "" and not listener.is_visible("#end")
    listener.reload()
    wait_for(listener, "!document.querySelector('#welcome').hidden")
    listener.get_by_label("Your name or number").fill("bob")
    listener.keyboard.press("Enter")
    wait_for(listener, "document.querySelector('#progress').textContent === 'Trial 1 of 3'")
    listener.route("**/api/listening/sounds/*", lambda route: route.fulfill(status=500, body='{"error": "gone"}'))
    listener.reload()
    wait_for(listener, "!document.querySelector('#welcome').hidden")  # without the answers to another trial
    assert listener.inner_text("#notice span") == "gone" and listener.input_value("#listener") == "bob"
    assert not listener.is_visible("#trial")
    listener.close()
    page.reload()
    page.get_by_role("button", name="What listeners said").click()
    wait_for(page, "document.querySelectorAll('#there table').length === 2")
    assert "3 rated trials of 1 listener" in page.inner_text("#there")


@needs_browser
@pytest.mark.slow
def test_sounds_are_rated_by_keyboard_on_a_narrow_screen(page, folder):
    from evaluation.folder.evaluation import Evaluation
    from evaluation.listening.drawing import draw_test

    test = draw_test(Evaluation.read(folder), folder / "listening", "mushra", ["a"], ["400ms"], 1, 6)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(page.url.partition("#")[0] + f"listen#{test.name}")
    page.get_by_label("Your name or number").fill("bob")
    page.keyboard.press("Enter")
    wait_for(page, "document.activeElement.id === 'question'")
    keep = page.get_by_role("button", name="Keep and go on")
    page.get_by_label("Rating of sound 1").focus()
    page.keyboard.press("ArrowRight")
    page.reload()
    wait_for(page, "document.activeElement.id === 'question'")
    page.uncheck("#repeat")
    assert page.input_value("[aria-label='Rating of sound 1']") == "51" and page.locator(".unrated").count() == 2
    assert page.inner_text("#missing") == "4 sounds not heard in the gap yet, 2 sounds not rated yet"
    page.check("#repeat")
    for number in range(1, 4):
        slider = page.get_by_label(f"Rating of sound {number}")
        slider.focus()  # which is then heard
        assert page.locator(f"[data-index='{number}']").get_attribute("aria-pressed") == "true"
        wait_for(page, "document.querySelector('#play').textContent === 'Pause'")
        unheard = f"{4 - number + 1} sounds not heard"
        wait_for(page, f"!document.querySelector('#missing').textContent.startsWith('{unheard}')")
        for _ in range(number if number > 1 else 0):
            page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    wait_for(page, "document.querySelector('#missing').textContent === ''")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    keep.focus()
    page.keyboard.press("Enter")
    wait_for(page, "!document.querySelector('#end').hidden")
    kept = list(csv.DictReader((test.folder / "bob.csv").open()))
    assert [(row["position"], row["rating"]) for row in kept] == [("1", "51"), ("2", "52"), ("3", "53")]
    assert [row["system"] for row in kept] == test.positions("bob", 1)


def test_the_command_hands_a_folder_over_to_the_checkout(avsi, folder, monkeypatch):
    became = []
    monkeypatch.setattr("os.execve", lambda *told: became.append(told) or sys.exit(0))
    assert avsi("studio", folder, "--no-browser", "--port", 7)[0] == 0
    [(program, words, environment)] = became
    assert words == [program, "-P", "-m", "evaluation.browse", "--port", "7", "--host", "127.0.0.1", "--no-browser",
                     "--", str(folder)]  # fmt: skip
    assert environment["PYTHONPATH"].split(":")[0] == str(ROOT)
    status, _, told = avsi("studio", folder, "--model", "a")
    assert status == 1 and "name it alone, without clips and --model" in told
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    status, _, told = avsi("studio", folder)
    assert status == 1 and "evaluations are opened by avsi that is installed from a checkout" in told


@pytest.mark.parametrize(
    ("told", "opened", "allowed"),
    [
        ([], "the evaluation", "hear and read all of this evaluation, and draw and answer listening tests"),
        (
            ["--listen", "pairs", "--trials", "2", "--seed", "8"],
            "the listening test",
            "hear this test and answer it, under any name",
        ),
    ],
)
def test_the_program_says_what_is_open_and_what_others_could_do(folder, monkeypatch, told, opened, allowed):
    from conftest import run_app

    from evaluation.browse import app

    monkeypatch.setattr("avsi.studio.server.Running.serve", lambda running: None)
    said = run_app(app, folder, "--no-browser", "--host", "localhost", *told)
    assert f"{opened} is open: http://localhost:" in said and f"{opened} is closed" in said and "studio" not in said
    assert f"who has that can {allowed}\n" in said


def test_the_program_refuses_what_is_no_evaluation_and_what_makes_no_test(folder, tmp_path):
    from conftest import run_app

    from avsi.errors import DataError
    from evaluation.browse import app

    with pytest.raises(DataError, match="not an evaluation"):
        run_app(app, tmp_path, "--no-browser")
    with pytest.raises(ConfigError, match="expected pairs or mushra"):
        run_app(app, folder, "--no-browser", "--listen", "abx")
    with pytest.raises(ConfigError, match="has no gaps of '300', but of 200ms, 400ms"):
        run_app(app, folder, "--no-browser", "--listen", "mushra", "--condition", "300")
    with pytest.raises(ConfigError, match="400 trials are too many: there are 59"):  # of those of 200 ms
        run_app(app, folder, "--no-browser", "--listen", "mushra", "--condition", "200", "--trials", "400")
    with pytest.raises(ConfigError, match="--system and --condition are of a listening test"):
        run_app(app, folder, "--no-browser", "--system", "a")
