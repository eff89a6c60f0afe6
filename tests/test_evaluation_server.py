"""The server behind an evaluation's page: its table, its means, its sounds, and what it does not answer."""

import json
import shutil
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech
from evaluations import FAILED, FAILED_METRIC, GAPS, WHY, WHY_METRIC, make_evaluation

pytest.importorskip("starlette")
from studio_client import Page

from avsi.studio.server import open_server, served
from evaluation.browsing.routes import make_app, make_listening_app
from evaluation.browsing.snapshot import Live
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.rows import read_rows, write_rows
from evaluation.listening.drawing import draw_test
from evaluation.listening.listening_test import ListeningTest, find_test
from evaluation.listening.ratings import read_ratings
from evaluation.reporting.tables import condition_table, difference_table
from evaluation.statistics.summarize import summarize

ROWS = "/api/rows?condition=400ms&first=0&count=50"
SOUND = "/api/sound?condition=400ms"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_evaluation(tmp_path_factory.mktemp("served") / "made")


@pytest.fixture(scope="module")
def page(folder):
    with open_server(make_app(Live(folder), folder / "listening")) as running, served(running) as address:
        yield Page.opened(address, folder=folder)


@pytest.fixture
def changing(folder, tmp_path):
    """A copy that a test may change, and what a browser asks of its server."""
    copy = shutil.copytree(folder, tmp_path / "made", ignore=lambda *_: ["listening"])
    with open_server(make_app(Live(copy), copy / "listening")) as running, served(running) as address:
        yield replace(Page.opened(address), folder=copy)


def ids(found) -> list[str]:
    return [row["id"] for row in found["rows"]]


def texts(found, key) -> list[str]:
    place = [column["key"] for column in found["columns"]].index(key)
    return [row["cells"][place]["text"] for row in found["rows"]]


def test_every_metric_of_a_system_sorted_by_any(page):
    found = page.get(f"{ROWS}&view=system&system=a&sort=stoi&descending=1")
    assert [(column["label"], column["unit"]) for column in found["columns"]] == [("STOI", ""), ("PESQ", "(MOS-LQO)")]
    assert texts(found, "stoi") == ["0.550", "0.540", "0.530", "0.520", "0.510", "0.500"]
    assert ids(found)[0] == "s02_clip2" and (found["total"], found["all"]) == (6, 6)
    later = page.get(f"{ROWS.replace('first=0&count=50', 'first=2&count=2')}&view=system&system=a&sort=stoi")
    assert texts(later, "stoi") == ["0.520", "0.530"] and later["total"] == 6
    assert ids(page.get(f"{ROWS}&view=system&system=a&sort=id&descending=1"))[0] == "s02_clip2"


@pytest.mark.parametrize("descending", ["", "1"])
def test_utterances_without_a_value_come_last_with_the_reason(page, descending):
    for system, metric, id_, why in (("av", "stoi", FAILED, WHY), ("a", "pesq", FAILED_METRIC, WHY_METRIC)):
        found = page.get(f"{ROWS}&view=system&system={system}&sort={metric}&descending={descending}")
        assert ids(found)[-1] == id_
        assert {"text": "-", "why": why} in found["rows"][-1]["cells"]
        assert ids(page.get(f"{ROWS}&view=system&system={system}&lacking=1")) == [id_]


def test_one_metric_of_all_systems_and_the_difference_of_two(page):
    found = page.get(f"{ROWS}&view=metric&metric=stoi&sort=av")
    assert [column["key"] for column in found["columns"]] == ["unprocessed", "a", "av"]
    assert found["rows"][0]["cells"] == [{"text": "0.400"}, {"text": "0.500"}, {"text": "0.600"}]
    found = page.get(f"{ROWS}&view=difference&system=av&other=a&sort=stoi")
    assert texts(found, "stoi") == ["+0.100"] * 5 + ["-"]
    assert found["rows"][-1]["cells"][0]["why"] == f"av: {WHY}"


