"""Whose voice is heard as an input of the inpainter: the network, what is told in training, and references."""

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, make_datadir, run_app, small_config, speech
from voice_models import N_VALUES, TOLD, heed_voices, make_models

from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.gaps import Gap
from avsi.data.ids import id_in_voice
from avsi.errors import DataError, ModelError
from avsi.files import digest
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import WEIGHTS, load_model, read_description, start_from
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.voices import Voice, VoiceEncoder
from avsi.rng import generator
from avsi.training.adaptation import adapt_model
from avsi.training.dataset import InpaintingData, collate
from avsi.training.run import train
from avsi.training.told_voices import ToldVoices
from data_prep import voice_vectors

GAP = Gap(1.0, 1.4)


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    return make_models(tmp_path_factory.mktemp("room"))


@pytest.fixture
def voiced(corpus, room, tmp_path) -> Path:
    """The corpus with the vectors of voices."""
    for name in ("train", "valid"):
        shutil.copytree(corpus / name, tmp_path / "voiced" / name)
    folder = tmp_path / "voiced"
    sets = (folder / "train", folder / "valid")
    run_app(voice_vectors.app, *sets, "--encoder", room / "encoder", "--jobs", 1)
    return folder


def told_inpainter(room, **options) -> Inpainter:
    return Inpainter.from_pretrained(room / "told", encoder=room / "encoder", **options)


def voices(*seeds: int) -> torch.Tensor:
    vectors = torch.from_numpy(np.stack([generator(seed, "voice").standard_normal(N_VALUES) for seed in seeds])).float()
    return torch.nn.functional.normalize(vectors)


def batch_of(config, seed=0, count=2):
    rng = generator(seed, "spectra")
    spectra = torch.from_numpy(rng.normal(-5, 2, (count, 50, config.stft.n_bins)).astype(np.float32))
    lost = torch.zeros(count, 50, dtype=torch.bool)
    lost[:, 20:30] = True
    return spectra, torch.zeros(count, 50, 0), lost


def test_a_voice_counts_and_an_unknown_one_changes_nothing(room):
    told, plain = load_model(room / "told", "inpainter"), BLSTMInpainter(small_config(model={"video": False})).eval()
    weights = told.state_dict()
    for name in ("blstm.weight_ih_l0", "blstm.weight_ih_l0_reverse"):
        weights[name] = weights[name][:, : -N_VALUES - 1]
    plain.load_state_dict(weights)
    inputs = batch_of(told.config)
    with torch.no_grad():
        before = plain(*inputs)
        unknown = torch.full((2, N_VALUES), math.nan)
        for voice in (None, unknown, torch.zeros(2, 0)):
            assert torch.allclose(told(*inputs, voice=voice), before, rtol=1e-5, atol=1e-5)
        half_known = torch.cat([voices(0), unknown[:1]])
        one, two = told(*inputs, voice=half_known), told(*inputs, voice=voices(0, 1))
    assert torch.allclose(one[1], before[1], rtol=1e-5, atol=1e-5)
    assert torch.allclose(one[0], two[0], rtol=1e-5)
    assert (two - before).abs().amax(dim=(1, 2)).min() > 0.1


def test_a_model_without_a_voice_goes_on_as_itself(room, tmp_path):
    model = BLSTMInpainter(small_config(model=TOLD)).eval()
    start_from(model, room / "plain")
    inputs = batch_of(model.config)
    with torch.no_grad():
        expected = load_model(room / "plain", "inpainter")(*inputs)
        assert torch.allclose(model(*inputs, voice=voices(0, 1)), expected, rtol=1e-5, atol=1e-5)
    loss = model(*inputs, voice=voices(0, 1)).square().mean()
    loss.backward()
    assert model.blstm.weight_ih_l0.grad[:, -N_VALUES - 1 :].abs().max() > 0
    with pytest.raises(ModelError, match=r"model\.voice True, but the config asks for False"):
        start_from(BLSTMInpainter(small_config(model={"video": False})), room / "told")
    with pytest.raises(ModelError, match="was trained with voices of the speaker encoder "):
        start_from(model, room / "told")  # which names no encoder


def test_the_part_without_a_face_is_told_the_voice(room):
    config = small_config(model=TOLD | {"video": True})
    model = BLSTMInpainter(config).eval()
    heed_voices(model)
    model.voices_by = "abc"
    spectra, _, lost = batch_of(config)
    unseen = torch.full((2, 50, len(model.visual_mean)), math.nan)
    blind = model.without_face()
    assert blind.voices_by == "abc"
    with torch.no_grad():
        expected = model(spectra, unseen, lost, voice=voices(0, 1))
        assert torch.allclose(blind(spectra, unseen[..., :0], lost, voice=voices(0, 1)), expected, rtol=1e-4, atol=1e-4)


