"""`avsi adapt`, and `avsi inpaint --adapt`."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from adaptation import LENGTH_S, QUICK, better_model, recording, same
from conftest import RATE, small_config

from avsi.errors import AvsiWarning
from avsi.files import digest
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, read_train_ids, save_model
from avsi.restoring import adapting
from avsi.restoring.adapted import adaptation_of
from avsi.restoring.adapting import write_adapted
from avsi.restoring.inpainting import Inpainter
from avsi.training.adaptation import Judged, Outcome

pytestmark = pytest.mark.usefixtures("cache")


@pytest.mark.usefixtures("kept")
def test_avsi_adapt_writes_a_model_with_a_card(avsi, tmp_path):
    start, out = better_model(tmp_path / "start"), tmp_path / "mine"
    soundfile.write(tmp_path / "talk.wav", recording(), RATE)
    status, output, errors = avsi("adapt", tmp_path / "talk.wav", "--gap", "4:4.5", "-o", out, "--model", start)
    assert (status, errors) == (0, "")
    assert output.startswith("adapted to talk.wav: ")
    facts = adaptation_of(out)
    assert facts.kept
    assert facts.recordings == ["talk.wav"]
    card = (out / "README.md").read_text()
    assert "For the speaker of talk.wav" in card
    assert f"in gaps cut into {facts.held_out_s:g} s of held-out sound: STOI {facts.stoi_before:g} before" in card
    assert f"loss {facts.loss_before:g} before, {facts.loss_after:g} after; from the weights {facts.start}" in card
    assert read_train_ids(out) == {"talk"}
    model = load_model(out, "inpainter")
    assert not same(model.state_dict(), load_model(start).state_dict())
    again = tmp_path / "again"
    assert avsi("adapt", tmp_path / "talk.wav", "--gap", "4:4.5", "-o", again, "--model", start)[0] == 0
    assert digest(again / "model.safetensors") == digest(out / "model.safetensors")
    soundfile.write(tmp_path / "other.wav", np.random.default_rng(0).normal(0, 0.1, 3 * RATE), RATE)
    for name, notes in (("talk.wav", 0), ("other.wav", 1)):
        path = tmp_path / name
        _, _, errors = avsi("inpaint", path, "--gap", "1:1.2", "-o", tmp_path / "out.wav", "--model", out)
        assert errors.count("was adapted to talk.wav, which this recording does not sound like") == notes


@pytest.mark.parametrize("better", [True, False])
def test_the_card_of_an_adapted_model_leaves_nothing_to_be_written(monkeypatch, tmp_path, better):
    start = better_model(tmp_path / "start")
    outcome = Outcome(Judged(1.0, 0.8), Judged(0.9 if better else 1.1, 0.8), 2.0)
    monkeypatch.setattr(adapting, "adapt_model", lambda model, *_: (model, outcome))
    settings, inpainter = replace(QUICK, min_speech_s=1.0), Inpainter.from_pretrained(start, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AvsiWarning)
        adapted = inpainter.adapt(recording(length_s=6.0), RATE, [], settings=settings)
    write_adapted(tmp_path / "mine", adapted, start)
    card = (tmp_path / "mine" / "README.md").read_text()
    assert "To be written" not in card
    assert f"The card of `{start}` says of which corpora that was made" in card
    assert ("For the speaker of the recording (" in card) is better
    assert ("tried on nothing but 2 s of these recordings" in card) is better
    assert ("this is that model as it was. It did not become better by adaptation to the" in card) is not better


@pytest.mark.usefixtures("kept")
def test_of_sound_alone_the_model_that_takes_over_without_a_face_is_adapted(avsi, tmp_path):
    config = small_config(model={"normalise": "utterance"})
    config.adapt = replace(QUICK, steps=2)
    save_model(tmp_path / "seeing", BLSTMInpainter(config), {})
    blind, out, path = better_model(tmp_path / "blind"), tmp_path / "mine", tmp_path / "talk.wav"
    soundfile.write(path, recording(), RATE)
    models = ("--model", tmp_path / "seeing", "--audio-only", blind)
    assert avsi("adapt", path, "--gap", "4:4.5", "-o", out, *models)[0] == 0
    assert not load_model(out, "inpainter").config.model.video
    assert not same(load_model(out).state_dict(), load_model(blind).state_dict())
    restored = []
    for name, options in (("before", models), ("after", ("--model", out))):
        assert avsi("inpaint", path, "--gap", "4:4.5", "-o", tmp_path / f"{name}.wav", *options)[0] == 0
        restored.append(soundfile.read(tmp_path / f"{name}.wav")[0])
    assert not np.array_equal(*restored)


@pytest.mark.usefixtures("kept")
def test_avsi_inpaint_adapts_to_each_file_by_itself(avsi, tmp_path):
    start = better_model(tmp_path / "start")
    paths = [tmp_path / "one.wav", tmp_path / "two.wav", tmp_path / "short.wav"]
    for seed, path in enumerate(paths):
        soundfile.write(path, recording(seed, 6.0 if path.stem == "short" else LENGTH_S), RATE)
    out = tmp_path / "out"
    status, _, errors = avsi("inpaint", *paths, "--gap", "4:4.5", "--adapt", "-o", f"{out}/", "--model", start)
    assert status == 0
    assert "one.wav: adapted to one.wav: " in errors
    assert "two.wav: adapted to two.wav: " in errors
    assert "short.wav: " in errors
    assert "and 5 s are needed to adapt a model; pauses do not count; the model is used as it is" in errors
    alone = tmp_path / "two_alone.wav"
    assert avsi("inpaint", paths[1], "--gap", "4:4.5", "--adapt", "-o", alone, "--model", start)[0] == 0
    assert np.array_equal(soundfile.read(alone)[0], soundfile.read(out / "two.wav")[0])
    assert avsi("inpaint", paths[1], "--gap", "4:4.5", "-o", alone, "--model", start)[0] == 0
    assert not np.array_equal(soundfile.read(alone)[0], soundfile.read(out / "two.wav")[0])