def test_utterances_are_found_by_speaker_id_and_words(page):
    assert ids(page.get(f"{ROWS}&view=system&system=a&speaker=s02")) == ["s02_clip0", "s02_clip1", "s02_clip2"]
    assert ids(page.get(f"{ROWS}&view=system&system=a&text=CLIP1")) == ["s01_clip1", "s02_clip1"]
    assert ids(page.get(f"{ROWS}&view=system&system=a&text=bin+blue")) == ["s01_clip1", "s02_clip0", "s02_clip2"]
    found = page.get(f"{ROWS}&view=system&system=a&text=nobody")
    assert (found["rows"], found["total"], found["all"]) == ([], 0, 6)


def test_means_and_differences_are_those_of_the_report(page, folder):
    asked = page.get("/api/means?condition=400ms&first=unprocessed&second=a")
    evaluation = Evaluation.read(folder)
    summary = summarize(evaluation, [("unprocessed", "a"), ("a", "av")])
    expected = condition_table(summary, summary.conditions[-1])
    means, chosen, ablation, harm = asked["tables"]
    assert asked["notes"] == [
        "av: seen in training: 1 of the 2 test speakers, 2 of the test utterances. "
        "Its figures say little of other speakers.",
        "A, V: the model takes sound, video. MTL (multi-task learning): it learnt to name the phones too.",
    ]
    assert means["caption"] == expected.caption and means["header"] == expected.header
    assert [[text for text, _ in row] for row in means["rows"]] == expected.rows
    # Of one condition fewer intervals are widened.
    assert chosen["rows"][0][1][0].startswith("+0.100\n[") and chosen["caption"].startswith(
        "Paired differences, a minus"
    )
    assert ablation["rows"][0][1][0].split("\n")[0] == "+0.100" and "av minus a" in ablation["caption"]
    assert difference_table(summary, "a", "av").header == ablation["header"] and "below that" in harm["caption"]


def test_scores_that_are_written_meanwhile_are_shown(changing):
    page, path = changing, changing.folder / "a" / "400ms" / "scores.jsonl"
    before, rows = page.get("/api/revision?condition=400ms"), list(read_rows(path))
    write_rows(path, rows[:2])
    assert page.get("/api/revision?condition=400ms") != before
    found = page.get(f"{ROWS}&view=system&system=a&sort=stoi")
    assert texts(found, "stoi") == ["0.500", "0.510"] + ["-"] * 4
    assert found["rows"][-1]["cells"][0]["why"] == "not scored yet"
    assert "(4 not scored)" in json.dumps(page.get("/api/means?condition=400ms")["tables"][0])
    write_rows(path, rows)
    assert "-" not in texts(page.get(f"{ROWS}&view=system&system=a&sort=stoi"), "stoi")
    assert page.get("/api/condition?condition=400ms") == {
        "systems": ["unprocessed", "a", "av"],
        "metrics": [{"key": "stoi", "label": "STOI"}, {"key": "pesq", "label": "PESQ"}],
    }
    (page.folder / "av" / "400ms" / "system.json").unlink()  # which is written last
    assert page.get("/api/condition?condition=400ms")["systems"] == ["unprocessed", "a"]
    assert page.get("/api/condition?condition=200ms")["systems"] == ["unprocessed", "a", "av"]
    assert "av/400ms: not restored, or not to its end" in page.get("/api/means?condition=400ms")["notes"][0]
    assert page.ask("GET", f"{ROWS}&view=system&system=av")[0] == 400
    for scores in page.folder.glob("*/400ms/scores.jsonl"):
        scores.unlink()
    found = page.get("/api/means?condition=400ms")
    assert found["tables"] == [] and "nothing is scored; run evaluation.score on it" in found["notes"][-1]
    assert page.get(f"{ROWS}&view=system&system=a")["columns"] == []
    assert page.get("/api/condition?condition=400ms")["metrics"] == []


@pytest.mark.parametrize("name", ["failed", "spectra.scp"])
def test_a_system_with_a_broken_list_is_left_out_with_a_note_until_it_is_mended(changing, name):
    path = changing.folder / "av" / "400ms" / name
    whole = path.read_text()
    path.write_text(whole.splitlines()[0] + "\n" + whole)
    assert changing.get("/api/condition?condition=400ms")["systems"] == ["unprocessed", "a"]
    assert f"av/400ms/{name}:2: s0" in changing.get("/api/means?condition=400ms")["notes"][0]
    assert "av" not in changing.get(f"/api/utterance?condition=400ms&id={FAILED}")["versions"]
    path.write_text(whole)
    assert changing.get("/api/condition?condition=400ms")["systems"] == ["unprocessed", "a", "av"]


