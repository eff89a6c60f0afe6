"""The studio's page as its user meets it: a browser, the real server, a clip that the tests make."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import needs_browser, opened_browser, watched_page
from conftest import RATE, speech

PAGE = Path(__file__).parents[1] / "avsi" / "studio" / "page"
NAME = "<i>a talk &amp; more.wav"  # which must stay text
MAX_PAGE_BYTES = 300_000
LIMIT_S = 100  # for what takes a second, on a machine that is busy with other tests

pytest.importorskip("uvicorn")


def test_the_page_is_small_and_holds_neither_scripts_nor_styles_inline():
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < MAX_PAGE_BYTES
    html = (PAGE / "index.html").read_text("utf-8")
    assert html.count("<script") == 1 and '<script type="module" src="/page/main.js"></script>' in html
    assert "<style" not in html and not re.search(r'\s(style|on\w+)="', html)
    for path in PAGE.glob("*.js"):
        text = path.read_text("utf-8")
        assert "innerHTML" not in text and "insertAdjacentHTML" not in text and "http" not in text, path.name


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A studio that saves what is dropped into a folder: (its address, the folder)."""
    from avsi.studio.server import open_studio, served

    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVSI_CACHE", str(tmp_path_factory.mktemp("cache")))  # locks and results are not those of the user
        with open_studio(saves_to=folder) as running, served(running) as address:
            yield address, folder


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def page(browser, studio):
    with watched_page(browser, studio[0]) as page:
        page.set_default_timeout(LIMIT_S * 1000)
        yield page


@pytest.fixture
def complaints(page) -> list[str]:
    """What the browser has to say of the page; a test takes out what it expects."""
    return page.complaints


def wait_for(page, expression: str) -> None:
    """Until JavaScript says so. Asked from here: the page's policy forbids the driver to ask from within it."""
    end_s = time.monotonic() + LIMIT_S
    while not page.evaluate(expression):
        assert time.monotonic() < end_s, (expression, page.inner_text("body"))
        page.wait_for_timeout(20)


def write_clip(folder: Path, name: str) -> Path:
    """A sound of 2 s with a hole from 0.8 to 1.1 s."""
    sound = speech(3, 2.0)
    sound[round(0.8 * RATE) : round(1.1 * RATE)] = 0
    soundfile.write(folder / name, sound, RATE)
    return folder / name


def wait_for_clip(page, name: str) -> None:
    """Until it is open; each clip is a page of its own."""
    from playwright.sync_api import expect

    expect(page).to_have_title(f"{name}: avsi studio", timeout=LIMIT_S * 1000)


def put_clip(page, folder: Path, name: str) -> Path:
    """Choose a sound; it is open at the end."""
    path = write_clip(folder, name)
    page.set_input_files("#file", path)
    wait_for_clip(page, name)
    return path


def gaps(page) -> list[list[float]]:
    fields = "[...document.querySelectorAll('#gap-rows input[type=number]')].map((field) => field.valueAsNumber)"
    times = page.evaluate(fields)
    return [times[index : index + 2] for index in range(0, len(times), 2)]


def assert_saved(page, original: Path, folder: Path, start_s: float, end_s: float) -> None:
    """What the page says it saved is there, differs in the gap, and is the original elsewhere."""
    wait_for(page, "document.querySelectorAll('#saved li').length > 0")
    paths = [Path(text) for text in page.locator("#saved li").all_inner_texts()]
    [saved] = [path for path in paths if path.suffix == ".wav"]
    assert saved.parent == folder and all(path.is_file() for path in paths)
    before, after = (soundfile.read(path, dtype="int16")[0] for path in (original, saved))
    changed = np.flatnonzero(before != after)
    assert len(before) == len(after)
    assert round(start_s * RATE) <= changed[0] and changed[-1] < round(end_s * RATE) and len(changed) > RATE / 10


