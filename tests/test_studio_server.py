"""The studio's server: a real one on a free port, with a drawn clip, and what it refuses."""

import hashlib
import io
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import speech, write_video

pytest.importorskip("starlette")
from studio_client import GAP, LENGTH_S, PROJECT, RATE, Page

from avsi.data.gaps import Gap
from avsi.restoring.recordings import inpaint_file
from avsi.studio.server import open_studio, served


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    """A studio with talk.wav and film.mpg."""
    folder = tmp_path_factory.mktemp("clips")
    soundfile.write(folder / "talk.wav", speech(3, LENGTH_S), RATE, subtype="PCM_16")
    write_video(folder / "film.mpg", speech(4, LENGTH_S, 44100), round(LENGTH_S * 25))
    (folder / "secret.txt").write_text("secret")
    os.environ["AVSI_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    files = [folder / "talk.wav", folder / "film.mpg"]
    with open_studio(files, saves_to=folder) as running, served(running) as address:
        yield Page.opened(address, folder=folder, studio=running.studio)
    del os.environ["AVSI_CACHE"]
    assert not Path(running.studio.folder).exists()
    status = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True)
    assert "spawn_main" not in status.stdout


@pytest.fixture(scope="module")
def clips(page) -> dict[str, str]:
    """The address of each clip by its name."""
    return {clip["name"]: f"/api/clips/{clip['id']}" for clip in page.get("/api/clips")}


def test_the_page_and_its_headers(page):
    status, headers, content = page.ask("GET", "/")
    assert status == 200 and content.lower().startswith(b"<!doctype html>")
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert page.ask("GET", "/page/main.js")[1]["content-type"].startswith("text/javascript")


def test_the_facts_of_a_clip(page, clips):
    facts = page.get(clips["talk.wav"])
    assert (facts["duration_s"], facts["rate"], facts["channels"], facts["picture"]) == (LENGTH_S, RATE, 1, None)
    assert facts["media"] == "original" and facts["sound"]["state"] == "ready" and facts["top_hz"] == 8000
    assert facts["saves_to"] == str(page.folder) and facts["project"]["model"] == "a"
    assert {"a", "av", "av_text"} <= {model["name"] for model in facts["models"]}
    film = page.get(clips["film.mpg"])
    assert film["media"] == "preview" and film["picture"] == {"width": 176, "height": 144, "fps": 25.0}


@pytest.mark.parametrize(
    "asked, span",
    [("bytes=0-99", (0, 100)), ("bytes=100-", (100, None)), ("bytes=-50", (-50, None)), ("bytes=7-7", (7, 8)),
     ("bytes=10-99999999", (10, None)), ("lines=1-2", None), ("bytes=9-3", None)],
)  # fmt: skip
def test_a_range_of_the_media(page, clips, asked, span):
    data = (page.folder / "talk.wav").read_bytes()
    status, headers, content = page.ask("GET", f"{clips['talk.wav']}/media", Range=asked)
    assert content == (data if span is None else data[slice(*span)])
    assert status == (200 if span is None else 206) and int(headers["content-length"]) == len(content)
    if span:
        first = span[0] % len(data)
        assert headers["content-range"] == f"bytes {first}-{first + len(content) - 1}/{len(data)}"


def test_the_sound_that_is_played_is_that_of_the_file(page, clips):
    sound, rate = soundfile.read(io.BytesIO(page.get(f"{clips['talk.wav']}/sound")), dtype="int16")
    assert rate == RATE and np.array_equal(sound, soundfile.read(page.folder / "talk.wav", dtype="int16")[0])
    whole = page.get(f"{clips['talk.wav']}/sound")
    assert page.ask("GET", f"{clips['talk.wav']}/sound", Range="bytes=41-1044")[2] == whole[41:1045]


@pytest.mark.parametrize("n", [2, 64])  # from the overview, and from the samples
def test_peaks_are_those_of_the_sound(page, clips, n):
    samples = soundfile.read(page.folder / "talk.wav")[0]
    found = page.get(f"{clips['talk.wav']}/peaks?start=0&end=2.56&n={n}")
    padded = np.append(samples, np.zeros(round(2.56 * RATE) - len(samples))).reshape(n, -1)
    assert found["low"] == pytest.approx(padded.min(axis=1), abs=1e-4)
    assert found["high"] == pytest.approx(padded.max(axis=1), abs=1e-4)
    assert page.get(f"{clips['talk.wav']}/peaks?start=100&end=101&n=3")["high"] == [0, 0, 0]