def test_the_sounds_of_an_utterance_are_those_of_its_versions(page, folder):
    found = page.get("/api/utterance?condition=400ms&id=s01_clip0")
    assert [version["name"] for version in found["versions"]] == ["original", "unprocessed", "a", "av"]
    assert (found["gaps"], found["words"], found["duration_s"]) == ([[0.3, 0.7]], "bin red", 1.0)
    assert [score["text"] for version in found["versions"] for score in version["scores"]] == [
        *("0.400", "2.000"), *("0.500", "2.100"), *("0.600", "2.200"),
    ]  # fmt: skip
    assert [score["best"] for score in found["versions"][3]["scores"]] == [True, True]
    [gap] = GAPS["400ms"]
    inside = slice(round(gap.start_s * RATE), round(gap.end_s * RATE))
    for version, level in (("unprocessed", 0), ("a", 0.1), ("av", 0.2)):
        content = page.get(f"{SOUND}&id=s01_clip0&version={version}")
        sound, rate = soundfile.read(BytesIO(content))
        assert rate == RATE and len(content) == 44 + 2 * RATE
        assert sound[inside] == pytest.approx(np.full(inside.stop - inside.start, level), abs=1e-4)
        assert np.delete(sound, inside) == pytest.approx(np.delete(speech(0, 1.0), inside), abs=1e-4)
    picture = page.get("/api/spectrogram?condition=400ms&id=s01_clip0&version=a&start=0&end=1&width=64&height=32")
    assert picture.startswith(b"\x89PNG")
    missing = page.get(f"/api/utterance?condition=400ms&id={FAILED}")["versions"][-1]
    assert missing["missing"] == WHY and missing["scores"][0]["why"] == WHY


