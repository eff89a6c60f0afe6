import numpy as np
import pytest
import torch

from avsi.audio.stft import spectrum
from avsi.config import StftConfig
from avsi.timebase import convert_span, frame_centres_s, frames_touching, n_frames, to_samples, video_grid_s

STFT = StftConfig()


def test_three_seconds_are_250_frames_with_centres_12_ms_apart():
    assert n_frames(48000, STFT) == 250
    centres = frame_centres_s(250, STFT)
    assert centres[0] == pytest.approx(0.006)
    assert np.diff(centres) == pytest.approx(0.012)


@pytest.mark.parametrize(("start", "stop"), [(8000, 16000), (0, 1), (191, 193), (47999, 48000), (96, 97), (288, 289)])
def test_frames_touching_are_those_whose_window_sees_a_change(start, stop):
    """The rule of timebase against the transform itself."""
    samples = torch.zeros(48000)
    samples[start:stop] = 1.0
    seen = spectrum(samples, STFT).abs().sum(dim=1) > 0
    first, last = frames_touching(start, stop, STFT)
    expected = torch.zeros(250, dtype=torch.bool)
    expected[max(first, 0) : last] = True
    # The periodic Hann window is 0 in its first sample, which the rule counts all the same.
    assert not (seen & ~expected).any()
    assert (expected & ~seen).sum() <= 1


def test_spans_cover_what_they_stand_for_at_another_rate():
    assert convert_span(441, 882, 44100, 16000) == (160, 320)
    assert convert_span(442, 881, 44100, 16000) == (160, 320)
    assert convert_span(440, 442, 44100, 16000) == (159, 161)  # from 159.6 to 160.4


def test_times_round_to_the_nearest_sample():
    assert to_samples(0.80001, 16000) == 12800
    assert to_samples(0.00003125, 16000) == 1


def test_video_grid_reaches_the_end():
    assert video_grid_s(0.0, 2.96, 25.0) == pytest.approx(np.arange(75) / 25)
    assert len(video_grid_s(0.5, 0.5, 25.0)) == 1