@needs_browser
@pytest.mark.slow
def test_from_opening_to_the_saved_file_by_mouse(page, studio, tmp_path):
    original = put_clip(page, tmp_path, NAME)
    assert NAME in page.inner_text("header")
    assert "was dropped" in page.inner_text("#note") and page.is_hidden("#notice")
    box = page.locator("#wave").bounding_box()

    def drag(start_s: float, end_s: float) -> None:
        page.mouse.move(box["x"] + box["width"] * start_s / 2, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * end_s / 2, box["y"] + 40, steps=3)
        page.mouse.up()

    drag(0.7, 1.0)
    assert gaps(page) == [pytest.approx([0.7, 1.0], abs=0.01)]
    drag(0.85, 0.95)  # moves it
    assert gaps(page) == [pytest.approx([0.8, 1.1], abs=0.01)]
    drag(1.1, 1.2)  # its end
    assert gaps(page) == [pytest.approx([0.8, 1.2], abs=0.01)]
    for _ in range(3):
        page.click("#undo")
    assert gaps(page) == []
    for _ in range(2):
        page.click("#redo")
    assert gaps(page) == [pytest.approx([0.8, 1.1], abs=0.01)]
    page.click("#zoom-in")
    page.evaluate("document.querySelector('#scroller').scrollLeft = 10000")
    drag(1.4, 1.8)  # 70 and 90 % of what is seen, the second half
    assert gaps(page)[1] == pytest.approx([1.7, 1.9], abs=0.01)
    lefts = "['#scroller', '#ruler', '#wave'].map((id) => document.querySelector(id).getBoundingClientRect().left)"
    assert len(set(page.evaluate(lefts))) == 1
    page.click("#undo")
    page.click("#zoom-all")
    start = page.get_by_label("Start of gap 1 in seconds")
    start.fill("9")  # mistyped
    start.press("Tab")
    assert gaps(page) == [pytest.approx([0.8, 1.1], abs=0.01)] and "stays as it was" in page.inner_text("#notice")
    start.fill("0.79")
    asked = []
    page.on("request", lambda request: request.url.endswith(("/restore", "/say")) and asked.append(request.url))
    page.dblclick("#restore")  # while the change is on its way
    assert page.is_hidden("#notice")
    wait_for(page, "!document.querySelector('#results-part').hidden")
    assert len(asked) == 1
    assert page.get_attribute("#hear-1", "aria-pressed") == "true"
    page.click("#results-part [data-hear='0']")
    assert page.get_attribute("#hear-0", "aria-pressed") == "true"
    page.click("#save")
    assert_saved(page, original, studio[1], *gaps(page)[0])
    told = "made with other gaps than are marked now"
    assert told not in page.inner_text("#results")
    start.fill("0.7")
    start.press("Tab")
    assert told in page.inner_text("#results")
    page.set_viewport_size({"width": 390, "height": 800})
    wait_for(page, "document.documentElement.scrollWidth === 390")


