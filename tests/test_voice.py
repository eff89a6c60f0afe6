"""`avsi voice`: what is heard of a recording, and what is said of two."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, run_app
from voices import save_encoder, spoken_by

from avsi.cli import app
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning, ConfigError, DataError, GapError, MediaError, ModelError
from avsi.restoring import voices
from avsi.restoring.voices import Reference, VoiceEncoder, parse_reference, voice_of, voice_of_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("voice") / "encoder")


@pytest.fixture(scope="module")
def encoder(folder) -> VoiceEncoder:
    return VoiceEncoder.from_pretrained(folder, "cpu")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    """Recordings of one speaker, and of two after each other."""
    folder = tmp_path_factory.mktemp("sounds")
    for name, samples in {
        "one.wav": spoken_by(1, 0, 10),
        "loud.wav": spoken_by(1, 0, 10) * 10**0.5,
        "soft.wav": spoken_by(1, 0, 10) * 10**-1.0,
        "short.wav": spoken_by(1, 0, 1.5),
        "middling.wav": spoken_by(1, 0, 4),
        "two.wav": np.concatenate([spoken_by(0, 1, 10), spoken_by(4, 1, 10)]),
        "silent.wav": np.zeros(3 * RATE),
    }.items():
        soundfile.write(folder / name, samples, RATE, subtype="FLOAT")
    return folder


@pytest.fixture
def recordings(sounds, monkeypatch) -> Path:
    """The folder with them, as the working directory."""
    monkeypatch.chdir(sounds)
    return sounds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip.wav", ("clip.wav", None, None)),
        ("clip.wav@0.8:4.6", ("clip.wav", 0.8, 4.6)),
        ("a@b.wav", ("a@b.wav", None, None)),
        ("a@b.wav@1:2", ("a@b.wav", 1.0, 2.0)),
        ("me@1:2/clip.wav", ("me@1:2/clip.wav", None, None)),
        ("a:b@c", ("a:b@c", None, None)),
    ],
)
def test_references(text, expected):
    assert parse_reference(text) == Reference(Path(expected[0]), *expected[1:])


@pytest.mark.parametrize("stretch", ["2:1", "1:1", "-1:2", "1:", ":2", "one:two", "nan:2", "1:inf", "1:2:3"])
def test_stretches_that_are_none(stretch):
    with pytest.raises(ConfigError, match=r"expected FILE@START:END in seconds, such as clip\.wav@0\.80:4\.60"):
        parse_reference(f"clip.wav@{stretch}")


def test_neither_level_nor_pauses_nor_gaps_are_heard(encoder):
    speech = spoken_by(1, 0, 8)
    voice = voice_of(speech, RATE, (), encoder)
    assert 3 < voice.speech_s < 4.5  # the syllables are half of it
    assert voice.alike(voice) == pytest.approx(1, abs=1e-5)
    for gain in (10**1.5, 10**-1.5):  # 30 dB
        assert voice_of(speech * np.float32(gain), RATE, (), encoder).alike(voice) > 1 - 1e-5
    stereo = np.stack([speech, speech], axis=1)
    assert voice_of(stereo, RATE, (), encoder).alike(voice) > 1 - 1e-5
    paused = np.concatenate([speech, 1e-5 * np.random.default_rng(0).standard_normal(4 * RATE)])
    assert voice_of(paused, RATE, (), encoder).speech_s == pytest.approx(voice.speech_s, abs=0.05)
    damaged = speech.copy()
    damaged[2 * RATE : 3 * RATE] = np.random.default_rng(0).standard_normal(RATE)
    gap = [Gap(2.0, 3.0)]
    hidden = voice_of(damaged, RATE, gap, encoder)
    assert hidden.alike(voice_of(speech, RATE, gap, encoder)) == pytest.approx(1, abs=0.01)  # but for the level
    assert hidden.speech_s < voice.speech_s - 0.3


def test_a_recording_at_another_rate_has_the_same_voice(encoder):
    speech = spoken_by(1, 0, 6)
    twice = np.interp(np.arange(2 * len(speech)) / 2, np.arange(len(speech)), speech)
    assert voice_of(twice, 2 * RATE, (), encoder).alike(voice_of(speech, RATE, (), encoder)) > 0.98


def test_what_has_no_voice(encoder, recordings):
    for silent in (np.zeros(RATE), np.zeros((RATE, 2), np.int16)):
        with pytest.raises(DataError, match="no speech: it is silent"):
            voice_of(silent, RATE, (), encoder)
    only = np.zeros(3 * RATE)
    only[RATE : 2 * RATE] = spoken_by(1, 0, 1)
    with pytest.raises(DataError, match="no speech"):
        voice_of(only, RATE, [Gap(0.95, 2.05)], encoder)
    with pytest.raises(MediaError, match="not a number"):
        voice_of(np.full(RATE, np.nan), RATE, (), encoder)
    with pytest.raises(GapError, match="outside the recording"):
        voice_of(only, RATE, [Gap(2, 4)], encoder)
    with pytest.raises(DataError, match=r"silent.wav: no speech: it is silent"):
        voice_of_file("silent.wav", encoder)
    with pytest.raises(DataError, match=r"short.wav: holds 0\.\d+ s of speech, expected 1 s or more"):
        voice_of_file("short.wav", encoder)
    with pytest.raises(ConfigError, match=r"one.wav@8:11: outside the sound, which plays from 0.000 to 10.000 s"):
        voice_of_file("one.wav@8:11", encoder)


def test_a_long_recording_is_refused_and_a_stretch_of_it_taken(encoder, recordings, monkeypatch):
    monkeypatch.setattr(voices, "LONGEST_S", 9.0)
    with pytest.raises(DataError, match=r"lasts 10 s, expected 9 s at most; name a stretch, such as one\.wav@0:60"):
        voice_of_file("one.wav", encoder)
    part = voice_of_file("one.wav@1:8.5", encoder)
    samples = spoken_by(1, 0, 10)[RATE : round(8.5 * RATE)]
    assert part.alike(voice_of(samples, RATE, (), encoder)) > 1 - 1e-5


def test_digital_silence_in_a_file_is_never_heard(encoder, recordings):
    samples = spoken_by(1, 0, 10)
    samples[5 * RATE : 6 * RATE] = 0
    soundfile.write("holes.wav", samples, RATE, subtype="FLOAT")
    told = voice_of(samples, RATE, [Gap(5, 6)], encoder)
    assert voice_of_file("holes.wav", encoder).alike(told) > 1 - 1e-5


def test_little_speech_and_two_people_are_warned_of(encoder, recordings, monkeypatch):
    with pytest.warns(
        AvsiWarning, match=r"middling.wav: holds \d\.\d s of speech; less than 3 s often tells voices wro"
    ):
        voice_of_file("middling.wav", encoder)
    both = voice_of_file("two.wav", encoder)
    one = voice_of_file("one.wav", encoder)
    assert one.halves is None  # each would be too short
    first, second = (voice_of_file(f"two.wav@{part}", encoder) for part in ("0:10", "10:20"))
    assert both.halves == pytest.approx(first.alike(second), abs=0.1)
    monkeypatch.setattr(encoder.model.config.model, "threshold", 1.0)
    with pytest.warns(AvsiWarning, match="two.wav: the first and the second half sound like two people"):
        voice_of_file("two.wav", encoder)


def test_voices_of_two_encoders_are_not_compared(encoder, tmp_path):
    other = VoiceEncoder.from_pretrained(save_encoder(tmp_path / "other", seed=1), "cpu")
    speech = spoken_by(1, 0, 4)
    with pytest.raises(ModelError, match="voices of two speaker encoders"):
        voice_of(speech, RATE, (), encoder).alike(voice_of(speech, RATE, (), other))


def test_the_command_tells_how_alike_each_pair_is(recordings, folder, encoder, monkeypatch):
    told = run_app(app, "voice", "one.wav", "loud.wav", "two.wav@10.0:20", "--model", folder)
    lines = [line.split() for line in told.splitlines()]
    assert ["one.wav", "loud.wav", "1.00", "yes"] in lines
    other = voice_of_file("one.wav", encoder).alike(voice_of_file("two.wav@10:20", encoder))
    answer = "yes" if other >= encoder.threshold else "no"
    assert ["one.wav", "two.wav@10.0:20", f"{other:.2f}", answer] in lines
    short = run_app(app, "voice", "one.wav", "two.wav@10.0:12.5", "--model", folder)
    assert [line.split()[-1] for line in short.splitlines() if "@" in line and "one.wav" in line] == ["unsure"]
    short = run_app(app, "voice", "one.wav", "two.wav@10.0:12.5", "--json", "--model", folder)
    assert [pair["one_person"] for pair in json.loads(short[short.index("{") :])["pairs"]] == [None]
    printed = json.loads(run_app(app, "voice", "one.wav", "soft.wav", "--json", "--gap", "0:2", "--model", folder))
    assert printed["encoder"] == encoder.digest and printed["threshold"] == 0.5
    assert printed["pairs"] == [{"files": ["one.wav", "soft.wav"], "alike": 1.0, "one_person": True}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = voice_of_file("one.wav", encoder, [Gap(0, 2)])
    assert printed["voices"][0]["speech_s"] == pytest.approx(known.speech_s, abs=1e-3)
    assert printed["voices"][0]["vector"] == pytest.approx(known.vector.tolist(), abs=1e-4)


def test_a_file_of_the_whole_name_is_no_stretch(tmp_path):
    (tmp_path / "take@1:2").write_text("")
    assert parse_reference(f"{tmp_path}/take@1:2") == Reference(tmp_path / "take@1:2")
    assert parse_reference(f"{tmp_path}/other@1:2") == Reference(tmp_path / "other", 1, 2)
