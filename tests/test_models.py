import json
import math

import numpy as np
import pytest
import torch
from conftest import RATE, small_config, speech

import avsi
from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import Config, NormaliseConfig, StftConfig
from avsi.data.stats import Stats
from avsi.errors import ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import PRETRAINED, find_model, load_model, read_description, save_model
from avsi.training.losses import masked_loss

N_FRAMES = 60


def batch(n_visual: int = 136, size: int = 2):
    make = torch.Generator().manual_seed(0)
    lost = torch.zeros(size, N_FRAMES, dtype=torch.bool)
    lost[:, 20:35] = True
    return torch.randn(size, N_FRAMES, 257, generator=make), torch.randn(size, N_FRAMES, n_visual, generator=make), lost


@pytest.mark.parametrize(
    ("audio", "video", "inputs"), [(True, True, 393), (True, False, 257), (False, True, 136)], ids=["AV", "A", "V"]
)
def test_one_class_makes_the_papers_three_networks(audio, video, inputs):
    config = small_config(model={"audio": audio, "video": video, "hidden": 250, "layers": 3})
    model = BLSTMInpainter(config)
    assert model.blstm.weight_ih_l0.shape == (1000, inputs)
    assert model.blstm.num_layers == 3 and model.blstm.bidirectional
    log_spectrum, visual, lost = batch(136 if video else 0)
    assert model(log_spectrum, visual, lost).shape == (2, N_FRAMES, 257)


def test_what_lies_in_lost_frames_changes_nothing():
    model = BLSTMInpainter(small_config()).eval()
    log_spectrum, visual, lost = batch()
    other = log_spectrum.clone()
    other[lost] = 1e3 * torch.rand(other[lost].shape)
    assert torch.equal(model(log_spectrum, visual, lost), model(other, visual, lost))
    # and the test can fail: a reliable frame does change the output
    other[:, 19] += 1
    assert not torch.equal(model(log_spectrum, visual, lost), model(other, visual, lost))


def test_padding_does_not_change_an_utterance():
    model = BLSTMInpainter(small_config()).eval()
    log_spectrum, visual, lost = batch()
    alone = model(log_spectrum[:1, :45], visual[:1, :45], lost[:1, :45])
    together = model(log_spectrum, visual, lost, torch.tensor([45, N_FRAMES]))
    assert torch.allclose(together[:1, :45], alone, atol=1e-5)


def test_an_unknown_face_counts_as_the_mean_face():
    stats = Stats(*(torch.randn(n).abs().numpy() + 0.5 for n in (257, 257, 136, 136)))
    model = BLSTMInpainter(small_config(), stats).eval()
    log_spectrum, visual, lost = batch()
    unknown = torch.full_like(visual, torch.nan)
    mean = torch.from_numpy(stats.visual_mean).expand_as(visual)
    assert torch.allclose(model(log_spectrum, unknown, lost), model(log_spectrum, mean, lost), atol=1e-5)


def test_restoring_keeps_the_reliable_frames():
    model = BLSTMInpainter(small_config()).eval()
    log_spectrum, visual, lost = batch()
    restored = model.restore_spectrum(log_spectrum, visual[0], lost[0])
    assert torch.equal(restored[:, ~lost[0]], log_spectrum[:, ~lost[0]])
    predicted = model(log_spectrum, visual[:1].expand(2, -1, -1), lost)
    assert torch.allclose(restored[:, lost[0]], predicted[:, lost[0]], atol=1e-5)


def test_the_loss_is_the_mean_over_lost_bins_alone():
    predicted, target = torch.zeros(1, 4, 257), torch.ones(1, 4, 257)
    target[0, 2:] = 3
    lost = torch.tensor([[False, True, True, False]])
    assert masked_loss(predicted, target, lost, "l1").item() == pytest.approx(2.0)
    assert masked_loss(predicted, target, lost, "mse").item() == pytest.approx(5.0)
    with pytest.raises(ValueError, match="no frame is lost"):
        masked_loss(predicted, target, torch.zeros_like(lost), "l1")


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = BLSTMInpainter(small_config())
    save_model(tmp_path / "model", model, {"trained_on": "noise"})
    return model, tmp_path / "model"


def test_an_old_folder_counts_frames_of_its_own_length(saved):
    _, folder = saved
    description = json.loads((folder / "config.json").read_text())
    del description["config"]["normalise"]
    description["config"]["stft"] |= {"hop_samples": 160, "window_samples": 400}
    (folder / "config.json").write_text(json.dumps(description | {"format_version": 1}))
    normalise = load_model(folder).config.normalise
    assert (normalise.loudest_s, normalise.max_pauses_s) == pytest.approx((12 * 0.01, 167 * 0.01))