def test_a_preview_is_in_step_with_the_film(page, clips):
    import av

    while page.get(clips["film.mpg"])["preview"]["state"] == "making":
        time.sleep(0.1)
    status, headers, content = page.ask("GET", f"{clips['film.mpg']}/media")
    assert status == 200 and headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(content)) as preview, av.open(str(page.folder / "film.mpg")) as film:
        assert [stream.codec_context.name for stream in preview.streams] == ["h264", "flac"]
        pictures = [round(frame.time, 3) for frame in preview.decode(video=0)]
        origin_s = film.start_time / 1e6
        assert pictures == pytest.approx([frame.time - origin_s for frame in film.decode(video=0)], abs=0.002)
    with av.open(io.BytesIO(content)) as preview, av.open(str(page.folder / "film.mpg")) as film:
        origin_s, starts_s = (
            film.start_time / 1e6,
            [float(each.streams.audio[0].start_time * each.streams.audio[0].time_base) for each in (preview, film)],
        )
        assert starts_s[0] == pytest.approx(starts_s[1] - origin_s, abs=0.002)
        made = np.concatenate([frame.to_ndarray() for frame in preview.decode(audio=0)], axis=1)
        decoded = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], axis=1)
        assert np.array_equal(made.ravel(), decoded.ravel())


def test_restored_saved_and_every_other_sample_as_it_was(page, clips):
    clip, folder = clips["talk.wav"], page.folder
    revision = page.get(clip)["revision"]
    assert page.ask("PUT", f"{clip}/project", {"revision": revision, **PROJECT})[2] == {"revision": revision + 1}
    result = page.done(f"{clip}/restore", {"draw": 1})["result"]
    [kept] = [each for each in page.get(clip)["project"]["results"] if each["id"] == result]
    assert (kept["gaps"], kept["asked"], kept["model"], kept["draw"]) == ([[1.0, 1.2]], [[1.0, 1.2]], "a", 1)
    asked = {"result": result, "what": ["sound", "labels", "list"]}
    for number in ("", "-2"):
        saved = page.done(f"{clip}/save", asked)["saved"]
        names = [f"talk.restored{number}{suffix}" for suffix in (".wav", ".wav.edits.json", ".labels.txt")]
        assert [Path(each["path"]).name for each in saved] == names
    before, after = (soundfile.read(folder / name, dtype="int16")[0] for name in ("talk.wav", "talk.restored.wav"))
    outside = np.ones(len(before), bool)
    outside[RATE : round(1.2 * RATE)] = False
    digests = [hashlib.sha256(sound[outside].tobytes()).hexdigest() for sound in (before, after)]
    assert digests[0] == digests[1] and not np.array_equal(before[~outside], after[~outside])
    assert (folder / "talk.restored.labels.txt").read_text() == "1.000000\t1.200000\tgap\n"
    [edit] = json.loads((folder / "talk.restored.wav.edits.json").read_text())["edits"]
    assert (edit["start_s"], edit["end_s"], edit["kind"], edit["model"][:1]) == (1.0, 1.2, "restored", "a")
    played = page.get(f"{clip}/results/{result}/sound")
    assert np.array_equal(soundfile.read(io.BytesIO(played), dtype="int16")[0], after)
    high = [page.get(f"{clip}/peaks?start=1.05&end=1.15&n=4{which}")["high"] for which in ("", f"&result={result}")]
    assert high[0] != high[1]
    # `avsi inpaint` makes the same samples.
    from avsi.restoring.inpainting import Inpainter

    own = folder / "own.wav"
    inpaint_file(folder / "talk.wav", own, Inpainter.from_pretrained("a"), [Gap(1.0, 1.2)], seed=1, log=False)
    assert soundfile.read(own, dtype="int16")[0] == pytest.approx(after, abs=10)  # of 32768: with other threads
    own.unlink()


