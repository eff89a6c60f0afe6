import base64
import re

import numpy as np
import pytest
import soundfile
from browser import look_at, needs_browser
from conftest import RATE, needs_grid, real_clip, speech, write_video

from avsi.data.gaps import Gap
from avsi.errors import AvsiError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav
from avsi.media.video_reading import read_frames
from avsi.media.video_writing import write_mp4
from avsi.models.store import PRETRAINED, read_description
from avsi.pages.demo import MODELS, run_demo
from avsi.pages.overlay import GAP_COLOUR
from avsi.video.landmarks import track_face

pytestmark = pytest.mark.slow  # a corpus is drawn for these


@pytest.fixture(scope="module")
def clip(mini_corpus):
    """The clip that `make demo` draws."""
    return mini_corpus / "s1" / "lrai9a.mpg"


@pytest.fixture(scope="module")
def demo(clip, tmp_path_factory):
    """A demo of a drawn sentence: its scores by version and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    scores = run_demo(clip, [Gap(1.2, 2.0)], folder, "Of nobody.")
    return {name: values for name, *values in scores}, folder


def films(folder) -> list:
    """The films in a page, as files."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    paths = []
    for number, content in enumerate(re.findall('"data:video/webm;base64,([^"]*)"', page)):
        paths.append(folder / f"film{number}.webm")
        paths[-1].write_bytes(base64.b64decode(content))
    return paths


@needs_grid
def test_the_shipped_models_restore_a_real_sentence_they_were_not_trained_on(tmp_path):
    assert "s01_sgivzn" not in (PRETRAINED / "av" / "train_ids").read_text().split()
    scores = {name: values for name, *values in run_demo(real_clip("s1/sgivzn"), [Gap(0.8, 1.6)], tmp_path)}
    assert scores["audio-visual"][0] > scores["audio-only"][0] > scores["interpolated"][0] > scores["damaged"][0] + 0.1
    assert scores["audio-visual"][0] == pytest.approx(0.90, abs=0.02)


def test_the_shipped_models_restore_a_drawn_speaker_they_never_met(demo):
    for model in MODELS.values():
        ids = (PRETRAINED / model / "train_ids").read_text().split()
        assert not [id_ for id_ in ids if id_.startswith("mini0-")]
    scores, folder = demo
    assert scores["audio-visual"][0] > scores["audio-only"][0] + 0.01
    assert scores["audio-visual"][0] > scores["damaged"][0] + 0.15
    for name in (*scores, "original"):
        assert soundfile.info(folder / f"{name}.wav").samplerate == RATE


def test_the_page_shows_scores_and_models(clip, demo):
    scores, folder = demo
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert (
        f"<strong>{scores['audio-visual'][0]:.3f}</strong>" in page and f"<td>{scores['damaged'][1]:.3f}</td>" in page
    )
    for model in MODELS.values():
        trained_on = read_description(PRETRAINED / model)["about"]["trained_on"]
        assert f"<dt>{model}</dt><dd>{trained_on}</dd>" in page
    assert f"{clip.name} · 2.98 s · gap 1.20 to 2.00 s" in page and "Of nobody." in page
    assert len(page) < 1_000_000


def test_the_pages_film_has_the_face_the_gap_and_the_restored_sound(clip, demo):
    _, folder = demo
    (film,) = films(folder)
    drawn = dict(read_frames(film))
    assert list(drawn) == pytest.approx(np.arange(75) / 25, abs=1e-3)
    (before_s,) = [time_s for time_s in drawn if 0.39 < time_s < 0.41]
    source = next(image for _, image in read_frames(clip, 0.39))
    change = np.abs(drawn[before_s].astype(int) - source).max(axis=2)
    points = np.rint(track_face(clip, 0.39, 0.41).points[0]).astype(int)
    assert np.median(change[points[:17, 1], points[:17, 0]]) > 60 and np.median(change) < 10
    greenish = [
        time_s for time_s, image in drawn.items() if np.abs(image[1, 100:200].mean(axis=0) - GAP_COLOUR).max() < 60
    ]
    assert [greenish[0], greenish[-1]] == pytest.approx([1.2, 1.96], abs=1e-3) and len(greenish) == 20
    heard, restored = read_mono(film, RATE), soundfile.read(folder / "audio-visual.wav")[0]
    assert len(heard) == len(restored) and np.corrcoef(heard, restored)[0, 1] > 0.95


