"""Which sound of a recording a model may learn from: what is reliable, near the gaps, and speech of the one seen."""

import math

import numpy as np
import pytest
import torch
from conftest import RATE, face, mouth_opening, small_config, speech

from avsi.audio.stft import log_magnitude, spectrum
from avsi.restoring.reliable import Source, near, plan_parts, read_pieces, share_out, speech_frames, still_mouth
from avsi.video.tracks import Tracks

STFT = small_config().stft


def tracks_of(moving: bool) -> Tracks:
    time_s = np.arange(100) / 25
    return face(mouth_opening(0, time_s) * moving, time_s)


def test_still_mouth():
    moving, still = tracks_of(True), tracks_of(False)
    assert not still_mouth(moving, 333, STFT).any()
    assert still_mouth(still, 333, STFT).all()
    assert not still_mouth(None, 10, STFT).any()
    hidden = Tracks(still.time_s, np.full_like(still.points, np.nan))
    assert not still_mouth(hidden, 333, STFT).any()


@pytest.mark.parametrize(
    ("gaps", "longest_s", "parts"),
    [
        ([], 100, [(0, 60)]),
        ([(20, 21)], 100, [(0, 20), (21, 60)]),
        ([(20, 21)], 20, [(10, 20), (21, 30.75)]),
        ([(0, 1), (2, 3), (59, 60)], 100, [(1, 2), (3, 59)]),
        ([(0.5, 2), (2.9, 3)], 100, [(3, 60)]),
        ([], 30, [(0, 10), (20, 30), (50, 60)]),
        ([(20, 21)], 4, [(16, 20)]),
    ],
)
def test_plan_parts(gaps, longest_s, parts):
    spans = [(round(start * 1000), round(stop * 1000)) for start, stop in gaps]
    found = plan_parts(spans, 60_000, 1000, longest_s)
    assert [(start / 1000, stop / 1000) for start, stop in found] == parts


def test_short_recordings_leave_their_share_to_the_others():
    sources = [Source("", seconds * 1000, 1000, lambda a, b: np.zeros((b - a, 1)), []) for seconds in (100, 10, 200)]
    assert share_out(sources, 90.0) == [40.0, 10.0, 40.0]
    assert share_out(sources, 1000.0) == [100.0, 10.0, 200.0]
    assert share_out(sources, 1.0) == [3.0, 3.0, 3.0]


def test_a_piece_has_the_frames_of_the_whole_recording_that_touch_no_gap():
    samples = speech(0, 16.0)
    whole = log_magnitude(spectrum(torch.from_numpy(samples), STFT), STFT)
    gap = (192 * 300, 192 * 340)
    read: list[tuple[int, int]] = []

    def reader(start, stop):
        read.append((start, stop))
        return samples[start:stop, None]

    before, after = read_pieces(Source("", len(samples), RATE, reader, [gap]), STFT, 60.0)
    assert read == [(0, gap[0]), (gap[1], len(samples))]
    assert torch.allclose(before.log_spectrum, whole[1:299], rtol=1e-5)
    assert torch.allclose(after.log_spectrum, whole[341 : 341 + len(after.log_spectrum)], rtol=1e-5)
    assert after.first_frame_s == pytest.approx(341 * 192 / RATE)
    assert 341 + len(after.log_spectrum) >= len(whole) - 2


def test_an_hour_is_read_near_its_gaps_alone():
    read: list[tuple[int, int]] = []

    def reader(start, stop):
        read.append((start, stop))
        return np.full((stop - start, 1), 0.1)

    hour = 3600 * RATE
    read_pieces(Source("", hour, RATE, reader, [(hour // 2, hour // 2 + RATE)]), STFT, 60.0)
    assert sum(stop - start for start, stop in read) <= 60 * RATE
    assert min(start for start, _ in read) > hour // 2 - 40 * RATE
    assert max(stop for _, stop in read) < hour // 2 + 41 * RATE


def test_speech_is_what_is_loud_enough():
    samples = np.concatenate([speech(0, 2.0), 1e-4 * speech(1, 2.0), np.zeros(RATE)]).astype(np.float32)
    [said] = speech_frames([log_magnitude(spectrum(torch.from_numpy(samples), STFT), STFT)], STFT)
    assert 0.4 < said[:160].float().mean() < 0.9
    assert not said[170:].any()
    [silent] = speech_frames([torch.full((5, 257), math.log(STFT.log_floor))], STFT)
    assert not silent.any()


def test_near_speech():
    chosen, avoided = torch.zeros(1000, dtype=torch.bool), torch.zeros(1000, dtype=torch.bool)
    chosen[300:400] = chosen[700] = True
    avoided[350:360] = True
    # A second is 83 frames at either side; what is left of it must last as long.
    assert near(chosen, avoided, STFT) == [(217, 350), (360, 483), (617, 784)]
    avoided[690:710] = True
    assert near(chosen, avoided, STFT) == [(217, 350), (360, 483)]
