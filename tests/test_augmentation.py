"""What is varied in training, on values."""

import math
import warnings

import numpy as np
import pytest
import torch
from conftest import corpus_config

from avsi.config import AugmentConfig, StftConfig
from avsi.data.features import Features
from avsi.rng import generator
from avsi.training.augmentation import (
    add_noise_floor,
    apply_variation,
    augment,
    change_contrast,
    change_face,
    change_tempo,
    draw_variation,
    shift,
)
from avsi.training.dataset import InpaintingData

STFT = StftConfig()
EVERYTHING = AugmentConfig(
    tempo=0.12,
    noise=0.5,
    noise_min_db=-80,
    noise_max_db=-45,
    face_gain=0.25,
    face_lag_ms=30,
    face_noise=0.1,
    face_hidden=0.3,
)


def features(n_visual: int = 4) -> Features:
    frames = torch.arange(40.0)[:, None]
    spectrum = torch.sin(frames + torch.arange(257) / 50) * 3 - 5
    return Features(spectrum, torch.cos(frames / 3 + torch.arange(n_visual)), (1, 2))


def drawn(epoch: int, config: AugmentConfig = EVERYTHING, seed: int = 0):
    return generator(seed, epoch, "augment", "s01_a")


def same(one: Features, two: Features) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one[:2], two[:2], strict=True))


def test_contrast_moves_each_bin_away_from_its_mean_and_not_below_the_floor():
    spectrum = torch.tensor([[-1.0, -9.0], [-3.0, -13.0]])
    assert torch.allclose(change_contrast(spectrum, 1.5, STFT), torch.tensor([[-0.5, -8.0], [-3.5, math.log(1e-6)]]))
    assert torch.allclose(change_contrast(spectrum, 1.0, STFT), spectrum)
    config = AugmentConfig(contrast=0.2)
    factors = [draw_variation(config, generator(0, number)).contrast for number in range(200)]
    assert math.exp(-0.2) <= min(factors) < 0.85 and 1.18 < max(factors) <= math.exp(0.2)


def test_a_faster_utterance_holds_its_end():
    assert change_tempo(torch.arange(8), 1.5, 0.0).tolist() == [0, 2, 3, 4, 6, 7, 7, 7]
    assert change_tempo(torch.arange(8), 1.5, 0.9).tolist() == [0, 2, 3, 4, 6, 7, 7, 7]


def test_a_slower_utterance_loses_its_beginning_and_its_end():
    frames = torch.arange(8)
    assert change_tempo(frames, 0.5, 0.0).tolist() == [0, 0, 1, 2, 2, 2, 3, 4]  # halves to the even frame
    assert change_tempo(frames, 0.5, 1.0).tolist() == [4, 4, 5, 6, 6, 6, 7, 7]
    assert change_tempo(frames, 1.0, 0.5).tolist() == frames.tolist()


def test_frames_move_later_or_earlier_and_the_edge_is_held():
    frames = torch.arange(5)
    assert shift(frames, 2).tolist() == [0, 0, 0, 1, 2]
    assert shift(frames, -2).tolist() == [2, 3, 4, 4, 4]
    assert shift(frames, 0).tolist() == frames.tolist()


@pytest.mark.parametrize("level_db", [-45.0, -80.0])
def test_the_noise_floor_has_its_mean_power_and_adds_to_the_sound(level_db):
    silent = torch.full((300, 257), math.log(STFT.log_floor))
    silent[0, 0] = 2.0  # the loudest bin
    noisy = add_noise_floor(silent, level_db, STFT, np.random.default_rng(0))
    power = torch.exp(2 * noisy)[1:]
    expected = math.exp(4.0) * 10 ** (level_db / 10)
    assert power.mean().item() == pytest.approx(expected, rel=0.02)
    assert power.std().item() == pytest.approx(expected, rel=0.05)  # as exponentially distributed powers have it
    assert noisy[0, 0].item() == pytest.approx(2.0, abs=1e-3)
    assert (noisy >= silent).all()


def test_each_feature_of_the_face_has_a_gain_of_its_own():
    visual = features(500).visual
    gains = change_face(visual, AugmentConfig(face_gain=0.25), np.random.default_rng(0)) / visual
    assert gains.std(dim=0).max() < 1e-4
    logs = gains[0].log()
    assert logs.mean().item() == pytest.approx(0, abs=0.03) and logs.std().item() == pytest.approx(0.25, rel=0.1)


