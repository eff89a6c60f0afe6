"""What training hears of a clip, written to be listened to."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, face, make_datadir, mouth_opening, needs_grid, real_clip, small_config, speech, write_video
from typer.testing import CliRunner

from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import Config
from avsi.config_files import load_config
from avsi.data.datadir import read_datadir
from avsi.data.features import load_features
from avsi.errors import AvsiWarning, DataError, MediaError
from avsi.models.store import load_model
from avsi.pages import augmentation_preview as module
from avsi.pages.augmentation_preview import HEADER, preview_augmentation, preview_config
from avsi.pages.plots import stacked_spectrograms
from avsi.pretrained import DEFAULT
from avsi.rng import generator
from avsi.training.augmentation import augment
from data_prep import voices

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
VARIED = {"tempo": 0.12, "contrast": 0.2, "noise": 1.0, "face_gain": 0.25, "face_lag_ms": 30, "face_noise": 0.1}


@pytest.fixture
def clip(tmp_path) -> Path:
    soundfile.write(tmp_path / "s01_a.wav", speech(0), RATE)
    return tmp_path / "s01_a.wav"


def sounds(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: soundfile.read(path)[0] for path in sorted(folder.glob("*.wav"))}


def logs(samples: np.ndarray) -> torch.Tensor:
    stft = Config().stft
    return log_magnitude(spectrum(torch.from_numpy(samples.astype(np.float32)), stft), stft)


def test_sounds_a_table_and_a_picture_are_written(clip, tmp_path):
    rows = preview_augmentation(clip, tmp_path / "out", small_config(augment=VARIED), copies=2, seed=0)
    found = sounds(tmp_path / "out")
    assert list(found) == ["0_original", "1", "2"] and len({len(samples) for samples in found.values()}) == 1
    assert np.array_equal(found["0_original"], soundfile.read(clip)[0])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "0_original.wav",
        "1.wav",
        "2.wav",
        "variations.tsv",
        "variations.png",
    }
    lines = [line.split("\t") for line in (tmp_path / "out" / "variations.tsv").read_text().splitlines()]
    assert lines == [HEADER, *rows]
    assert rows[0] == ["0_original", "1", "1", "1", "1", "1", "-", "-", "-"]
    for row in rows[1:]:
        pitch, intonation, formants, speed, contrast, noise = map(float, row[1:7])
        assert 0.6 < pitch < 2.4 and 0.4 < intonation < 2.5 and 0.7 < formants < 1.5
        assert 0.88 <= speed <= 1.12 and 0.8 <= contrast <= 1.25 and -80 <= noise <= -45 and row[7:] == ["-", "-"]
    assert rows[1] != rows[2]


def test_the_same_seed_writes_the_same_and_another_something_else(clip, tmp_path):
    config = small_config(augment=VARIED)
    one, two, other = (
        preview_augmentation(clip, tmp_path / name, config, 1, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert one == two != other
    a, b, c = (sounds(tmp_path / name)["1"] for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_it_is_what_training_hears_in_its_first_epoch(tmp_path):
    """Voices as data_prep.voices makes them, and variations as the training set's."""
    config = small_config(model={"video": False}, augment=VARIED)
    source = make_datadir(tmp_path / "set", ["s01_a"])
    arguments = [str(source), str(tmp_path / "voices"), "--copies", "1", "--jobs", "1"]
    assert CliRunner().invoke(voices.app, arguments).exit_code == 0
    copy = next(utterance for utterance in read_datadir(tmp_path / "voices") if utterance.id == "s01_a-v1")
    trained_on = augment(load_features(copy, config), config.augment, config.stft, generator(0, 0, "augment", copy.id))
    preview_augmentation(source / "s01_a.wav", tmp_path / "out", config, copies=1, seed=0)
    heard, wanted = logs(sounds(tmp_path / "out")["1"]), trained_on.log_spectrum
    loud = wanted > wanted.max() - 5
    assert (heard - wanted)[loud].abs().mean() < 0.25


def test_a_voice_that_is_not_varied_is_the_vocoders_own(clip, tmp_path):
    config = small_config(model={"video": False})
    preview_augmentation(clip, tmp_path / "out", config, copies=1, seed=0)
    analysis = module.analyse(soundfile.read(clip)[0], RATE)
    spoken = module.change_voice(
        analysis, module.draw_voice_change(analysis, config.voices, generator(0, "voice", "s01_a-v1"))
    )
    assert sounds(tmp_path / "out")["1"] == pytest.approx(spoken, abs=2e-3)