def test_an_utterance_is_told_the_voice_of_others_of_its_speaker(voiced, corpus):
    utterances = read_datadir(voiced / "train")
    copy = dataclasses.replace(utterances[0], id=id_in_voice(utterances[0].id, 1))
    lonely = dataclasses.replace(utterances[1], id="s09_alone", speaker="s09")
    config = small_config(model=TOLD)
    told = ToldVoices([*utterances, copy, lonely], config, "data")
    vectors = {u.id: u.load_voice() for u in utterances}
    own = [vectors[u.id] for u in utterances if u.speaker == "s01"]
    for seed in range(20):
        drawn = told.draw(utterances[0], generator(seed, "voice")).numpy()
        assert np.linalg.norm(drawn) == pytest.approx(1, rel=1e-5)
        # It is a mean of the others, in which the utterance itself has no part.
        shares = np.linalg.lstsq(np.stack(own[1:], axis=1), drawn, rcond=None)[0]
        assert np.allclose(np.stack(own[1:], axis=1) @ shares, drawn, atol=1e-4)
        assert 1 <= (shares > 0.05).sum() <= 3
    for unknown in (copy, lonely):
        assert told.draw(unknown, generator(0, "voice")).isnan().all()
    hidden = [told.draw(utterances[0], generator(n, "voice"), 0.25).isnan().all() for n in range(200)]
    assert 0.17 < np.mean(hidden) < 0.33
    alike = [u for u in utterances if u.id != utterances[0].id]
    changed = [dataclasses.replace(utterances[0], voice=utterances[7].voice), *alike]
    same = ToldVoices(changed, config, "data").draw(utterances[0], generator(0, "voice"))
    assert torch.equal(same, told.draw(utterances[0], generator(0, "voice")))  # its own tells nothing


def test_what_is_told_depends_on_the_epoch_in_training_alone(voiced):
    config = corpus_config(voiced, model=TOLD, augment={"voice_hidden": 0.3})
    shown = {}
    for augmented, name in ((True, "train"), (False, "valid")):
        data = InpaintingData(voiced / name, config, augmented=augmented)
        first = collate([data[0], data[1]]).voice
        data.epoch = 1
        shown[name] = [first, collate([data[0], data[1]]).voice]
        assert first.shape == (2, N_VALUES)
    assert not torch.equal(*(each.nan_to_num() for each in shown["train"]))
    assert torch.equal(*shown["valid"]) and not shown["valid"][0].isnan().any()
    without = InpaintingData(voiced / "train", corpus_config(voiced, model={"video": False}))
    assert collate([without[0]]).voice is None


def test_the_program_writes_a_vector_an_utterance(voiced, room, corpus):
    utterances = read_datadir(voiced / "train")
    encoder = VoiceEncoder.from_pretrained(room / "encoder", "cpu")
    assert len({u.voice for u in utterances}) == len(utterances) == 12
    assert {u.voice_by for u in utterances} == {encoder.digest}
    for utterance in utterances:
        vector = utterance.load_voice()
        assert vector.shape == (N_VALUES,) and np.linalg.norm(vector) == pytest.approx(1, rel=1e-5)
    assert (voiced / "train" / "voices_left_out").read_text() == ""
    assert all(u.voice is None for u in read_datadir(corpus / "train"))


def test_too_little_speech_has_no_vector(room, tmp_path):
    folder = make_datadir(tmp_path / "few", ["s01_long", "s01_quiet", "s01_short"])
    soundfile.write(folder / "s01_short.wav", speech(0, 0.6), RATE)
    soundfile.write(folder / "s01_quiet.wav", np.zeros(RATE), RATE)
    encoder = ("--encoder", room / "encoder", "--jobs", 1)
    with pytest.raises(DataError, match=r"2 of 3 utterances have no vector, more than --max-left-out 0\.1"):
        run_app(voice_vectors.app, folder, *encoder)
    assert not (folder / "voices.scp").exists()
    told = run_app(voice_vectors.app, folder, *encoder, "--max-left-out", 0.7)
    assert [u.voice is not None for u in read_datadir(folder)] == [True, False, False]
    reasons = dict(line.split(" ", 1) for line in (folder / "voices_left_out").read_text().splitlines())
    assert "silent" in reasons["s01_quiet"] and "s of speech, expected 1 s or more" in reasons["s01_short"]
    assert digest(room / "encoder" / WEIGHTS) in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda u: dataclasses.replace(u, voice=None),
            "no utterance has the vector of a voice; run python",
        ),
        (
            lambda u: dataclasses.replace(u, voice_by=u.id),
            "are of the speaker encoders s01_clip0 and s01_clip1",
        ),
        (lambda u: dataclasses.replace(u, voice=f"{u.voice}9999"), "its voice cannot be read from"),
    ],
)
def test_vectors_that_cannot_be_learned_from(voiced, change, told):
    write_datadir(voiced / "train", [change(u) for u in read_datadir(voiced / "train")])
    with pytest.raises(DataError, match=told):
        InpaintingData(voiced / "train", corpus_config(voiced, model=TOLD), augmented=True)


def test_vectors_of_another_size(voiced):
    config = corpus_config(voiced, model=TOLD | {"voice_values": 9})
    with pytest.raises(DataError, match=r"has 8 values, but the config asks for 9 \(model.voice_values\)"):
        InpaintingData(voiced / "train", config)