@pytest.mark.slow
def test_other_words_are_said_in_a_new_recording_that_is_open_then(page, clips):
    clip = clips["talk.wav"]
    revision = page.get(clip)["revision"]
    assert page.ask("PUT", f"{clip}/project", {**PROJECT, "revision": revision, "transcript": "bin blue now"})[0] == 200
    job = page.ask("POST", f"{clip}/say", {"wanted": "bin red now", "keep_length": True})[2]["job"]
    assert page.get(clip)["jobs"]["say"] == job
    made = page.result(job)
    assert [(each["before"], each["words"]) for each in made["edits"]] == [("blue", "red")]
    assert [Path(path).name for path in made["saved"]] == ["talk.edited.wav", "talk.edited.wav.edits.json"]
    before, after = (soundfile.read(page.folder / name, dtype="int16")[0] for name in ("talk.wav", "talk.edited.wav"))
    assert len(before) == len(after) and 0 < np.count_nonzero(before != after) < len(before) / 2
    [edit] = json.loads(Path(made["saved"][1]).read_text())["edits"]
    assert (edit["kind"], edit["before"], edit["words"]) == ("replaced", "blue", "red")
    assert page.get(f"/api/clips/{made['clip']}")["name"] == "talk.edited.wav" and page.get(clip)["jobs"] == {}
    result = page.done(f"{clip}/restore", {"gaps": [[1.0, 1.2]]})["result"]
    longer = page.done(f"{clip}/say", {"keep_length": False, "insertions": [[0.0, "now"]], "result": result})
    out = Path(longer["saved"][0])
    assert out.name == "talk.edited-2.wav" and longer["edits"][0]["words"] == "now"
    after, span = soundfile.read(out, dtype="int16")[0], slice(round(1.0 * RATE) - len(before), None)
    changed = np.flatnonzero(before[span] != after[span]) / RATE  # all that is not inserted is of the restored version
    assert 0.15 < changed[-1] < 0.2
    kinds = [edit["kind"] for edit in json.loads(Path(longer["saved"][1]).read_text())["edits"]]
    assert kinds == ["inserted", "restored"]


def test_adaptation_needs_speech_and_says_so_by_the_name_of_the_clip(page, clips):
    clip = clips["talk.wav"]
    project = {**PROJECT, "revision": page.get(clip)["revision"], "adapt": True}
    assert page.ask("PUT", f"{clip}/project", project)[0] == 200
    made = page.done(f"{clip}/restore", {})
    assert "talk.wav: " in made["notes"][0] and "are needed to adapt a model" in made["notes"][0]
    [kept] = [each for each in page.get(clip)["project"]["results"] if each["id"] == made["result"]]
    assert kept["adapted"] is False
    assert page.ask("PUT", f"{clip}/project", {**PROJECT, "revision": project["revision"] + 1})[0] == 200


def test_damage_is_found_and_a_waiting_job_cancelled(page, clips):
    first = page.ask("POST", f"{clips['talk.wav']}/find", {"kinds": ["silence"]})[2]["job"]
    second = page.ask("POST", f"{clips['talk.wav']}/find", {})[2]["job"]
    assert page.ask("DELETE", f"/api/jobs/{second}")[2]["state"] == "cancelled"
    while (job := page.get(f"/api/jobs/{first}"))["state"] in ("waiting", "running"):
        time.sleep(0.05)
    assert job["state"] == "done" and job["result"] == {"damage": [], "looked": False, "notes": []}


def test_an_uploaded_clip_with_a_hostile_name(page):
    sound = io.BytesIO()
    soundfile.write(sound, speech(5, 0.5), RATE, format="WAV")
    status, _, clip = page.ask("POST", "/api/clips?name=..%2F..%2F%3Cimg%20src=x%3E%00%0A.wav", sound.getvalue())
    assert status == 201 and clip["name"] == "<img src=x>.wav" and clip["dropped"]
    assert page.get(f"/api/clips/{clip['id']}/media") == sound.getvalue()
    assert clip["saves_to"] == str(page.folder) and str(page.folder) in clip["note"]
    address = f"/api/clips/{clip['id']}"
    gaps = [{**GAP, "start_s": 0.2, "end_s": 0.25}]
    assert page.ask("PUT", f"{address}/project", {**PROJECT, "gaps": gaps, "revision": 0})[0] == 200
    made = page.done(f"{address}/restore", {})["result"]
    # Dropped again it is the same one; in another studio it has what was marked and made. Another of its name has not.
    again = page.ask("POST", "/api/clips?name=%3Cimg%20src=x%3E.wav", sound.getvalue())[2]
    assert again["id"] == clip["id"] and len(list((page.studio.folder / "dropped").iterdir())) == 1
    page.studio.clips.pop(clip["id"])
    again = page.ask("POST", "/api/clips?name=%3Cimg%20src=x%3E.wav", sound.getvalue())[2]
    assert again["id"] != clip["id"] and again["project"]["gaps"] == gaps
    assert [result["id"] for result in again["project"]["results"]] == [made]
    assert page.get(f"/api/clips/{again['id']}/results/{made}/sound")[:4] == b"RIFF"
    sound = io.BytesIO()
    soundfile.write(sound, speech(6, 0.5), RATE, format="WAV")
    other = page.ask("POST", "/api/clips?name=%3Cimg%20src=x%3E.wav", sound.getvalue())[2]
    assert other["project"]["gaps"] == [] and other["revision"] == 0