def test_the_faces_noise_is_a_share_of_each_features_deviation():
    visual = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10.0, 0.0])
    visual[:50] = math.nan
    noise = change_face(visual, AugmentConfig(face_noise=0.1), np.random.default_rng(0)) - visual
    assert noise[:50].isnan().all()
    assert noise[50:].std(dim=0).numpy() == pytest.approx([0.1, 1.0, 0.0], rel=0.05)


def test_a_face_that_is_never_seen_stays_unknown_without_a_warning():
    unknown = torch.full((40, 4), math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        varied = augment(features()._replace(visual=unknown), EVERYTHING, STFT, drawn(0))
    assert varied.visual.isnan().all() and not varied.log_spectrum.isnan().any()


def test_a_lag_is_rounded_to_frames():
    config = AugmentConfig(face_lag_ms=48)  # 12 ms a frame
    for epoch in range(10):
        variation = draw_variation(config, drawn(epoch))
        assert abs(variation.face_lag_ms) <= 48
        varied = apply_variation(features(), variation, config, STFT)
        assert torch.equal(varied.visual, shift(features().visual, round(variation.face_lag_ms / 12)))


def test_nothing_set_changes_no_bit():
    assert same(augment(features(), AugmentConfig(), STFT, drawn(0)), features())


def test_shapes_and_labels_stay_and_a_sound_alone_will_do():
    for n_visual in (0, 4):
        varied = augment(features(n_visual), EVERYTHING, STFT, drawn(0))
        assert [part.shape for part in varied[:2]] == [(40, 257), (40, n_visual)]
        assert [part.dtype for part in varied[:2]] == [torch.float32, torch.float32]
        assert varied.labels == (1, 2)


# (three bins of the sound, three features of the face) by epoch: what models have been trained on.
PINNED = {
    0: ([-4.9998288, -3.7394562, -4.5880880], [0.6168584, -0.4915680, -0.8089517]),
    1: ([-2.4755747, -6.6049685, -4.5880756], [0.4614109, -0.4397361, -0.7547925]),
    2: ([-5.0, -3.7394989, -4.5881991], [1.2237915, -0.8340197, -0.7689208]),
    3: ([-4.5766401, -2.0281777, -4.5881991], [0.6954688, -0.4833433, -0.8094455]),
    4: ([-4.9998436, -3.7394536, -4.5880699], [math.nan, math.nan, math.nan]),
    7: ([-2.2720981, -3.7394552, -7.8692603], [0.3073498, -0.5776884, -1.0741264]),
}


@pytest.mark.parametrize("epoch", PINNED)
def test_what_a_seed_draws_stays_the_same_over_releases(epoch):
    varied = augment(features(), EVERYTHING, STFT, drawn(epoch))
    heard, seen = PINNED[epoch]
    found = [varied.log_spectrum[place].item() for place in ((0, 0), (10, 100), (39, 256))]
    assert found == pytest.approx(heard, rel=1e-5)
    found = [varied.visual[place].item() for place in ((0, 0), (20, 1), (39, 3))]
    assert found == pytest.approx(seen, rel=1e-5, nan_ok=True)


def test_a_variation_applied_again_is_the_same():
    variation = draw_variation(EVERYTHING, drawn(0))
    once, twice = (apply_variation(features(), variation, EVERYTHING, STFT) for _ in range(2))
    assert same(once, twice) and same(once, augment(features(), EVERYTHING, STFT, drawn(0)))


def test_one_setting_does_not_change_what_is_drawn_for_the_others():
    every, less = (draw_variation(config, drawn(2)) for config in (EVERYTHING, AugmentConfig(face_lag_ms=30)))
    assert every.face_lag_ms == less.face_lag_ms and every.speed != 1 == less.speed


LOST = torch.arange(40) >= 25


def test_contrast_is_about_the_mean_of_the_reliable_frames():
    spectrum = torch.tensor([[-1.0, -9.0], [-3.0, -13.0], [50.0, 50.0]])
    lost = torch.tensor([False, False, True])
    changed = change_contrast(spectrum, 1.5, STFT, lost)
    assert torch.allclose(changed[:2], torch.tensor([[-0.5, -8.0], [-3.5, math.log(1e-6)]]))
    nothing_left = change_contrast(spectrum, 1.5, STFT, torch.ones(3, dtype=torch.bool))
    assert torch.isfinite(nothing_left).all()


def test_the_noise_floor_is_relative_to_the_loudest_reliable_bin():
    spectrum = torch.full((300, 257), math.log(STFT.log_floor))
    spectrum[0, 0], spectrum[299] = 2.0, 5.0
    lost = torch.arange(300) >= 298
    noisy = add_noise_floor(spectrum, -45.0, STFT, np.random.default_rng(0), lost)
    power = torch.exp(2 * noisy)[1:298]
    assert power.mean().item() == pytest.approx(math.exp(4.0) * 10**-4.5, rel=0.02)
    all_lost = add_noise_floor(spectrum, -45.0, STFT, np.random.default_rng(0), torch.ones(300, dtype=torch.bool))
    assert torch.isfinite(all_lost).all()


def test_what_is_said_in_lost_frames_changes_nothing_of_the_reliable_ones():
    config = AugmentConfig(contrast=0.3, noise=1.0)
    other = features()
    other.log_spectrum[LOST] = 10 * torch.rand(int(LOST.sum()), 257)
    assert not torch.equal(other.log_spectrum, features().log_spectrum)
    one, two = (augment(each, config, STFT, drawn(0), LOST).log_spectrum for each in (features(), other))
    assert torch.equal(one[~LOST], two[~LOST])
    assert not torch.equal(one[~LOST], features().log_spectrum[~LOST])
    assert not torch.equal(one[~LOST], augment(features(), config, STFT, drawn(0)).log_spectrum[~LOST])


def test_training_sets_are_varied_by_their_reliable_frames(corpus):
    """Even at another speed: the frames that are lost are those of the utterance as it is then."""
    config = corpus_config(corpus, augment={"contrast": 0.3, "noise": 1.0, "tempo": 0.1}, model={"video": False})
    data, plain = (InpaintingData(corpus / "train", config, augmented=flag) for flag in (True, False))
    for index in range(3):
        id_, found, lost = data[index]
        rng = generator(config.training.seed, 0, "augment", id_)
        variation = draw_variation(config.augment, rng)
        spectrum = change_tempo(plain[index][1].log_spectrum, variation.speed, variation.start)
        mean = spectrum[~lost].mean(dim=0)
        spectrum = (mean + variation.contrast * (spectrum - mean)).clamp_min(math.log(1e-6))
        noise = np.random.default_rng(variation.noise_seed).standard_exponential(spectrum.shape, dtype=np.float32)
        peak = torch.exp(2 * spectrum[~lost]).max() * 10 ** (variation.noise_db / 10)
        expected = torch.log((torch.exp(2 * spectrum) + torch.from_numpy(noise) * peak).sqrt() + 1e-6)
        assert torch.allclose(found.log_spectrum, expected, atol=1e-4)


def test_shares_are_those_of_the_config():
    variations = [draw_variation(EVERYTHING, drawn(epoch)) for epoch in range(1000)]
    assert np.mean([v.noise_db is not None for v in variations]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([v.face_hidden for v in variations]) == pytest.approx(0.3, abs=0.05)
    assert all(0.88 <= v.speed <= 1.12 for v in variations)
    levels = [v.noise_db for v in variations if v.noise_db is not None]
    assert -80 <= min(levels) < -75 and -50 < max(levels) <= -45


def test_training_sets_are_varied_each_epoch_and_others_never(corpus):
    config = corpus_config(corpus, augment={"tempo": 0.1, "face_noise": 0.1})
    varied, plain = (InpaintingData(corpus / "train", config, augmented=flag) for flag in (True, False))
    first = varied[0][1]
    assert not same(first, plain[0][1])
    assert same(first, InpaintingData(corpus / "train", config, augmented=True)[0][1])
    varied.epoch = plain.epoch = 1
    assert not same(first, varied[0][1])
    assert same(plain[0][1], InpaintingData(corpus / "train", config)[0][1])  # what is cached is not varied
