import configparser
from importlib.metadata import version
from pathlib import Path

import pytest

import avsi

ROOT = Path(__file__).parents[1]


def test_both_packages_that_provide_cv2_are_the_same_release():
    """opencv-python and the opencv-contrib-python that MediaPipe brings overwrite each other's files."""
    assert version("opencv-python") == version("opencv-contrib-python")


def test_public_names_load_on_first_use():
    assert {"Inpainter", "Gap"} <= set(avsi.__all__)
    assert avsi.Gap(0.8, 1.6).length_s == pytest.approx(0.8)
    assert avsi.Inpainter.__name__ == "Inpainter"
    with pytest.raises(AttributeError, match="avsi attribute Other"):
        _ = avsi.Other


def test_every_dependency_is_pinned_for_the_makefile():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = {line.split(">")[0].strip() for line in setup["options"]["install_requires"].splitlines()} - {""}
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    missing = {name for name in wanted if name.lower() not in pinned and not name.startswith("#")}
    assert missing == set()


def test_what_the_tests_need_is_pinned_and_the_vocoder_finds_pkg_resources():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {name: value.split() for name, value in setup["options.extras_require"].items()}
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert {name.split("<")[0] for name in extras["dev"]} <= set(pinned)
    assert set(extras["dev"]) - set(extras["test"]) == {"mypy", "ruff"}
    assert set(extras["voices"]) == {"pyworld", "setuptools<81"} <= set(extras["test"])
    assert int(pinned["setuptools"].split(".")[0]) < 81


@pytest.mark.parametrize("name", ["a", "av", "s1_a", "s1_av"])
def test_a_pretrained_model_loads_and_its_files_are_packed(name):
    from avsi.models.store import PRETRAINED, load_model

    assert load_model(name).config.model.video == name.endswith("av")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    packed = set(PRETRAINED.glob(setup["options.package_data"]["avsi.pretrained"]))
    files = ("config.json", "model.safetensors", "train_ids", "README.md")
    assert {PRETRAINED / name / file for file in files} <= packed


def test_the_models_taken_where_none_is_named_are_there():
    from avsi.models.store import pretrained_names
    from avsi.pretrained import ALIGNER, AUDIO_ONLY, DEFAULT, DURATIONS, SPEAKER_ENCODER, TAGGER, WITH_TEXT

    assert pretrained_names() == [
        "a",
        "aligner",
        "av",
        "av_text",
        "corrector",
        "durations",
        "refiner",
        "s1_a",
        "s1_av",
        "speaker_encoder",
        "tagger",
    ]
    assert (DEFAULT, AUDIO_ONLY, WITH_TEXT) == ("av", "a", "av_text")
    assert (ALIGNER, DURATIONS, SPEAKER_ENCODER, TAGGER) == ("aligner", "durations", "speaker_encoder", "tagger")