def test_a_model_trained_with_settings_that_are_refused_now_is_read(saved):
    _, folder = saved
    description = json.loads((folder / "config.json").read_text())
    description["config"]["gaps"]["total_max_ms"] = 500.0  # below the mean of 900
    description["config"]["model"]["mels"] = 9000  # an inpainter had this too, and did nothing with it
    (folder / "config.json").write_text(json.dumps(description))
    assert read_description(folder)["config"]["gaps"]["total_max_ms"] == 500.0
    assert load_model(folder).config.gaps.total_max_ms == 500.0


def test_a_saved_model_predicts_the_same(saved):
    model, folder = saved
    log_spectrum, visual, lost = batch()
    assert torch.equal(load_model(folder)(log_spectrum, visual, lost), model.eval()(log_spectrum, visual, lost))
    assert json.loads((folder / "config.json").read_text())["about"] == {"trained_on": "noise"}


def test_half_precision_halves_the_file_and_keeps_the_statistics(saved, tmp_path):
    model, folder = saved
    model.audio_mean += 0.1234567
    save_model(tmp_path / "half", model, half=True)
    sizes = [(path / "model.safetensors").stat().st_size for path in (tmp_path / "half", folder)]
    assert sizes[0] < 0.55 * sizes[1]
    assert torch.equal(load_model(tmp_path / "half").audio_mean, model.audio_mean)


def test_a_truncated_file_is_refused(saved):
    weights = saved[1] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"model: model\.safetensors is damaged or incomplete"):
        load_model(saved[1])


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        ("model", {"colour": "red"}, "model.colour: no such setting, expected one of kind, layers, "),
        ("model", {"kind": "poet"}, "model.kind: 'poet' is not one of inpainter, recognizer"),
        ("training", {"loss": "l3"}, "training.loss: 'l3' is not one of l1, mse"),
    ],
)
def test_a_setting_that_this_version_does_not_take_is_told_as_that(saved, section, values, reason):
    description = json.loads((saved[1] / "config.json").read_text())
    description["config"][section] |= values
    (saved[1] / "config.json").write_text(json.dumps(description | {"avsi_version": "9.0"}))
    with pytest.raises(ModelError) as error:
        load_model(saved[1])
    told = f"{saved[1] / 'config.json'}: this version refuses a setting or does not know it ({reason}"
    assert str(error.value).startswith(told)
    assert str(error.value).endswith(f"); it was written by avsi 9.0, this is {avsi.__version__}")


def test_another_format_version_is_refused(saved):
    description = json.loads((saved[1] / "config.json").read_text())
    description["format_version"] = 99
    (saved[1] / "config.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match="format version 99, expected 1 to 2; it was written by avsi"):
        load_model(saved[1])


def test_another_feature_size_is_refused(saved):
    description = json.loads((saved[1] / "config.json").read_text())
    description["config"]["visual"]["positions"] = True
    (saved[1] / "config.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match="weights do not fit the config"):
        load_model(saved[1])


def test_a_broken_description_is_refused(saved):
    (saved[1] / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json: cannot be read"):
        load_model(saved[1])


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="neither a folder"):
        load_model(tmp_path / "nothing")


def test_a_path_is_no_pretrained_models_name(tmp_path, monkeypatch):
    """Seen from the folder of the pretrained models it would lead to one of them."""
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    with pytest.raises(ModelError, match="neither a folder with a trained model nor a pretrained one"):
        load_model("../pretrained/a")
    assert find_model("a") == PRETRAINED / "a"


OLD = {"loudest": 12, "pause": 3.0, "pauses": 167, "deepest": 4.5, "silence": 0.1, "share": 0.2}


def normalised_before(model: BLSTMInpainter, log_spectrum: torch.Tensor, lost: torch.Tensor) -> torch.Tensor:
    """A recording of shape (n_frames, 257), with half a second of reliable sound or more, as avsi 0.1 normalised it."""
    floor, level = math.log(1e-6), log_spectrum.mean(dim=1)
    loud = level[~lost].sort(descending=True).values[OLD["loudest"] - 1]
    depth = torch.where(lost, torch.zeros(()), loud - level)
    lifted = log_spectrum + (depth - OLD["deepest"]).clamp_min(0)[:, None]
    heard = ~lost & (log_spectrum > floor + OLD["silence"]).any(dim=1)
    pause = heard & (depth > OLD["pause"])
    weight = heard.double() * torch.where(pause, min(1.0, OLD["pauses"] / int(pause.sum())), 1.0)
    weight = (weight / weight.sum())[:, None]
    mean = (weight * lifted).sum(dim=0)
    std = (weight * (lifted - mean) ** 2).sum(dim=0).sqrt()
    return (lifted - mean) / (std.maximum(OLD["share"] * model.audio_std) * model.audio_std).sqrt()


def recording_with_pauses() -> tuple[torch.Tensor, torch.Tensor]:
    """Log magnitudes of speech between three seconds of digital silence, noise and near silence, and lost frames."""
    noise = np.random.default_rng(0).standard_normal(3 * RATE)
    parts = [speech(0), noise[:RATE] * 0, noise * 1e-3, noise[:RATE] * 3e-5, speech(1)]
    samples = torch.from_numpy(np.concatenate(parts).astype(np.float32))
    log_spectrum = log_magnitude(spectrum(samples, StftConfig()), StftConfig())
    lost = torch.zeros(len(log_spectrum), dtype=torch.bool)
    lost[60:110] = lost[700:720] = True
    return log_spectrum, lost


@pytest.mark.parametrize("name", ["a", "av"])
def test_the_models_that_are_shipped_normalise_as_they_always_did(name):
    model = load_model(name)
    log_spectrum, lost = recording_with_pauses()
    expected = normalised_before(model, log_spectrum.double(), lost)
    found = model.normalise(log_spectrum[None], lost[None])[0][0]
    np.testing.assert_allclose(found[~lost].numpy(), expected[~lost].numpy(), rtol=1e-4, atol=1e-3)


def heard_by(model: BLSTMInpainter) -> torch.Tensor:
    log_spectrum, lost = recording_with_pauses()
    return model.restore_spectrum(log_spectrum[None], torch.zeros(len(lost), len(model.visual_mean)), lost)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("min_reliable_s", 20.0),
        ("silence_nats", 9.0),
        ("loudest_s", 1.0),
        ("pause_nats", 2.0),
        ("max_pauses_s", 0.5),
        ("deepest_nats", 3.5),
        ("min_deviation", 3.0),
    ],
)
def test_what_a_recording_is_normalised_by_is_kept_with_the_model(tmp_path, setting, value):
    torch.manual_seed(0)
    model = BLSTMInpainter(small_config(model={"normalise": "utterance", "video": False})).eval()
    before = heard_by(model)
    setattr(model.config.normalise, setting, value)
    save_model(tmp_path / "model", model)
    assert json.loads((tmp_path / "model" / "config.json").read_text())["format_version"] == 2
    loaded = load_model(tmp_path / "model")
    assert getattr(loaded.config.normalise, setting) == value
    assert torch.equal(heard_by(loaded), heard_by(model))
    assert not torch.allclose(heard_by(loaded), before, atol=1e-3)