def test_labels_are_read_and_written(page, clips):
    labels = b"0.5\t0.75\tcough <b>\n\\\t1\t2\n1\t1.5\n"
    gaps = page.ask("POST", f"{clips['film.mpg']}/labels?name=x.txt", labels)[2]["gaps"]
    assert [(gap["start_s"], gap["end_s"], gap["kind"]) for gap in gaps] == [(0.5, 0.75, "cough <b>"), (1.0, 1.5, None)]
    facts = page.get(clips["film.mpg"])
    project = {**PROJECT, "revision": facts["revision"], "gaps": gaps}
    assert page.ask("PUT", f"{clips['film.mpg']}/project", project)[0] == 200
    text = page.get(f"{clips['film.mpg']}/labels?format=txt")
    assert text == b"0.500000\t0.750000\tcough <b>\n1.000000\t1.500000\tgap\n"
    saved = page.get(f"{clips['film.mpg']}/labels?format=json")
    again = page.ask("POST", f"{clips['film.mpg']}/labels?name=x.json", json.dumps(saved).encode())[2]["gaps"]
    assert [gap["kind"] for gap in again] == ["unknown", "unknown"] and again[0]["start_s"] == 0.5


WAV, GET, POST, PUT = "{wav}", "GET", "POST", "PUT"
DEEP = b"[" * 100_000
BAD = [
    # who asks
    (403, GET, "/", None, {"Cookie": None}),
    (403, GET, "/?token=wrong", None, {}),
    (403, GET, "/?token=%ff%00", None, {}),
    (403, GET, "/api/clips", None, {"Cookie": None}),
    (403, GET, "/api/clips", None, {"Cookie": "avsi-studio=;;; \x01=\xff"}),
    (403, GET, "/page/main.js", None, {"Cookie": None}),
    (403, GET, "/", None, {"Host": "evil.example"}),
    (403, GET, "/", None, {"Host": "127.0.0.1"}),
    (403, GET, "/api/clips", None, {"Host": "127.0.0.1:1"}),
    (403, POST, f"{WAV}/find", {}, {"Origin": None}),
    (403, POST, f"{WAV}/find", {}, {"Origin": "https://evil.example"}),
    (403, POST, f"{WAV}/find", {}, {"Origin": "null"}),
    (403, PUT, f"{WAV}/project", PROJECT, {"Origin": "http://localhost:1"}),
    (403, GET, f"{WAV}/media", None, {"Origin": "https://evil.example"}),
    (403, GET, f"{WAV}/media", None, {"Sec_Fetch_Site": "cross-site"}),
    # where
    (404, GET, "/page/../server.py", None, {}),
    (404, GET, "/page/..%2f..%2fserver.py", None, {}),
    (404, GET, "/page/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", None, {}),
    (404, GET, "/secret.txt", None, {}),
    (404, GET, "/api/clips/..%2fsecret.txt/media", None, {}),
    (404, GET, "/api/clips/0123456789ab", None, {}),
    (404, GET, f"{WAV}/results/..%2f..%2fsecret/sound", None, {}),
    (404, GET, f"{WAV}/peaks?start=0&end=1&n=5&result=../../x", None, {}),
    (404, GET, "/api/jobs/0123456789abcdef", None, {}),
    (404, GET, f"{WAV}/landmarks?start=0&end=1", None, {}),
    # how
    (405, "DELETE", WAV, None, {}),
    (405, PUT, "/", None, {}),
    (405, "TRACE", "/", None, {}),
    (405, "BREW", "/api/clips", None, {}),
    # numbers
    (400, GET, f"{WAV}/peaks?start=nan&end=1&n=5", None, {}),
    (400, GET, f"{WAV}/peaks?start=2&end=1&n=5", None, {}),
    (400, GET, f"{WAV}/peaks?start=0&end=1&n=1e9", None, {}),
    (400, GET, f"{WAV}/peaks?end=1&n=5", None, {}),
    (400, GET, f"{WAV}/spectrogram?start=0&end=1&width=100000&height=100000", None, {}),
    (400, GET, f"{WAV}/spectrogram?start=-1&end=1&width=10&height=10", None, {}),
    (400, GET, f"{WAV}/spectrogram?start=0&end=1&width=10.5&height=10", None, {}),
    (416, GET, f"{WAV}/media", None, {"Range": "bytes=99999999-"}),
    # bodies
    (400, PUT, f"{WAV}/project", b"{", {}),
    (400, PUT, f"{WAV}/project", DEEP, {}),
    (400, PUT, f"{WAV}/project", b'{"revision": NaN}', {}),
    (400, PUT, f"{WAV}/project", [], {}),
    (400, PUT, f"{WAV}/project", b"\xff\xfe", {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "gaps": [{**GAP, "end_s": 1e30}]}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "gaps": [{**GAP, "kind": {}}]}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "gaps": "all"}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "model": "/etc"}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "transcript": "\ud800"}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "reference": "/etc/passwd"}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "reference": "../secret.txt"}, {}),
    (409, PUT, f"{WAV}/project", {**PROJECT, "revision": 10**9}, {}),
    (409, PUT, f"{WAV}/project", {**PROJECT, "revision": "0"}, {}),
    (413, PUT, f"{WAV}/project", b" ", {"Content_Length": str(10**9)}),
    (413, POST, "/api/clips?name=x.wav", b" ", {"Content_Length": str(10**15)}),
    (411, POST, "/api/clips?name=x.wav", b"0\r\n\r\n", {"Transfer_Encoding": "chunked"}),
    (400, POST, "/api/clips?name=x.wav", b"", {}),
    (400, POST, "/api/clips?name=x.wav", b"no sound at all", {}),
    (400, POST, "/api/clips?name=x.m3u8", b"#EXTM3U\n#EXTINF:1,\n{film}\n", {}),
    (400, POST, "/api/clips?name=x.mp4", b"ffconcat version 1.0\nfile {film}\n", {}),
    (400, POST, f"{WAV}/find", {"kinds": ["everything"]}, {}),
    (400, POST, f"{WAV}/find", {"sure": "very"}, {}),
    (400, POST, f"{WAV}/restore", {"gaps": [[1, "x"]]}, {}),
    (400, POST, f"{WAV}/restore", {"gaps": [], "draw": 0}, {}),
    (400, POST, f"{WAV}/restore", {"draw": -1, "gaps": [[1.0, 1.2]]}, {}),
    (400, POST, f"{WAV}/align", {"transcript": 5}, {}),
    (400, POST, f"{WAV}/say", {"wanted": 5, "keep_length": True}, {}),
    (400, POST, f"{WAV}/say", {"wanted": "now", "keep_length": "no"}, {}),
    (400, POST, f"{WAV}/say", {"keep_length": False, "insertions": [["x", "now"]]}, {}),
    (400, POST, f"{WAV}/say", {"keep_length": False}, {}),
    (404, POST, f"{WAV}/say", {"keep_length": False, "insertions": [[0, "now"]], "result": "none"}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "face": 0}, {}),
    (400, PUT, f"{WAV}/project", {**PROJECT, "revision": 0, "adapt": 1}, {}),
    (404, POST, f"{WAV}/save", {"result": "../../x", "what": ["sound"]}, {}),
    (400, POST, f"{WAV}/labels?name=x.txt", b"one two three", {}),
    (400, POST, f"{WAV}/labels?name=x.json", b'{"format": "avsi damage", "damage": [{}]}', {}),
    (400, POST, f"{WAV}/labels?name=x.txt", b"nan nan x", {}),
    (400, GET, f"{WAV}/labels?format=exe", None, {}),
]  # fmt: skip


def written(page) -> dict[str, int]:
    """The files beside the clips, and all that was uploaded."""
    uploads = (page.studio.folder / "dropped").rglob("*")
    return {str(path): path.stat().st_mtime_ns for path in (*page.folder.rglob("*"), *uploads)}


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_bad_request_gets_a_clear_status_and_does_nothing(page, clips, number, capfd):
    status, method, path, body, headers = BAD[number]
    if isinstance(body, bytes):
        body = body.replace(b"{film}", bytes(page.folder / "film.mpg"))
    before, open_clips = written(page), page.get("/api/clips")
    found, answered, content = page.ask(method, path.replace(WAV, clips["talk.wav"]), body, **headers)
    assert found == status, content
    text = content["error"] if isinstance(content, dict) else content.decode()
    assert 5 < len(text.strip()) < 400 and len(text.strip().splitlines()) == 1
    assert "Traceback" not in text and "secret" not in json.dumps(
        content.get("error") if isinstance(content, dict) else ""
    )
    assert answered["content-security-policy"] and "server" not in answered
    assert written(page) == before and page.get("/api/clips") == open_clips
    assert "Traceback" not in capfd.readouterr().err
