import numpy as np
import pytest
import torch
from conftest import RATE, needs_grid, real_clip, speech

from avsi.data.gaps import Gap
from avsi.media.sound_reading import read_mono
from avsi.restoring.baselines import MeanSpectrum, interpolate_waveform
from avsi.restoring.inpainting import Inpainter


def error_db(restored: np.ndarray, truth: np.ndarray, span: tuple[int, int]) -> float:
    """Power of the error in a gap over that of the truth, in dB."""
    inside = slice(*span)
    return 10 * np.log10(((restored - truth)[inside] ** 2).sum() / (truth[inside] ** 2).sum())


def tones() -> np.ndarray:
    time_s = np.arange(RATE) / RATE
    return sum(a * np.sin(2 * np.pi * f * time_s + a) for f, a in ((440, 1.0), (1234, 0.5), (3111, 0.3)))


@pytest.mark.parametrize("gap_ms", [10, 20, 50])
def test_tones_go_on_through_a_gap(gap_ms):
    truth, span = tones(), (8000, 8000 + 16 * gap_ms)
    hidden = truth.copy()
    hidden[slice(*span)] = np.nan  # what a gap holds is not looked at
    restored = interpolate_waveform(hidden, [span])
    assert error_db(restored, truth, span) < -50
    outside = np.r_[0 : span[0], span[1] : RATE]
    assert (restored[outside] == truth[outside]).all()


def test_neighbouring_gaps_help_each_other():
    truth, spans = tones(), [(8000, 8320), (8400, 8720), (9000, 9001)]
    restored = interpolate_waveform(truth, spans)
    assert max(error_db(restored, truth, span) for span in spans) < -30


@pytest.mark.parametrize("span", [(0, 160), (RATE - 160, RATE)])
def test_a_gap_at_an_end_is_filled_from_one_side(span):
    truth = tones()
    restored = interpolate_waveform(truth, [span])
    assert error_db(restored, truth, span) < -3
    assert np.abs(restored).max() < 1.5 * np.abs(truth).max()


def test_silence_stays_silent_and_short_recordings_do():
    assert not interpolate_waveform(np.zeros(4000, np.float32), [(1000, 2000)]).any()
    assert np.isfinite(interpolate_waveform(np.array([0.1, 0.2, 9.0, 0.1]), [(2, 3)])).all()
    assert np.isfinite(interpolate_waveform(speech(0)[:300], [(0, 100), (101, 299)])).all()


def test_the_mean_is_that_of_each_bin_of_each_channel_over_its_reliable_frames():
    bins, gains = torch.tensor([1.0, 10.0]), torch.tensor([1.0, -2.0])
    frames = torch.tensor([4.0, 0.0, 99.0, 99.0, 2.0, 99.0])
    spectrum = gains[:, None, None] * frames[:, None] * bins  # shape (channels, frames, bins)
    lost = torch.tensor([False, False, True, True, False, True])
    restored = MeanSpectrum().restore_spectrum(spectrum, torch.zeros(6, 0), lost)
    assert restored[0].tolist() == [[4, 40], [0, 0], [2, 20], [2, 20], [2, 20], [2, 20]]
    assert torch.equal(restored[1], -2 * restored[0])


def test_a_gap_filled_with_the_mean_of_a_steady_sound_goes_on_as_loud():
    noise = np.random.default_rng(0).standard_normal(2 * RATE)
    restored = Inpainter(MeanSpectrum()).inpaint(noise, RATE, [Gap(0.8, 1.2)])
    inside = slice(round(0.8 * RATE), round(1.2 * RATE))
    assert np.array_equal(np.delete(restored, inside), np.delete(noise, inside))
    # The mean of logs is below the log of the mean: of noise by some 2.5 dB.
    assert 0.6 < restored[inside].std() / noise[inside].std() < 0.9


@needs_grid
@pytest.mark.parametrize("clip", ["s1/bbir9a", "s4/bbilzs"])
@pytest.mark.slow
def test_long_gaps_in_real_speech_stay_sane(clip):
    clean = read_mono(real_clip(clip), RATE)
    span = (8000, 8000 + 25600)
    inside = interpolate_waveform(clean, [span])[slice(*span)]
    assert np.isfinite(inside).all() and inside.any()
    assert np.abs(inside).max() < 1.5 * np.abs(clean).max()
