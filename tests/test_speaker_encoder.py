"""The speaker encoder: what does not matter to it, what it learns from, and how well it tells made voices apart."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import small_config
from voices import encoder_config, make_speakers, save_encoder

from avsi.audio.mel import log_mel, mel_filters, sped_up
from avsi.config import StftConfig
from avsi.config_checks import check_config
from avsi.config_files import load_config
from avsi.data.features import Features
from avsi.errors import ConfigError, DataError, ModelError
from avsi.metrics import UndefinedMetric
from avsi.metrics.equal_errors import Trials
from avsi.models.card import read_card, update_card
from avsi.models.speaker_encoder import SpeakerEncoder
from avsi.models.store import load_model, read_train_ids, save_model, start_from
from avsi.rng import generator
from avsi.training.augmentation import apply_variation, change_filter, draw_variation
from avsi.training.dataset import collate
from avsi.training.run import train
from avsi.training.speakers import SpeakerData, errors_of, ge2e_loss

STFT = StftConfig()


@pytest.fixture(scope="module")
def voices(tmp_path_factory) -> Path:
    """train and valid with five speakers of three utterances each, the valid ones between the others."""
    from conftest import run_app

    from data_prep import stats

    folder = tmp_path_factory.mktemp("voices")
    make_speakers(folder / "train", (0, 2, 4, 6, 8), 3)
    make_speakers(folder / "valid", (1, 4, 7), 2)
    run_app(stats.app, folder / "train")
    return folder


def config_on(voices: Path, **sections: dict):
    config = encoder_config(**sections)
    config.data.train, config.data.valid = str(voices / "train"), str(voices / "valid")
    config.data.stats = str(voices / "train" / "stats.npz")
    return config


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    torch.manual_seed(0)
    return SpeakerEncoder(encoder_config()).eval()


def spectrum_of(n_frames: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(-3, 2, (n_frames, 257)).astype(np.float32))


def test_a_voice_is_of_length_1_and_neither_level_nor_filter_matters(encoder):
    spectrum = spectrum_of(150)
    vector = encoder.embed(spectrum)
    assert vector.shape == (16,) and float(vector.norm()) == pytest.approx(1, abs=1e-5)
    louder = encoder.embed(spectrum + math.log(10**1.5))  # 30 dB
    torch.testing.assert_close(louder, vector, atol=1e-4, rtol=0)
    tilted = encoder.embed(spectrum + torch.linspace(-0.7, 0.7, 257))  # 12 dB over all bins
    assert float(tilted @ vector) > 0.995
    assert float(encoder.embed(spectrum_of(150, 1)[:, :1].expand(150, 257)) @ vector) < 0.99


def test_only_used_frames_are_heard_and_windows_overlap_by_half(encoder):
    spectrum, use = spectrum_of(200), torch.arange(200) % 3 > 0
    other = spectrum.masked_fill(~use[:, None], 5.0)
    torch.testing.assert_close(encoder.embed(other, use), encoder.embed(spectrum[use]))
    length = encoder.window_frames
    assert length == 67  # 0.8 s
    heard: list[torch.Size] = []
    hook = encoder.first.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0].shape))
    for n_frames in (30, 67, 68, 134, 500):
        encoder.embed(spectrum_of(n_frames))
    hook.remove()
    mels = encoder.config.model.mels
    assert heard == [(1, mels, 30), (1, mels, 67), (2, mels, 67), (4, mels, 67), (15, mels, 67)]
    with pytest.raises(DataError, match="no frame to use"):
        encoder.embed(spectrum, torch.zeros(200, dtype=torch.bool))


def test_the_loss_is_that_of_the_paper():
    """Two speakers with two vectors each, at these angles, against the equations spelt out."""
    angles = torch.tensor([0.0, 0.4, 1.2, 2.0])
    vectors = torch.stack([angles.cos(), angles.sin()], dim=1)
    centroids = {(0, 0): 0.4, (1, 0): 0.0, (2, 1): 2.0, (3, 1): 1.2}  # without the vector itself
    centroids |= {(0, 1): 1.6, (1, 1): 1.6, (2, 0): 0.2, (3, 0): 0.2}
    likelihoods = []
    for number, speaker in enumerate((0, 0, 1, 1)):
        scores = [10 * math.cos(float(angles[number]) - centroids[number, which]) for which in (0, 1)]
        likelihoods.append(scores[speaker] - math.log(sum(map(math.exp, scores))))
    loss = ge2e_loss(vectors, ["a", "a", "b", "b"], torch.tensor(10.0))
    assert float(loss) == pytest.approx(-np.mean(likelihoods), rel=1e-5)
    mixed = ge2e_loss(vectors[[2, 0, 3, 1]], ["b", "a", "b", "a"], torch.tensor(10.0))
    assert float(mixed) == pytest.approx(float(loss), rel=1e-5)


def test_equal_errors():
    scores = np.array([0.9, 0.8, 0.4, 0.2, 0.5, 0.3, 0.1, 0.0, -0.5, -0.6])
    alike = np.array([True] * 4 + [False] * 6)
    errors = Trials(scores, alike).equal_errors()
    assert errors.rate == pytest.approx((1 / 4 + 1 / 6) / 2) and errors.threshold == 0.4
    weights = np.where(scores == 0.5, 0.0, 1.0)  # without the worst of the unlike pairs
    assert Trials(scores, alike).equal_errors(weights).rate == pytest.approx((1 / 4 + 1 / 5) / 2)
    assert Trials(np.array([0.5, 0.5]), np.array([True, False])).equal_errors().rate == 0.5
    assert Trials(np.array([0.7, 0.5]), np.array([True, False])).equal_errors() == (0.0, 0.7)
    with pytest.raises(UndefinedMetric):
        Trials(scores, scores > -1).equal_errors()
    torch.testing.assert_close(errors_of(torch.eye(3)[[0, 0, 1, 1]], ["a", "a", "b", "b"]), 0.0)


def test_what_is_played_faster_is_higher_and_shorter():
    filters = torch.from_numpy(mel_filters(56, STFT)).float().T
    frames = torch.full((50, 257), -9.0)
    frames[:, 64] = 0.0  # 2000 Hz
    bands = log_mel(frames, filters, STFT)
    faster = sped_up(bands, 1.25, STFT)
    assert faster.shape == (40, 56) and sped_up(bands, 0.8, STFT).shape == (62, 56)
    frames[:, 64], frames[:, 80] = -9.0, 0.0  # 2500 Hz
    assert abs(int(faster[0].argmax()) - int(log_mel(frames, filters, STFT)[0].argmax())) <= 1
    torch.testing.assert_close(sped_up(bands, 1.0, STFT), bands)


def test_a_filter_is_the_same_in_all_frames_smooth_and_as_strong_as_asked():
    frames = torch.zeros(3, 257)
    gains = torch.stack([change_filter(frames, 0.5, STFT, generator(0, n))[0] for n in range(200)])
    assert float(gains.std()) == pytest.approx(0.5, rel=0.1)
    assert float(gains.diff(dim=1).abs().max()) < 0.1
    one = change_filter(frames, 0.5, STFT, generator(0, "x"))
    assert torch.equal(one[0], one[2])
    settings = load_config(overrides=["augment.filter_nats=0.5"]).augment
    varied = apply_variation(
        Features(frames, frames[:, :0]), draw_variation(settings, generator(0, "x")), settings, STFT
    ).log_spectrum
    assert not torch.equal(varied, frames) and torch.equal(varied[0], varied[2])


def test_batches_are_of_different_speakers_with_windows_of_several_utterances(voices):
    config = config_on(voices, training={"epoch_utterances": 40})
    config.training.batch_size, config.training.speaker_windows = 6, 3
    data = SpeakerData(voices / "train", config, augmented=True)
    order = data.order(generator(0, 0, "order"), 6)
    assert len(order) == 36  # whole batches
    assert order == data.order(generator(0, 0, "order"), 6) and order != data.order(generator(0, 1, "order"), 6)
    for start in range(0, 36, 6):
        batch = [data.utterances[index] for index, _ in order[start : start + 6]]
        speakers = [utterance.speaker for utterance in batch]
        assert len(set(speakers)) == 2 and speakers == [speakers[0]] * 3 + [speakers[3]] * 3
        assert len({utterance.id for utterance in batch}) == 6
    assert len(set(order)) == 36  # each window is drawn by itself
    assert order[:3] == [(3, 0), (5, 1), (4, 2)]


def test_windows_are_drawn_by_seed_epoch_and_place_and_a_speaker_keeps_its_speed_in_a_batch(voices):
    config = config_on(voices, augment={"speaker_speed": 0.2}, model={"window_s": 0.5})
    data = SpeakerData(voices / "train", config, augmented=True)
    id_, features, lost = data[4, 0]
    assert (id_, features.log_spectrum.shape, lost.shape) == ("p2_1", (42, 56), (42,))
    again = SpeakerData(voices / "train", config, augmented=True)
    torch.testing.assert_close(again[4, 0][1].log_spectrum, features.log_spectrum)
    assert not torch.equal(data[4, 1][1].log_spectrum, features.log_spectrum)
    data.epoch = 1
    assert not torch.equal(data[4, 0][1].log_spectrum, features.log_spectrum)
    speeds = [data._speed(data.utterances[4], group) for group in range(50)]
    assert 15 < speeds.count(1) < 35 and all(0.8 <= speed <= 1.2 for speed in speeds)
    assert data._speed(data.utterances[3], 7) == data._speed(data.utterances[4], 7)  # the same speaker


def test_the_windows_of_validation_stay_the_same_and_are_one_batch(voices):
    config = config_on(voices)
    config.training.speaker_windows = 4
    config.training.batch_size = 8
    data = SpeakerData(voices / "valid", config)
    assert len(data) == data.batch_size == 12
    batch = collate([data[place] for place in range(12)])
    assert batch.ids[:4] == ["p1_0", "p1_1", "p1_0", "p1_1"] and batch.log_spectrum.shape == (12, 67, 56)
    assert not torch.equal(batch.log_spectrum[0], batch.log_spectrum[2])  # the beginning and the end
    config.model.window_s = 5.0  # longer than an utterance: repeated
    assert SpeakerData(voices / "valid", config)[0][1].log_spectrum.shape == (417, 56)


def test_training_tells_speakers_apart_and_goes_on_where_it_stopped(voices, tmp_path):
    settings = {"max_epochs": 2, "learning_rate": 1e-2, "epoch_utterances": 120}
    config = config_on(voices, training=settings, augment={"speaker_speed": 0.1, "noise": 0.5, "filter_nats": 0.3})
    train(config, tmp_path / "whole", progress=False)
    config.training.max_epochs = 1
    train(config, tmp_path / "parts", progress=False)
    config.training.max_epochs = 2
    lowest = train(config, tmp_path / "parts", progress=False)
    whole, parts = (load_model(tmp_path / name, "speaker_encoder") for name in ("whole", "parts"))
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True))
    assert lowest < 0.5  # of three speakers; ln 3 is 1.1
    assert read_train_ids(tmp_path / "whole") == {f"p{speaker}_{n}" for speaker in (0, 2, 4, 6, 8) for n in range(3)}
    with pytest.raises(ModelError, match="holds a model of the kind speaker_encoder, expected aligner"):
        load_model(tmp_path / "whole", "aligner")


def test_a_threshold_is_no_matter_of_training_and_a_shipped_encoder_is_small(tmp_path):
    save_encoder(tmp_path / "one", model={"threshold": 0.7})
    model = SpeakerEncoder(encoder_config())
    start_from(model, tmp_path / "one")
    assert load_model(tmp_path / "one").config.model.threshold == 0.7
    usual = load_config(["recipes/speech/conf/speaker_encoder.yaml"])
    save_model(tmp_path / "usual", SpeakerEncoder(usual), half=True)
    assert (tmp_path / "usual" / "model.safetensors").stat().st_size < 3e6


def test_settings_that_do_not_fit():
    config = encoder_config()
    config.training.batch_size = 7
    with pytest.raises(ConfigError, match=r"training\.batch_size: 7 must be the windows of two or more speakers"):
        check_config(config)
    config.training.batch_size = 2  # of one speaker
    with pytest.raises(ConfigError, match="two or more speakers"):
        check_config(config)
    with pytest.raises(ConfigError, match=r"model\.kind inpainter: takes augment\.speaker_speed 0"):
        check_config(small_config(augment={"speaker_speed": 0.1}))


def test_too_few_speakers_to_be_told_apart(voices):
    config = config_on(voices)
    config.training.batch_size = 12
    with pytest.raises(DataError, match="has 5 speakers, expected 6 or more"):
        SpeakerData(voices / "train", config, augmented=True)


def test_its_card_tells_what_it_is(tmp_path):
    folder = save_encoder(tmp_path / "whose")
    update_card(folder)
    card = read_card(folder)
    assert "2 dilated convolutions of 24 channels, windows of 0.8 s of 56 log-mel bands, 16 values" in card
    assert "avsi voice one.wav" in card and "the mean of each band is taken away" in card
    assert "Gaps in training" not in card