@pytest.mark.parametrize(
    "status, address",
    [
        (404, f"{SOUND}&id=s01_clip0&version=../../evaluation.json"),
        (404, f"{SOUND}&id=..%2F..%2Fetc%2Fpasswd&version=a"),
        (404, f"{SOUND}&id=s01_clip0&version=clean"),
        (404, "/api/sound?condition=..&id=s01_clip0&version=a"),
        (404, "/api/sound?condition=&id=s01_clip0&version=a"),
        (400, "/api/sound?id=s01_clip0&version=a"),
        (400, f"{SOUND}&id={FAILED}&version=av"),
        (404, "/evaluation/..%2Froutes.py"),
        (404, "/evaluation/../routes.py"),
        (404, "/page/..%2Fserver.py"),
        (404, "/api/clips"),
        (404, "/api/tests/..%2F..%2Fclean/outcome"),
        (404, "/api/utterance?condition=400ms&id=nobody"),
        (400, f"{ROWS}&view=system&system=nobody"),
        (400, f"{ROWS}&view=everything"),
        (400, f"{ROWS}&view=system&system=a&sort=__class__"),
        (400, f"{ROWS}&view=metric&metric=l1"),
        (400, "/api/rows?condition=400ms&view=system&system=a&first=-1&count=50"),
        (400, "/api/rows?condition=400ms&view=system&system=a&first=0&count=100000"),
        (400, "/api/rows?condition=400ms&view=system&system=a&first=x&count=50"),
        (400, "/api/means?condition=400ms&first=nobody&second=a"),
        (400, "/api/spectrogram?condition=400ms&id=s01_clip0&version=a&start=0&end=1&width=64&height=100000"),
        (405, "/api/listening/pairs_0/ratings"),
        (404, "/api/listening/sounds/a"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(page, status, address):
    found, _, content = page.ask("GET", address)
    assert found == status and list(content) == ["error"] and "\n" not in content["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "abx"}, {"systems": "a"}, {"systems": ["a", 1]}, {"systems": ["a", "../x"]}, {"conditions": ["../x"]},
        {"trials": 0}, {"trials": 10**9}, {"trials": True}, {"trials": "4"},
        {"seed": 1.5}, {"seed": -1}, {"seed": 2**70},
    ],
)  # fmt: skip
def test_a_listening_test_that_makes_no_sense_is_refused(page, change):
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["400ms"], "trials": 2, "seed": 1} | change
    status, _, content = page.ask("POST", "/api/tests", asked)
    assert status == 400 and content["error"] and not (page.folder / "listening").exists()


def test_only_its_own_page_is_answered(page):
    assert page.ask("GET", "/api/evaluation", Cookie=None)[0] == 403
    assert page.ask("GET", "/listen", Host="evil.example")[0] == 403
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["400ms"], "trials": 2, "seed": 1}
    assert page.ask("POST", "/api/tests", asked, Origin="http://evil.example")[0] == 403
    assert page.ask("POST", "/api/tests", b"{", Content_Type="application/json")[0] == 400
    policy = page.ask("GET", "/listen")[1]["content-security-policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy


def test_a_listener_is_told_nothing_of_systems_and_utterances(folder, tmp_path):
    live = Live(folder)
    other = draw_test(live.whole(), tmp_path, "pairs", ["a", "av"], ["400ms"], 2, 1)
    test = draw_test(live.whole(), tmp_path, "mushra", ["a", "av"], ["400ms"], 2, 1)
    with open_server(make_listening_app(live, test)) as running, served(running) as address:
        page = Page.opened(address)
        trial = page.ask("POST", f"/api/listening/{test.name}/trial", {"listener": "ann"})[2]
        assert len(trial["sounds"]) == 4 and trial["kind"] == "mushra" and trial["trials"] == 2
        told = json.dumps({name: value for name, value in trial.items() if name not in ("reference", "sounds")})
        assert not any(name in told for name in ("original", "unprocessed", '"av"', "s01", "s02", "400ms"))
        again = page.ask("POST", f"/api/listening/{test.name}/trial", {"listener": "ann"})[2]
        assert again["trial"] == trial["trial"] and not {*again["sounds"]} & {*trial["sounds"], trial["reference"]}
        answers = [page.ask("GET", f"/api/listening/sounds/{sound}") for sound in trial["sounds"]]
        told = [sorted((name, text) for name, text in headers.items() if name != "date") for _, headers, _ in answers]
        assert all(each == told[0] for each in told)
        assert len({len(content) for *_, content in answers}) == 1 and len({content for *_, content in answers}) == 4
        levels = [float(soundfile.read(BytesIO(content))[0][RATE // 2]) for *_, content in answers]
        placed = dict(zip(test.positions("ann", trial["trial"]), levels, strict=True))
        assert [placed[version] for version in ("unprocessed", "a", "av")] == pytest.approx([0, 0.1, 0.2], abs=1e-4)
        # Nothing else of the evaluation is offered.
        for address in ("/api/evaluation", ROWS, f"{SOUND}&id=s01_clip0&version=a", "/api/tests", "/listen"):
            assert page.ask("GET", address)[0] == 404, address
        assert page.get("/api/listening") == [{"name": "mushra_1", "kind": "mushra"}]
        assert page.ask("POST", f"/api/listening/{other.name}/trial", {"listener": "ann"})[0] == 404


def test_a_sound_that_cannot_be_played_is_told_without_the_system(changing, capsys):
    page = changing
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["400ms"], "trials": 2, "seed": 1}
    assert page.ask("POST", "/api/tests", asked)[2] == {"name": "pairs_1"}
    trial = page.ask("POST", "/api/listening/pairs_1/trial", {"listener": "ann"})[2]
    for listed in page.folder.glob("a*/400ms/wav.scp"):
        listed.write_text(listed.read_text().replace(".wav", ".gone.wav"))
    for sound in trial["sounds"]:
        status, _, content = page.ask("GET", f"/api/listening/sounds/{sound}")
        assert (status, content) == (500, {"error": "this trial cannot be played; tell those who gave you the test"})
    assert ".gone.wav" in capsys.readouterr().err


def test_a_broken_test_blocks_no_other(changing):
    page = changing
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["400ms"], "trials": 2, "seed": 1}
    assert page.ask("POST", "/api/tests", asked)[0] == 201
    old = page.folder / "listening" / "old"
    old.mkdir()
    (old / "test.json").write_text("{}")
    good, broken = page.get("/api/tests")
    assert good["name"] == "pairs_1" and broken["name"] == "old" and "test.json: kind: expected" in broken["broken"]
    assert page.get("/api/listening") == [{"name": "pairs_1", "kind": "pairs"}]
    assert page.ask("POST", "/api/listening/pairs_1/trial", {"listener": "ann"})[0] == 200
    assert page.get("/api/tests/pairs_1/outcome") == {"tables": []}
    status, _, told = page.ask("GET", "/api/tests/old/outcome")
    assert status == 400 and "old/test.json" in told["error"]
    live = Live(page.folder)
    with open_server(make_listening_app(live, find_test(old.parent, "pairs_1"))) as running, served(running) as address:
        assert Page.opened(address).get("/api/listening") == [{"name": "pairs_1", "kind": "pairs"}]


def test_a_listener_is_not_told_what_is_wrong_with_a_file_of_ratings(changing, capsys):
    page = changing
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["400ms"], "trials": 2, "seed": 1}
    assert page.ask("POST", "/api/tests", asked)[0] == 201
    answer = {"listener": "ann", "trial": 1, "ratings": [1, 0]}
    assert page.ask("POST", "/api/listening/pairs_1/ratings", answer)[0] == 201
    path = page.folder / "listening" / "pairs_1" / "ann.csv"
    path.write_text(path.read_text().replace(",av,", ",b,"))
    told = page.ask("POST", "/api/listening/pairs_1/trial", {"listener": "ann"})
    assert (told[0], told[2]["error"]) == (500, "your answers cannot be read; tell those who gave you the test")
    told = page.ask("POST", "/api/listening/pairs_1/ratings", answer | {"trial": 2})
    assert (told[0], told[2]["error"]) == (500, "your answer cannot be kept; tell those who gave you the test")
    assert "ann.csv:" in capsys.readouterr().err


def test_ratings_are_written_once_and_gone_on_with(changing):
    page = changing
    asked = {"kind": "pairs", "systems": ["a", "av"], "conditions": ["200ms", "400ms"], "trials": 2, "seed": 5}
    assert page.ask("POST", "/api/tests", asked)[0] == 201
    [told] = page.get("/api/tests")
    assert (told["trials"], told["listeners"]) == (2, [])

    def rate(listener="ann", **answer):
        return page.ask("POST", "/api/listening/pairs_5/ratings", {"listener": listener, **answer})

    def upcoming(listener="ann"):
        return page.ask("POST", "/api/listening/pairs_5/trial", {"listener": listener})[2]

    first = upcoming()["trial"]
    for answer in (
        {"trial": first, "ratings": [1, 1]},
        {"trial": first, "ratings": "first"},
        {"trial": first, "ratings": [True, False]},
        {"trial": first},
        {"trial": 99, "ratings": [1, 0]},
        {"trial": "1", "ratings": [1, 0]},
    ):
        assert rate(**answer)[0] == 400, answer
    assert rate("../ann", trial=first, ratings=[1, 0])[0] == 400 and rate(7, trial=first, ratings=[1, 0])[0] == 400
    assert sorted(path.name for path in (page.folder / "listening" / "pairs_5").iterdir()) == ["test.json"]
    assert rate(trial=first, ratings=[1, 0])[:1] == (201,)
    assert "rated already" in rate(trial=first, ratings=[0, 1])[2]["error"]
    assert (upcoming()["rated"], upcoming()["trial"] != first, upcoming("bob")["rated"]) == (1, True, 0)
    assert rate(trial=upcoming()["trial"], ratings=[0.5, 0.5])[0] == 201 and upcoming()["trial"] is None
    kept = read_ratings(ListeningTest.read(page.folder / "listening" / "pairs_5"), "ann")
    assert [(one.trial, one.rating) for one in kept][:2] == [(first, 1), (first, 0)] and len(kept) == 4
    [told] = page.get("/api/tests")
    assert told["listeners"] == ["ann"]
    assert page.get("/api/tests/pairs_5/outcome")["tables"][0]["caption"].startswith("Share of its pairs")