def test_a_clip_whose_sound_starts_late_is_shown_at_a_players_times(clip, tmp_path):
    write_wav(tmp_path / "sound.wav", read_mono(clip, RATE), RATE)
    images = ((time_s - 0.376, image) for time_s, image in read_frames(clip))
    write_mp4(tmp_path / "late.mp4", images, tmp_path / "sound.wav", 0.376)
    run_demo(tmp_path / "late.mp4", [Gap(1.2, 2.0)], tmp_path / "out")
    damaged, original = (soundfile.read(tmp_path / "out" / f"{name}.wav")[0] for name in ("damaged", "original"))
    gone_s = np.flatnonzero(damaged != original) / RATE
    assert [gone_s[0], gone_s[-1]] == pytest.approx([1.2 - 0.376, 2.0 - 0.376], abs=0.001)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "gap 1.20 to 2.00 s" in page and "Look and listen: 0.38 to 3.35 s of the clip" in page
    drawn = dict(read_frames(films(tmp_path / "out")[0]))
    greenish = [t for t, image in drawn.items() if np.abs(image[1, 100:200].mean(axis=0) - GAP_COLOUR).max() < 60]
    assert [greenish[0], greenish[-1]] == pytest.approx([1.2 - 0.376, 1.96 - 0.376], abs=0.03)


@needs_browser
def test_a_browser_plays_the_page(demo):
    _, folder = demo
    found = look_at(folder / "index.html", width=390)
    assert found["requests"] == [(folder / "index.html").as_uri()]
    assert (found["complaints"], found["width"]) == ([], 390)
    assert [player["duration_s"] for player in found["players"]] == pytest.approx(5 * [2.98], abs=0.1)
    assert all(player["alone"] and player["error"] is None for player in found["players"])


@needs_grid
@pytest.mark.slow
def test_of_a_long_clip_the_page_shows_the_gaps_with_their_context(tmp_path):
    """The real clip six times over: the gap's sound and face are those of the short one."""
    clip = real_clip("s1/sgivzn")
    write_wav(tmp_path / "long.wav", np.tile(np.pad(read_mono(clip, RATE), (0, RATE * 3))[: RATE * 3], 6), RATE)
    images = [image for _, image in read_frames(clip)]
    write_mp4(tmp_path / "long.mp4", ((k / 25, images[k % 75]) for k in range(6 * 75)), tmp_path / "long.wav", 0.0)
    scores = {n: s for n, *s in run_demo(tmp_path / "long.mp4", [Gap(15.8, 16.6), Gap(0.8, 1.6)], tmp_path / "out")}
    assert scores["audio-visual"][0] > scores["audio-only"][0] > scores["damaged"][0]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert re.findall("Look and listen(.*)</h2>", page) == [
        ": 0.00 to 4.60 s of the clip",
        ": 12.80 to 18.00 s of the clip",
    ]
    restored = read_mono(tmp_path / "out" / "audio-visual.wav", RATE)
    for film, start_s, stop_s in zip(films(tmp_path / "out"), (0.0, 12.8), (4.6, 18.0), strict=True):
        shown = list(read_frames(film))
        assert len(shown) == pytest.approx((stop_s - start_s) * 25, abs=1)
        assert shown[0][0] == pytest.approx(0.0, abs=0.04)
        change = np.abs(shown[0][1][:144].astype(int) - images[round(start_s * 25) % 75][:144])
        assert np.median(change) < 10
        part = restored[round(start_s * RATE) : round(stop_s * RATE)]
        assert np.corrcoef(read_mono(film, RATE)[: len(part)], part)[0, 1] > 0.95


@pytest.mark.parametrize(
    ("clip", "gap", "message"),
    [
        ("none.mpg", Gap(0.8, 1.2), r"none\.mpg: no such file"),
        ("silent.mpg", Gap(0.8, 1.2), r"silent\.mpg: has no sound track"),
        ("sound.wav", Gap(0.8, 1.2), r"sound\.wav: has no picture track"),
        ("bars.mpg", Gap(2.8, 3.8), r"gap 2\.8:3\.8: outside the recording"),
        ("bars.mpg", Gap(0.8, 1.2), r"bars\.mpg: no face was found in any of its 75 frames"),
    ],
)
def test_a_clip_that_is_no_good_makes_no_demo(tmp_path, clip, gap, message):
    write_video(tmp_path / "bars.mpg", speech(0, rate=44100))
    write_video(tmp_path / "silent.mpg", None)
    write_wav(tmp_path / "sound.wav", speech(0), RATE)
    with pytest.raises(AvsiError, match=message):
        run_demo(tmp_path / clip, [gap], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AvsiError, match=r"file: is a file; expected a folder"):
        run_demo(tmp_path / "none.mpg", [Gap(0.8, 1.2)], tmp_path / "file" / "out")
