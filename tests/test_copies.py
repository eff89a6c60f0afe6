"""Copies of one recording among those that a model is adapted to."""

import warnings
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from adaptation import QUICK, recording, small_inpainter
from conftest import RATE, speech, write_video

from avsi.audio.samples import resample
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning
from avsi.restoring import adapting
from avsi.restoring.adapting import adapt_to_files
from avsi.restoring.copies import without_copies
from avsi.restoring.reliable import open_source
from avsi.training.adaptation import Judged, Outcome


def left_out(*paths, gaps=()) -> tuple[list[str], list[str]]:
    """(names of the recordings that stay, what is told)."""
    with ExitStack() as opened, warnings.catch_warnings(record=True, action="always") as told:
        sources = [opened.enter_context(open_source(path, list(gaps))) for path in paths]
        return [source.name for source in without_copies(sources)], [str(one.message) for one in told]


@pytest.fixture
def talk(tmp_path):
    soundfile.write(tmp_path / "talk.wav", speech(0), RATE)
    return tmp_path / "talk.wav"


@pytest.mark.parametrize(
    ("suffix", "rate", "options", "channels"),
    [
        ("wav", RATE, {}, 1),
        ("flac", RATE, {"subtype": "PCM_24"}, 1),
        ("wav", RATE, {"subtype": "FLOAT"}, 2),
        ("wav", 44100, {}, 1),
        ("mp3", RATE, {}, 1),
    ],
)
def test_a_copy_in_any_format_is_left_out_and_told_of(talk, suffix, rate, options, channels):
    path, samples = talk.with_name(f"copy.{suffix}"), resample(speech(0), RATE, rate)
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate, **options)
    names, told = left_out(talk, path)
    assert names == ["talk.wav"]
    assert told == [
        f"copy.{suffix}: holds the same sound as talk.wav, and is left out; what is held out of a recording must not "
        "be learned from in a copy"
    ]


def test_of_a_film_and_its_sound_the_film_stays(talk):
    film = write_video(talk.with_name("film.mpg"), resample(speech(0), RATE, 44100))
    assert left_out(talk, film)[0] == ["film.mpg"]


def test_other_recordings_stay_of_the_same_voice_and_length_and_silent_ones_too(talk):
    paths = [talk, *(talk.with_name(name) for name in ("later.wav", "half.wav", "silent.wav", "silent2.wav"))]
    for path, samples in zip(paths[1:], (speech(0)[::-1], speech(0)[: RATE * 2], *[0 * speech(0)] * 2), strict=True):
        soundfile.write(path, samples, RATE)
    assert left_out(*paths) == ([path.name for path in paths], [])


def test_what_lies_in_the_gaps_does_not_count(talk):
    damaged = speech(0)
    damaged[RATE : 2 * RATE] = np.nan
    soundfile.write(talk.with_name("copy.wav"), damaged, RATE, subtype="FLOAT")
    assert left_out(talk, talk.with_name("copy.wav"), gaps=[Gap(1.0, 2.0)])[0] == ["talk.wav"]


@pytest.mark.usefixtures("cache")
def test_a_model_is_adapted_to_one_of_several_copies(monkeypatch, tmp_path):
    better = Outcome(Judged(1.0, 0.8), Judged(0.9, 0.8), 2.0)
    monkeypatch.setattr(adapting, "adapt_model", lambda start, *_: (start, better))
    for name in ("a.wav", "b.wav", "c.flac"):
        soundfile.write(tmp_path / name, recording(length_s=6.0), RATE)
    paths, settings = sorted(tmp_path.glob("?.*")), replace(QUICK, min_speech_s=1.0)
    with pytest.warns(AvsiWarning, match="c.flac: holds the same sound as a.wav, and is left out"):
        adapted = adapt_to_files(paths, lambda: (small_inpainter(), settings), [])
    assert adapted.adaptation.recordings == ["a.wav"]
