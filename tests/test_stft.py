import numpy as np
import pytest
import torch

from avsi.audio.stft import Transform, log_magnitude, magnitude, spectrum, window
from avsi.config import StftConfig

STFT = StftConfig()


@pytest.mark.parametrize("stft", [STFT, StftConfig(window_samples=500, hop_samples=90)])
@pytest.mark.parametrize("n_samples", [1, 100, 192, 47648, 47999, 48000])
def test_inverse_gives_the_samples_back(n_samples, stft):
    samples = torch.randn(n_samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    transform = Transform(n_samples, stft, samples)
    again = transform.samples_from(transform.spectrum(samples))
    assert torch.allclose(again, samples, atol=1e-12)


def test_a_frame_is_the_windowed_dft_of_its_samples():
    samples = torch.randn(4800, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    frame = 10
    hann = np.hanning(385)[:384]
    piece = samples[frame * 192 - 96 : frame * 192 - 96 + 384].numpy() * hann
    direct = np.fft.rfft(np.pad(piece, 64))
    assert np.abs(spectrum(samples, STFT)[frame].numpy() - direct).max() < 1e-12


def test_log_magnitude_has_the_papers_floor_and_inverts():
    values = torch.tensor([0.0, 1.0, 10.0], dtype=torch.complex64)
    logs = log_magnitude(values, STFT)
    assert logs[0].item() == pytest.approx(np.log(1e-6), rel=1e-5)
    assert magnitude(logs, STFT).tolist() == pytest.approx([0.0, 1.0, 10.0], rel=1e-5, abs=1e-5)


def test_window_lies_in_the_middle_of_the_fft():
    taper = window(STFT, torch.zeros(1))
    assert taper.shape == (512,)
    assert taper[:65].abs().max() == 0
    assert taper[256].item() == pytest.approx(1.0)


def test_what_lies_below_the_floor_has_no_magnitude():
    below = torch.tensor([STFT.log_floor / 2, STFT.log_floor / 1000]).log()
    assert magnitude(below, STFT).tolist() == [0.0, 0.0]
