"""Studios from their opening to their end: the browser, what starts late, what is missing, changes or is too much."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import soundfile
from conftest import speech, write_video

pytest.importorskip("starlette")
from studio_client import GAP, LENGTH_S, PROJECT, RATE, Page

from avsi.studio.refusals import Refused
from avsi.studio.server import open_studio, served


@pytest.fixture(autouse=True)
def own_cache(cache):
    """Locks and results are not those of the user."""


@pytest.fixture
def talk(tmp_path) -> Path:
    path = tmp_path / "clips" / "talk.wav"
    path.parent.mkdir()
    soundfile.write(path, speech(3, LENGTH_S), RATE, subtype="PCM_16")
    return path


def test_the_browser_is_led_to_the_page_by_a_file_of_the_user_alone(tmp_path, monkeypatch):
    """Chromium, where it is installed, arrives there."""
    import webbrowser

    from avsi.studio.browser import open_browser

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    with open_studio(saves_to=tmp_path) as running:
        open_browser(running)
        time.sleep(0.2)
        assert not opened  # before it is served
        with served(running) as address:
            while not opened:
                time.sleep(0.02)
            [url] = opened
            path = Path(urlsplit(url).path)
            assert url.startswith("file://") and path.stat().st_mode & 0o777 == 0o600 and address not in url
            assert address in path.read_text()
            other = Page(urlsplit(address).port)
            status, headers, content = other.ask("GET", address.removeprefix(other.origin), Sec_Fetch_Site="cross-site")
            assert status == 200 and headers["set-cookie"] and b"url=/" in content
            if chromium := shutil.which("chromium"):
                options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/browser"]
                told = [*options, "--virtual-time-budget=5000", "--dump-dom", url]
                dom = subprocess.run([chromium, *told], capture_output=True, text=True, timeout=60).stdout
                assert "/page/main.js" in dom


def test_a_reference_that_is_not_open_any_more_is_in_the_way_of_nothing_else(talk, tmp_path):
    file = tmp_path / "talk.wav"
    shutil.copy(talk, file)
    project = {**PROJECT, "words": None, "results": [], "reference": "other.wav@1:2"}
    saved = {"format": "avsi studio", "clip": "talk.wav", "revision": 3, "project": project}
    file.with_name("talk.avsi.json").write_text(json.dumps(saved))
    with open_studio([file, talk], saves_to=tmp_path) as running:
        clip, _ = running.studio.clips.values()
        fields = {**PROJECT, "reference": "other.wav@1:2"}
        assert running.studio.put_project(clip, {**fields, "revision": 3}) == 4
        for reference, error in (("other.wav", "the name of a clip that is open here"), ("talk.wav", "2 clips")):
            with pytest.raises(Refused, match=error):
                running.studio.put_project(clip, {**fields, "revision": 4, "reference": reference})


def test_saved_labels_are_on_the_clock_of_what_is_saved(tmp_path):
    film = write_video(tmp_path / "late.mp4", speech(4, 2.0, 44100), 62, codecs=("libx264", "aac"), sound_delay_s=0.5)
    with open_studio([film], saves_to=tmp_path) as running, served(running) as address:
        other = Page.opened(address)
        clip = f"/api/clips/{other.get('/api/clips')[0]['id']}"
        before = {**GAP, "start_s": 0.1, "end_s": 0.4}  # the sound
        fields = {**PROJECT, "gaps": [before, GAP], "revision": 0}
        assert other.ask("PUT", f"{clip}/project", fields)[0] == 200
        result = other.done(f"{clip}/restore", {"gaps": [[1.0, 1.2]]})["result"]
        start_s = running.studio.clips[clip[-12:]].sound.start_s
        assert start_s == pytest.approx(0.5, abs=0.03)
        for what, clock in ((["sound", "labels"], "the sound"), (["film", "sound", "labels"], "the film")):
            answer = other.done(f"{clip}/save", {"result": result, "what": what})
            assert clock in answer["notes"][-1]
            [path] = [Path(each["path"]) for each in answer["saved"] if each["what"] == "labels"]
            times = [float(time_s) for time_s in path.read_text().splitlines()[-1].split("\t")[:2]]
            later_s = start_s if clock == "the sound" else 0.0
            assert times == pytest.approx([1.0 - later_s, 1.2 - later_s], abs=1e-5)
            assert len(path.read_text().splitlines()) == (1 if later_s else 2)


def test_what_starts_late_in_its_own_file_gets_a_preview(tmp_path):
    """A browser plays it on the file's own clock, all else on that of players."""
    import av

    from avsi.studio.facts import read_facts

    film = write_video(tmp_path / "film.mp4", speech(4, 1.0, 44100), 25, codecs=("libx264", "aac"))
    with av.open(str(film)) as source, av.open(str(tmp_path / "late.mp4"), "w") as late:
        to = [late.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                shift = round(2 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, to[packet.stream_index]
                late.mux(packet)
    assert read_facts(film).media_type == "video/mp4" and read_facts(tmp_path / "late.mp4").media_type == ""
    # An MP3 file only seems to start late: browsers leave out the padding of its encoder, too.
    soundfile.write(tmp_path / "talk.mp3", speech(4, 1.0, 44100), 44100, format="MP3")
    assert read_facts(tmp_path / "talk.mp3").media_type == "audio/mpeg"


def test_a_studio_that_ends_waits_for_no_sound(talk, tmp_path):
    from threading import Thread

    with open_studio([talk], saves_to=tmp_path) as running:
        [clip] = running.studio.clips.values()
        clip.sound = None  # as while it is being decoded
        with served(running) as address:
            other = Page.opened(address)
            asks = Thread(target=other.ask, args=("GET", f"/api/clips/{clip.id}/sound"))
            asks.start()
            asks.join(0.5)
            assert asks.is_alive()
            began_s = time.monotonic()
        asks.join(5)
        assert not asks.is_alive() and time.monotonic() < began_s + 1.5


def test_too_many_files_are_refused_in_one_line(talk, tmp_path, monkeypatch):
    from avsi.errors import ConfigError
    from avsi.studio import studio

    monkeypatch.setattr(studio, "MAX_CLIPS", 1)
    other = Path(shutil.copy(talk, tmp_path))
    with pytest.raises(ConfigError, match="1 clips are open already"), open_studio([talk, other], saves_to=tmp_path):
        pass


def test_a_file_that_changes_meanwhile_is_refused(talk, tmp_path):
    file = tmp_path / "later.wav"
    shutil.copy(talk, file)
    sound = file.read_bytes()
    with open_studio([file], saves_to=tmp_path) as running, served(running) as address:
        other = Page.opened(address)
        [clip] = other.get("/api/clips")
        file.write_bytes(sound + b"more")
        for path in ("media", "sound", "peaks?start=0&end=1&n=3", "spectrogram?start=0&end=1&width=9&height=9"):
            status, _, answer = other.ask("GET", f"/api/clips/{clip['id']}/{path}")
            assert status == 409 and "; start avsi studio with it again" in answer["error"]
            assert answer["error"].startswith("later.wav was changed")
        assert other.ask("POST", f"/api/clips/{clip['id']}/restore", {"gaps": [[1, 1.2]]})[0] == 409
        file.unlink()
        status, _, answer = other.ask("GET", f"/api/clips/{clip['id']}/media")
        expected = f"later.wav is no longer in {tmp_path}; put it back there, or start avsi studio with it where it is"
        assert (status, answer["error"]) == (409, expected)


def test_what_cannot_be_opened_is_called_by_its_name_and_leaves_nothing(tmp_path, monkeypatch):
    silent = write_video(tmp_path / "silent.mp4", None, 5)
    with open_studio(saves_to=tmp_path) as running, served(running) as address:
        other, dropped = Page.opened(address), running.studio.folder / "dropped"
        told = {"empty.wav": b"", "silent.mp4": silent.read_bytes()}
        told = {name: other.ask("POST", f"/api/clips?name={name}", body)[2]["error"] for name, body in told.items()}
        assert told == {
            "empty.wav": "empty.wav: is empty; expected a film or a recording",
            "silent.mp4": "silent.mp4: has no sound track",
        }

        def wrong(*_):
            raise ValueError("a fault of the program")

        monkeypatch.setattr(running.studio, "open", wrong)
        assert other.ask("POST", "/api/clips?name=silent.mp4", silent.read_bytes())[0] == 500
        assert not list(dropped.iterdir())


def test_one_file_that_two_tabs_drop_at_once_is_one_clip(talk, tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from avsi.studio import clips

    def slowly(path, read=clips.read_facts):
        time.sleep(0.1)
        return read(path)

    monkeypatch.setattr(clips, "read_facts", slowly)
    dropped = [Path(shutil.copy(talk, tmp_path / f"{number}.wav")) for number in range(2)]
    with open_studio(saves_to=tmp_path) as running, ThreadPoolExecutor(2) as at_once:
        ones, others = at_once.map(lambda path: running.studio.open(path, "talk.wav", "its digest"), dropped)
        assert ones is others and list(running.studio.clips.values()) == [ones]


def test_of_two_studios_each_has_its_own_port_and_token(talk, tmp_path):
    with (
        open_studio([talk], saves_to=tmp_path) as one,
        served(one) as address,
        open_studio([talk], port=urlsplit(address).port, saves_to=tmp_path) as two,
        served(two) as another,
    ):
        pages = Page.opened(address), Page.opened(another)
        assert pages[0].port != pages[1].port
        assert Page(pages[0].port, pages[1].cookie).ask("GET", "/api/clips")[0] == 403
