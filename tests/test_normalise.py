"""Inpainters that are normalised by the recording itself, and the input that says which frames are lost."""

import math

import numpy as np
import pytest
import torch
from conftest import RATE, small_config, speech

from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.stats import Stats
from avsi.models.inpainter import BLSTMInpainter

N_FRAMES, LOUDER = 120, math.log(10 ** (12 / 20))


def model(n_visual: int = 136, **settings) -> BLSTMInpainter:
    rng = np.random.default_rng(0)
    sizes = (257, 257, n_visual, n_visual)
    means_and_stds = [rng.standard_normal(n) if i % 2 == 0 else 0.5 + rng.random(n) for i, n in enumerate(sizes)]
    torch.manual_seed(0)
    config = small_config(model={"normalise": "utterance", **settings})
    return BLSTMInpainter(config, Stats(*(part.astype(np.float32) for part in means_and_stds))).eval()


def batch(n_frames: int = N_FRAMES, size: int = 2):
    make = torch.Generator().manual_seed(0)
    lost = torch.zeros(size, n_frames, dtype=torch.bool)
    lost[0, 40:70] = lost[1, 10:50] = True
    offset = torch.linspace(-6, 2, 257)
    return (
        torch.randn(size, n_frames, 257, generator=make) * 2 + offset,
        torch.randn(size, n_frames, 136, generator=make),
        lost,
    )


def test_mean_and_deviation_are_those_of_the_reliable_frames():
    inpainter = model()
    log_spectrum, _, lost = batch()
    _, mean, std = inpainter.normalise(log_spectrum, lost)
    assert mean.shape == std.shape == (2, 1, 257)
    for row in range(2):
        heard = log_spectrum[row][~lost[row]]
        own = heard.std(dim=0, correction=0)
        assert torch.allclose(mean[row, 0], heard.mean(dim=0), atol=1e-5)
        assert torch.allclose(std[row, 0], (own * inpainter.audio_std).sqrt(), rtol=1e-4)


def test_without_the_setting_they_are_the_training_sets():
    inpainter = model(normalise="corpus")
    _, mean, std = inpainter.normalise(*batch()[::2])
    assert mean is inpainter.audio_mean and std is inpainter.audio_std


def test_a_louder_or_filtered_recording_gives_predictions_that_are_so_too():
    inpainter = model()
    log_spectrum, visual, lost = batch()
    colour = LOUDER + torch.linspace(-1, 1, 257)
    with torch.inference_mode():
        plain, other = (inpainter(spectra, visual, lost) for spectra in (log_spectrum, log_spectrum + colour))
    assert torch.allclose(other, plain + colour, atol=1e-4)
    with torch.inference_mode():
        plain, other = (model(normalise="corpus")(x, visual, lost) for x in (log_spectrum, log_spectrum + colour))
    assert not torch.allclose(other, plain + colour, atol=0.1)  # the test can fail


def test_real_samples_12_db_louder_are_restored_12_db_louder():
    inpainter = model(video=False)
    samples = torch.from_numpy(speech(0))
    stft = inpainter.config.stft
    spectra = [log_magnitude(spectrum(gain * samples, stft), stft)[None] for gain in (1.0, 10 ** (12 / 20))]
    lost = torch.zeros(1, spectra[0].shape[1], dtype=torch.bool)
    lost[:, 100:140] = True
    assert len(samples) / RATE > 2
    one, two = (inpainter.restore_spectrum(x, torch.zeros(x.shape[1], 0), lost[0]) for x in spectra)
    assert (two - one)[lost].numpy() == pytest.approx(LOUDER, abs=0.02)


def test_what_lies_in_lost_frames_changes_nothing():
    inpainter = model(mask=True)
    log_spectrum, visual, lost = batch()
    other = log_spectrum.clone()
    other[lost] = 1e3 * torch.rand(other[lost].shape)
    with torch.inference_mode():
        assert torch.equal(inpainter(log_spectrum, visual, lost), inpainter(other, visual, lost))
        other[:, 0] += 1
        assert not torch.equal(inpainter(log_spectrum, visual, lost), inpainter(other, visual, lost))


def test_padding_changes_nothing():
    inpainter = model(mask=True)
    log_spectrum, visual, lost = batch()
    lengths = torch.tensor([100, N_FRAMES])
    padded = log_spectrum.clone()
    padded[0, 100:] = 1e3
    with torch.inference_mode():
        alone = inpainter(log_spectrum[:1, :100], visual[:1, :100], lost[:1, :100])
        together = inpainter(padded, visual, lost, lengths)
    assert torch.allclose(together[:1, :100], alone, atol=1e-4)