@pytest.mark.slow
def test_an_old_folder_sounds_the_same_whatever_the_defaults_become(monkeypatch, tmp_path):
    before = heard_by(load_model("a"))
    monkeypatch.setattr(NormaliseConfig.__init__, "__defaults__", (0.1, 1.0, 1.0, 1.0, 0.5, 2.0, 1.0))
    assert Config().normalise.deepest_nats == 2.0
    old = load_model("a")
    assert torch.equal(heard_by(old), before)
    save_model(tmp_path / "again", old)  # which writes down what the old folder left unsaid
    assert torch.equal(heard_by(load_model(tmp_path / "again")), before)


def test_an_old_folder_with_a_broken_spectrogram_is_one_line(saved):
    _, folder = saved
    description = json.loads((folder / "config.json").read_text())
    description["config"]["stft"] = 5
    (folder / "config.json").write_text(json.dumps(description | {"format_version": 1}))
    with pytest.raises(ModelError, match="stft: expected settings"):
        load_model(folder)


def test_the_part_of_a_model_that_needs_no_face_predicts_what_it_predicts_of_a_hidden_one(tmp_path):
    torch.manual_seed(0)
    model = BLSTMInpainter(small_config(model={"mask": True, "gate": True})).eval()
    model.visual_mean.fill_(0.3)
    part = model.without_face()
    log_spectrum, lost = torch.randn(1, 60, 257), torch.zeros(60, dtype=torch.bool)
    lost[20:40] = True
    hidden = model.restore_spectrum(log_spectrum, torch.full((60, 136), torch.nan), lost)
    assert torch.allclose(part.restore_spectrum(log_spectrum, torch.zeros(60, 0), lost), hidden, atol=1e-5)
    seen = model.restore_spectrum(log_spectrum, torch.ones(60, 136), lost)
    assert not torch.allclose(seen, hidden, atol=1e-3)  # the test can fail
    save_model(tmp_path / "part", part, {})
    assert not load_model(tmp_path / "part", "inpainter").config.model.video


@pytest.mark.parametrize("senses", [{"video": False}, {"audio": False}])
def test_only_a_model_of_sound_and_face_has_a_part_that_needs_no_face(senses):
    with pytest.raises(ModelError, match="only a model of sound and face"):
        BLSTMInpainter(small_config(model=senses)).without_face()


def test_a_gate_mixes_in_bf16():
    model = BLSTMInpainter(small_config(model={"mask": True, "gate": True}))
    normalised, _, lost = batch()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.decode(torch.ones(2, N_FRAMES, 48), normalised, lost)
    whole = model.decode(torch.ones(2, N_FRAMES, 48), normalised, lost)
    assert mixed.dtype == torch.bfloat16 and torch.allclose(mixed.float(), whole, atol=0.05)
