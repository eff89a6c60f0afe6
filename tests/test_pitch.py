"""The pitch of a voice: what is found of it, how it goes on in a gap, and its harmonics in a spectrogram."""

import numpy as np
import pytest
import torch
from conftest import RATE, mouth_opening, small_config, speech

from avsi.audio.pitch import continue_pitch, contour_of, track_pitch
from avsi.audio.texture import harmonics_of

STFT = small_config().stft
FRAME_S = STFT.hop_samples / RATE


def true_pitch(seed: int, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """The pitch of :func:`speech` in the middle of each frame, in Hz, and how loud it is."""
    time_s = (np.arange(n_frames) + 0.5) * FRAME_S
    base = 110 + 20 * np.random.default_rng(seed).random()
    return base + 15 * np.sin(2 * np.pi * 0.7 * time_s), mouth_opening(seed, time_s)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("octaves", [0, 1])
def test_the_pitch_of_a_voice_is_found_within_a_few_percent(seed, octaves):
    samples = speech(seed)
    if octaves:
        samples = samples[::2]  # spoken twice as fast: an octave higher
    n_frames = len(samples) // STFT.hop_samples
    found = track_pitch(samples, STFT, n_frames)
    expected, loudness = true_pitch(seed, n_frames << octaves)
    if octaves:
        expected, loudness = 2 * expected[::2], loudness[::2]
    loud, silent = loudness > 0.5, loudness < 0.001
    assert np.isnan(found[loud]).mean() < 0.1
    off = np.abs(found[loud] / expected[loud] - 1)
    assert np.nanmax(off) < 0.06
    assert np.nanmedian(off) < 0.015
    assert np.isnan(found[silent]).mean() > 0.7  # but at their edges, where a voice is in the window


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    for samples in (0.1 * noise, np.zeros(RATE, np.float32)):
        assert np.isnan(track_pitch(samples, STFT, 80)).all()
    assert len(track_pitch(noise[:10], STFT, 3)) == 3
    assert len(track_pitch(noise[:0], STFT, 0)) == 0


def test_a_contour_goes_straight_where_there_is_no_voice():
    pitch_hz = np.array([np.nan, 128, 128, 128, np.nan, np.nan, np.nan, 256, 256, np.nan])
    assert contour_of(pitch_hz) == pytest.approx([7, 7, 7, 7, 7.25, 7.5, 7.75, 8, 8, 8])
    assert np.isnan(contour_of(np.where(np.arange(10) > 7, np.nan, pitch_hz))).all()  # four frames tell nothing


def test_a_lost_pitch_has_the_intonation_of_what_is_heard_and_joins_it_at_the_edges():
    pitch_hz = 128 * 2 ** (0.3 * np.sin(np.arange(400) / 9))
    lost = np.zeros(400, bool)
    lost[150:300] = True
    spoiled = np.where(lost, 400.0, pitch_hz)  # what a gap holds is not looked at
    contour = continue_pitch(spoiled, lost, STFT)
    assert contour[~lost] == pytest.approx(np.log2(pitch_hz[~lost]))
    assert abs(contour[150] - contour[149]) < 0.1 and abs(contour[299] - contour[300]) < 0.1
    assert np.abs(np.diff(contour)).max() < 0.06  # no step within it
    middle = contour[200:250]
    assert middle.mean() == pytest.approx(7, abs=0.1)
    assert middle.std() == pytest.approx(0.3 / np.sqrt(2), rel=0.3)
    other = continue_pitch(spoiled, lost, STFT, draw=1)
    assert np.abs(other - contour)[200:250].max() > 0.1 and np.array_equal(other[~lost], contour[~lost])


@pytest.mark.parametrize("count", [1, 4, 8, 16])
def test_in_a_short_gap_the_pitch_goes_on_between_its_edges(count):
    pitch_hz = np.full(300, 128.0)
    pitch_hz[100:150] = 160.0  # far from the median
    lost = np.zeros(300, bool)
    lost[120 : 120 + count] = True
    contour = continue_pitch(pitch_hz, lost, STFT)
    assert 2 ** contour[lost] == pytest.approx(160, rel=0.02)


def test_each_draw_speaks_another_intonation():
    pitch_hz = 128 * 2 ** (0.3 * np.sin(np.arange(400) / 9) * np.linspace(0.2, 1, 400))
    lost = np.zeros(400, bool)
    lost[150:300] = True
    drawn = [continue_pitch(pitch_hz, lost, STFT, draw) for draw in range(8)]
    apart = [np.abs(one - two).max() for number, one in enumerate(drawn) for two in drawn[:number]]
    assert min(apart) > 0.02


def test_a_soft_recording_has_the_same_pitch():
    samples = speech(0)
    loud, soft = (track_pitch(level * samples, STFT, 240) for level in (1.0, 1e-4))
    assert np.array_equal(loud, soft, equal_nan=True)


def test_without_a_voice_around_it_a_lost_pitch_is_unknown():
    pitch_hz, lost = np.full(100, 120.0), np.ones(100, bool)
    lost[:4] = False
    assert np.isnan(continue_pitch(pitch_hz, lost, STFT)).all()


def test_harmonics_lie_at_the_multiples_of_the_pitch():
    contour = torch.full((2, 60), np.log2(253.0))
    contour[1] = torch.nan
    texture = harmonics_of(contour, torch.zeros(2), STFT)
    assert texture.shape == (2, 60, 257) and torch.equal(texture[1], torch.zeros(60, 257))
    levels = texture[0, 10:50].mean(dim=0)
    harmonics = [round(k * 253 * STFT.n_fft / RATE) for k in range(2, 12)]
    between = [round((k + 0.5) * 253 * STFT.n_fft / RATE) for k in range(2, 12)]
    assert levels[harmonics].min() > 0.8 and levels[between].max() < -0.5
    assert texture[0, 10:50].mean(dim=0).mean().abs() < 0.15


def test_padding_does_not_change_the_harmonics_before_it():
    contour = torch.full((1, 60), np.log2(128.0))
    padded = torch.cat([contour, torch.full((1, 30), torch.nan)], dim=-1)
    whole, cut = (
        harmonics_of(each, torch.zeros(1), STFT) for each in (torch.cat([contour, contour[:, :30]], -1), padded)
    )
    assert torch.allclose(whole[:, :60], cut[:, :60], atol=1e-4) and not cut[:, 60:].any()


def test_pulses_begin_where_they_are_told_to():
    contour = torch.full((2, 40), np.log2(80.0))  # so low that a window holds two pulses
    one, other = harmonics_of(contour, torch.tensor([0.0, 0.5]), STFT)
    assert not torch.allclose(one, other, atol=0.1)