def test_training_keeps_which_encoder_it_was(voiced, room, tmp_path):
    config = corpus_config(voiced, model=TOLD, training={"max_epochs": 1, "init": str(room / "plain")})
    (room / "plain" / "train_ids").touch()
    train(config, tmp_path / "run", progress=False)
    expected = digest(room / "encoder" / WEIGHTS)
    assert read_description(tmp_path / "run")["voices_by"] == expected
    model = load_model(tmp_path / "run", "inpainter")
    assert model.voices_by == expected and model.blstm.weight_ih_l0[:, -N_VALUES - 1 :].abs().max() > 0
    config.training.max_epochs = 2
    run_app(voice_vectors.app, voiced / "train", "--encoder", room / "other_encoder", "--jobs", 1)
    with pytest.raises(DataError, match="its voices are of the speaker encoder "):
        train(config, tmp_path / "run", progress=False)
    run_app(voice_vectors.app, voiced / "valid", "--encoder", room / "other_encoder", "--jobs", 1)
    with pytest.raises(DataError, match="holds a run on other utterances or voices"):
        train(config, tmp_path / "run", progress=False)


def test_an_export_names_the_encoder(room, tmp_path, avsi):
    status, _, told = avsi("export", room / "told", "--out", tmp_path / "out", "--trained-on", "nothing")
    assert status == 0, told
    expected = digest(room / "encoder" / WEIGHTS)
    assert read_description(tmp_path / "out")["voices_by"] == expected
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| Voices | vectors of the speaker encoder {expected}... |" in card
    assert "whose voice is heard, as far as it is known" in card


def test_another_encoder_is_refused(room):
    with pytest.raises(ModelError) as error:
        Inpainter.from_pretrained(room / "told", encoder=room / "other_encoder")
    assert all(digest(room / name / WEIGHTS) in str(error.value) for name in ("encoder", "other_encoder"))
    voice = Voice(voices(0)[0].numpy(), 5.0, digest(room / "other_encoder" / WEIGHTS))
    with pytest.raises(ModelError, match="the voice is by the speaker encoder"):
        told_inpainter(room).inpaint(speech(0), RATE, [GAP], voice=voice)
    with pytest.raises(ModelError, match="is told no voice"):
        Inpainter.from_pretrained(room / "plain").inpaint(speech(0), RATE, [GAP], voice=voice)


def test_the_voice_is_that_of_the_reliable_speech_unless_another_is_told(room):
    inpainter = told_inpainter(room)
    samples = speech(0)
    own = inpainter.inpaint(samples, RATE, [GAP])
    damaged = samples.copy()
    damaged[round(GAP.start_s * RATE) : round(GAP.end_s * RATE)] = 1  # what the gap holds is not heard
    assert np.array_equal(inpainter.inpaint(damaged, RATE, [GAP]), own)
    other = Voice(voices(0)[0].numpy(), 5.0, inpainter.encoder.digest)
    untold = Inpainter(inpainter.model)
    results = [own, inpainter.inpaint(samples, RATE, [GAP], voice=other), untold.inpaint(samples, RATE, [GAP])]
    for number, one in enumerate(results):
        assert all(np.abs(one - two).max() > 1e-4 for two in results[number + 1 :])


def test_little_speech_tells_no_voice(room):
    inpainter = told_inpainter(room)
    short = speech(0, 1.2)
    gap = Gap(0.4, 0.7)
    untold = Inpainter(inpainter.model, refiner=inpainter.refiner).inpaint(short, RATE, [gap])
    assert np.array_equal(inpainter.inpaint(short, RATE, [gap]), untold)


def test_each_channel_has_a_voice_of_its_own(room):
    inpainter = told_inpainter(room)
    both = np.stack([speech(0), speech(1), np.zeros_like(speech(0))], axis=1)
    spans = [(round(GAP.start_s * RATE), round(GAP.end_s * RATE))]
    told = inpainter.prepare_excerpt(both, spans, spans, None).voices
    for channel in range(2):
        alone = inpainter.prepare_excerpt(both[:, [channel]], spans, spans, None).voices
        assert torch.allclose(told[channel], alone[0], atol=1e-6)
    assert (told[0] - told[1]).abs().max() > 1e-3
    assert told[2].isnan().all()  # it is silent


def test_adaptation_is_told_the_voice_of_what_it_learns_from(room, cache, monkeypatch):
    from avsi.config import AdaptConfig
    from avsi.restoring import adapting

    told = []
    monkeypatch.setattr(adapting, "adapt_model", lambda *args: told.append(args[5]) or adapt_model(*args))
    samples = np.concatenate([speech(seed) for seed in range(3)])
    quick = AdaptConfig(steps=1, batch_size=2, min_speech_s=1.0)
    inpainter = told_inpainter(room)
    inpainter.adapt(samples, RATE, [], settings=quick)
    assert told[0].shape == (N_VALUES,) and float(told[0].norm()) == pytest.approx(1, rel=1e-5)
    Inpainter(inpainter.model).adapt(samples, RATE, [], settings=AdaptConfig(steps=2, batch_size=2, min_speech_s=1.0))
    assert told[1] is None