def test_a_face_is_varied_and_shown_too(tmp_path, monkeypatch):
    film = write_video(tmp_path / "film.mpg", speech(0, rate=44100))
    time_s = np.arange(75) / 25
    shown = {}

    def show(panels, stft):
        shown.update(panels)
        return stacked_spectrograms(panels, stft)

    monkeypatch.setattr(module, "track_face", lambda path: face(mouth_opening(0, time_s), time_s))
    monkeypatch.setattr(module, "stacked_spectrograms", show)
    config = small_config(augment={**VARIED, "face_hidden": 0.5}, visual={"points": "articulation"})
    rows = preview_augmentation(film, tmp_path / "out", config, copies=4, seed=0)
    assert rows[0][7:] == ["0", "seen"]
    assert {row[8] for row in rows[1:]} == {"seen", "hidden"}
    assert all(abs(int(row[7])) <= 30 for row in rows)
    for name, *_, state in rows:
        spectra, visual = shown[name]
        assert len(spectra) == len(visual) and visual.shape[1] == 13
        assert np.isnan(visual).all() == (state == "hidden")


def test_a_film_without_a_face_is_heard_alone_and_that_is_said(tmp_path):
    film = write_video(tmp_path / "bars.mpg", speech(0, rate=44100))
    with pytest.warns(AvsiWarning, match=r"bars\.mpg: no face was found .*; only its sound is varied"):
        rows = preview_augmentation(film, tmp_path / "out", small_config(augment=VARIED), copies=1, seed=0)
    assert rows[1][7:] == ["-", "-"]


@pytest.mark.parametrize("visual", [0, 13])
def test_the_picture_has_a_row_for_each_version(visual):
    import PIL.Image

    rng = np.random.default_rng(0)
    unseen = np.full((80, visual), np.nan)
    panels = {"0_original": (logs(speech(0))[:80].numpy(), rng.standard_normal((80, visual)))}
    sizes = []
    for number in (1, 2):
        panels[str(number)] = (panels["0_original"][0] - number, unseen)
        with PIL.Image.open(io.BytesIO(stacked_spectrograms(panels, Config().stft))) as image:
            assert image.format == "PNG" and image.width == (2000 if visual else 1000)
            sizes.append(image.height)
    assert sizes[1] - sizes[0] == pytest.approx(200, abs=2)


@pytest.mark.parametrize(
    ("name", "samples", "message"),
    [
        ("none.wav", None, r"none\.wav: no such file"),
        ("silent.wav", np.zeros(RATE), r"silent\.wav: no pitch is found in it"),
        ("long.wav", np.zeros(61 * RATE), r"long\.wav: lasts 61\.0 s, expected at most 60 s"),
    ],
)
def test_a_clip_that_is_no_good_writes_nothing(tmp_path, name, samples, message):
    if samples is not None:
        soundfile.write(tmp_path / name, samples, RATE)
    with pytest.raises(MediaError, match=message):
        preview_augmentation(tmp_path / name, tmp_path / "out", small_config(), 1, 0)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_said_before_the_work(clip):
    with pytest.raises(DataError, match=r"s01_a\.wav: is a file; expected a folder"):
        preview_augmentation(clip, clip, small_config(), 1, 0)


def test_the_config_is_the_one_named_or_that_of_the_model_taken_by_default(tmp_path):
    default = load_model(DEFAULT).config
    assert preview_config([], ["augment.noise=0.5"]) == load_config([], ["augment.noise=0.5"], default)
    general = preview_config([ROOT / "recipes" / "grid" / "conf" / "general_av.yaml"], ["augment.noise=0"])
    assert (general.augment.tempo, general.augment.noise, general.visual.points) == (0.12, 0.0, "articulation")
    (tmp_path / "voices.yaml").write_text("voices:\n  pitch_max_hz: 180\n")
    assert preview_config([tmp_path / "voices.yaml"], []).voices.pitch_max_hz == 180  # voices alone will do


def test_the_command_prints_what_was_drawn(clip, tmp_path):
    from avsi.cli import app

    arguments = ["augment", str(clip), "-o", str(tmp_path / "out"), "--copies", "2", "--set", "augment.tempo=0.1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "3 sounds to listen to, and to look at variations.png" in result.output
    for line in (tmp_path / "out" / "variations.tsv").read_text().splitlines():
        for cell in line.split("\t"):
            assert cell in result.output


@needs_grid
def test_a_real_clip_keeps_its_words_and_its_face(tmp_path):
    general = [ROOT / "recipes" / "grid" / "conf" / "general_av.yaml"]
    rows = preview_augmentation(real_clip("s1/bbir9a"), tmp_path / "out", preview_config(general, []), copies=2, seed=0)
    assert all(row[8] in ("seen", "hidden") for row in rows)
    loudness = [logs(samples).mean(dim=1).numpy() for samples in sounds(tmp_path / "out").values()]
    assert all(np.corrcoef(loudness[0], other)[0, 1] > 0.4 for other in loudness[1:])
