import numpy as np
import pytest
from conftest import RATE, needs_grid, real_clip, speech

from avsi.audio.files import read_mono
from avsi.baselines import interpolate_waveform


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


@needs_grid
@pytest.mark.parametrize("clip", ["s1/bbir9a", "s4/bbilzs"])
@pytest.mark.slow
def test_long_gaps_in_real_speech_stay_sane(clip):
    clean = read_mono(real_clip(clip), RATE)
    span = (8000, 8000 + 25600)
    inside = interpolate_waveform(clean, [span])[slice(*span)]
    assert np.isfinite(inside).all() and inside.any()
    assert np.abs(inside).max() < 1.5 * np.abs(clean).max()