def test_digital_silence_far_from_a_gap_does_not_move_what_is_restored():
    inpainter = model(video=False)
    samples = np.concatenate([speech(0), speech(1)])
    stft = inpainter.config.stft
    lost = torch.zeros(1, -(-len(samples) // stft.hop_samples), dtype=torch.bool)
    lost[:, 300:340] = True
    muted = samples.copy()
    muted[:RATE] = 0  # as an edit leaves it
    spectra = [log_magnitude(spectrum(torch.from_numpy(part), stft), stft)[None] for part in (samples, muted)]
    one, two = (inpainter.restore_spectrum(x, torch.zeros(x.shape[1], 0), lost[0])[lost] for x in spectra)
    assert 20 / math.log(10) * (two - one).mean().abs() < 1.5  # dB; 19 dB where silence counts as sound
    silent = torch.full((1, N_FRAMES, 257), math.log(1e-6))
    _, mean, std = inpainter.normalise(silent, torch.zeros(1, N_FRAMES, dtype=torch.bool))
    assert torch.equal(mean[0, 0], inpainter.audio_mean) and torch.equal(std[0, 0], inpainter.audio_std)


def test_more_than_two_seconds_of_pauses_and_deeper_ones_than_39_db_move_nothing():
    inpainter, stft = model(video=False), small_config().stft
    samples = np.concatenate([speech(0), speech(1)])

    def mean(seconds: float, level_db: float) -> float:
        noise = np.random.default_rng(0).standard_normal(round(seconds * RATE)) * 10 ** (level_db / 20)
        recording = torch.from_numpy(np.concatenate([noise, samples]).astype(np.float32))
        spectra = log_magnitude(spectrum(recording, stft), stft)[None]
        return inpainter.normalise(spectra, torch.zeros(spectra.shape[:2], dtype=torch.bool))[1].mean().item()

    without, two, long, deep = mean(0, -75), mean(2, -75), mean(15, -75), mean(2, -95)
    assert without - two > 0.3  # nats: pauses do count
    assert long == pytest.approx(two, abs=0.2) and deep == pytest.approx(two, abs=0.2)


def test_too_little_reliable_sound_falls_back_on_the_training_set_but_for_the_level():
    inpainter = model()
    log_spectrum, _, _ = batch()
    enough = math.ceil(0.5 * RATE / 192)  # half a second
    lost = torch.ones(2, N_FRAMES, dtype=torch.bool)
    lost[0, : enough - 1] = lost[1, :enough] = False
    _, mean, std = inpainter.normalise(log_spectrum, lost)
    level = (log_spectrum[0, : enough - 1].mean(dim=0) - inpainter.audio_mean).mean()
    assert torch.allclose(mean[0, 0], inpainter.audio_mean + level, atol=1e-5)
    assert torch.equal(std[0, 0], inpainter.audio_std)
    assert torch.allclose(mean[1, 0], log_spectrum[1, :enough].mean(dim=0), atol=1e-5)
    nothing = inpainter.normalise(log_spectrum, torch.ones_like(lost))
    assert all(torch.isfinite(part).all() for part in nothing)


def test_a_recording_without_change_is_not_blown_up():
    inpainter = model()
    steady = torch.full((1, N_FRAMES, 257), -9.0)
    _, mean, std = inpainter.normalise(steady, torch.zeros(1, N_FRAMES, dtype=torch.bool))
    assert mean.numpy() == pytest.approx(-9.0, rel=1e-5)
    assert torch.allclose(std[0, 0], inpainter.audio_std * 0.2**0.5, rtol=1e-5)


@pytest.mark.parametrize("mask", [False, True])
def test_the_mask_is_one_more_input(mask):
    inpainter = model(mask=mask, audio=False)
    assert inpainter.blstm.weight_ih_l0.shape[1] == 136 + mask
    log_spectrum, visual, lost = batch()
    with torch.inference_mode():
        one, two = (inpainter.encode(log_spectrum, visual, where) for where in (lost, ~lost))
    assert torch.equal(one, two) is not mask  # without sound, the mask alone says what is lost


def test_less_than_two_seconds_of_pauses_count_frame_by_frame():
    log_spectrum = torch.full((1, N_FRAMES, 257), -2.0)
    log_spectrum[:, 50:60] = -5.5  # 30 dB below: a pause, and not so deep that it is lifted
    _, mean, _ = model().normalise(log_spectrum, torch.zeros(1, N_FRAMES, dtype=torch.bool))
    assert mean.numpy() == pytest.approx((110 * -2.0 + 10 * -5.5) / 120, rel=1e-5)