@needs_browser
@pytest.mark.slow
def test_from_opening_to_the_saved_file_by_keyboard_alone(page, studio, tmp_path):
    original = put_clip(page, tmp_path, "keys.wav")

    def named() -> str:
        return page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.id")

    def tab_to(name: str) -> None:
        for _ in range(60):
            if named() == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached by the tabulator")

    tab_to("Position")
    for key in ("Home", *["Shift+ArrowRight"], "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("g")
    assert named() == "gap from 0.80 s to 1.20 s"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+ArrowLeft")
    assert named() == "End of the gap" and gaps(page) == [[0.79, 1.09]]
    page.keyboard.press("Control+z")
    assert gaps(page) == [[0.79, 1.19]]
    page.keyboard.press("Control+Shift+Z")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert named() == "gap from 0.79 s to 1.09 s"
    page.keyboard.press("r")
    wait_for(page, "!document.querySelector('#results-part').hidden")
    page.keyboard.press("Space")
    wait_for(page, "document.querySelector('audio').currentTime > 0.5")
    page.keyboard.press("b")
    page.keyboard.press("Space")
    assert page.get_attribute("#hear-0", "aria-pressed") == "true" and page.inner_text("#status") == "Original"
    tab_to("save")
    page.keyboard.press("Enter")
    assert_saved(page, original, studio[1], 0.79, 1.09)
    page.reload()
    wait_for(page, "document.querySelectorAll('.region').length === 1")
    assert gaps(page) == [[0.79, 1.09]]
    spoken = page.locator("body").aria_snapshot()
    for each in ('slider "Position"', 'group "gap from 0.79 s to 1.09 s"', 'spinbutton "End of gap 1 in seconds"',
                 'button "Restore"', 'radio "Version 1 a', 'button "Save"'):  # fmt: skip
        assert each in spoken


ELSEWHERE = """async () => {  // another tab puts its gap first
  const id = location.hash.slice(1), path = `/api/clips/${id}`;
  const { revision, project } = await (await fetch(path)).json();
  const { transcript, model, use_face, reference } = project;
  const gaps = [{ start_s: 0.2, end_s: 0.3, kind: null, sure: null, seen_by: null, repair: true }];
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ revision, gaps, transcript, model, use_face, reference });
  const answer = await fetch(`${path}/project`, { method: "PUT", headers, body });
  document.querySelector("#add-gap").click();
  document.querySelector("#restore").click();
  return answer.status;
}"""


@needs_browser
@pytest.mark.slow
def test_gaps_of_another_tab_are_shown_and_told_of_but_not_restored(page, complaints, tmp_path):
    put_clip(page, tmp_path, "two tabs.wav")
    jobs = []
    page.on("request", lambda request: request.url.endswith("/restore") and jobs.append(request.url))
    assert page.evaluate(ELSEWHERE) == 200
    wait_for(page, "document.querySelector('#notice').innerText.includes('another tab')")
    page.wait_for_timeout(300)
    assert gaps(page) == [[0.2, 0.3]] and jobs == []
    [conflict] = complaints  # which browsers note of each answer that is an error
    assert "409" in conflict
    complaints.clear()


@needs_browser
@pytest.mark.slow
def test_a_file_that_is_chosen_before_the_page_knows_its_clips_is_opened(page, tmp_path):
    held = []
    page.route(re.compile("/api/clips$"), lambda route: held.append(route), times=1)  # as by a server that is busy
    page.reload()
    with page.expect_request(lambda request: request.method == "POST"):
        page.set_input_files("#file", write_clip(tmp_path, "early.wav"))
    held.pop().continue_()
    wait_for_clip(page, "early.wav")


@needs_browser
@pytest.mark.slow
def test_work_is_found_again_by_a_page_that_is_opened_anew(page, tmp_path):
    put_clip(page, tmp_path, "again.wav")
    page.click("text=What is said, if you know it")
    for text in ("bin", "bin blue"):
        page.fill("#transcript", text)
        assert page.input_value("#wanted") == text  # until something else is wanted
    page.fill("#wanted", "bin red")
    page.fill("#transcript", "bin blue now")
    page.fill("#inserted", "please")
    page.route(re.compile("/api/jobs/"), lambda route: None, times=1)  # the first page hears nothing of it
    with page.expect_request(re.compile("/api/jobs/")):
        page.click("#find")
    page.reload()
    wait_for_clip(page, "again.wav")
    assert page.input_value("#wanted") == "bin red" and page.input_value("#inserted") == "please"
    assert "as in the original" in page.inner_text("#say-where")
    wait_for(page, "document.querySelectorAll('.region').length > 0")
    assert any(gap == pytest.approx([0.8, 1.1], abs=0.02) for gap in gaps(page))
    assert "found by an exact rule for silence" in page.inner_text("#gap-rows")
    page.click("#open-another")
    assert page.locator("#drop").bounding_box()["height"] < 250  # of a window of 900
    page.click("#close-opening")
    assert page.is_hidden("#opening")


WORDS = [
    {"start_s": 0.2, "end_s": 0.5, "word": "bin", "confidence": 0.9, "phones": []},
    {"start_s": 0.6, "end_s": 0.9, "word": "blue", "confidence": 0.1, "phones": []},
]


@needs_browser
@pytest.mark.slow
def test_words_by_keyboard_and_a_gap_without_a_rating(page, tmp_path):
    def unrated(route) -> None:
        answer = route.fetch()
        clip = answer.json()
        clip["project"]["words"] = WORDS
        for result in clip["project"]["results"]:
            result["mos"] = [{"start_s": 0.0, "end_s": 2.0, "before": None, "after": 3.25}]
        route.fulfill(response=answer, json=clip)

    page.route(re.compile("/api/clips/[^/]+$"), unrated)
    put_clip(page, tmp_path, "silence.wav")
    page.locator("#words button").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel") == "blue, from 0:00.60, confidence 0.10"
    page.keyboard.press("g")
    assert gaps(page) == [[0.6, 0.9]]
    page.click("#restore")
    wait_for(page, "document.querySelector('.told').textContent.includes('PLCMOS')")
    assert "\N{EN DASH} before, 3.3 restored" in page.inner_text(".told")


@needs_browser
@pytest.mark.slow
def test_a_version_is_of_the_gaps_that_were_marked_also_where_they_overlap(page, tmp_path):
    put_clip(page, tmp_path, "overlapping.wav")
    told = "made with other gaps than are marked now"
    for start_s, end_s in ((1.0, 1.2), (0.8, 1.1)):
        page.click("#add-gap")  # at 0 s: the first
        page.get_by_label("End of gap 1 in seconds").fill(str(end_s))
        page.get_by_label("Start of gap 1 in seconds").fill(str(start_s))
        page.keyboard.press("Tab")
    assert gaps(page) == [[0.8, 1.1], [1.0, 1.2]]
    assert "2 gaps, 0.40 s in all" in page.inner_text("#restore-hint")
    page.click("#restore")
    wait_for(page, "!document.querySelector('#results-part').hidden")
    assert told not in page.inner_text("#results")
    page.get_by_label("Repair gap 2").uncheck()
    assert told in page.inner_text("#results")


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("is_gone", [False, True])
def test_a_browser_that_cannot_play_a_clip_asks_once_for_a_copy(page, complaints, tmp_path, is_gone):
    asked, played = [], []
    page.on("request", lambda request: request.url.endswith("/preview") and asked.append(request.url))
    page.on("request", lambda request: request.url.endswith("/media") and played.append(request.url))
    refused = {"status": 409, "json": {"error": "it was moved"}}
    unplayable = {"status": 200, "content_type": "audio/wav", "body": b"nothing that can be played"}
    page.route(re.compile("/media$"), lambda route: route.fulfill(**(refused if is_gone else unplayable)))
    if is_gone:
        page.route(re.compile("/preview$"), lambda route: route.fulfill(**refused))
    put_clip(page, tmp_path, f"unplayable {is_gone}.wav")
    told = "cannot be played" if is_gone else "nor the copy"
    wait_for(page, f"document.querySelector('#preview').innerText.includes('{told}')")
    wait_for(page, "document.querySelector('audio').readyState > 0")  # its sound is played
    page.wait_for_timeout(1500)
    id_ = page.evaluate("location.hash.slice(1)")
    times = [sum(f"/{id_}/" in url for url in urls) for urls in (played, asked)]
    assert times == ([1, 1] if is_gone else [2, 2])
    assert page.evaluate("document.querySelector('audio').src.endsWith('/sound')")
    assert not is_gone or page.inner_text("#notice span") == "it was moved"
    assert all("409" in complaint for complaint in complaints)
    complaints.clear()
