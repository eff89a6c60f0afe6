"""Where recordings are cut into utterances."""

import numpy as np
import pytest
from conftest import RATE
from recordings import say, voice

from avsi.errors import ConfigError
from avsi.media.sound_reading import open_sound
from data_prep.recordings.pauses import Lengths, cut
from data_prep.recordings.preparation import _mono


def spans_s(samples: np.ndarray, *lengths: float) -> list[tuple[float, float]]:
    return [(piece.start / RATE, piece.stop / RATE) for piece in cut(samples, RATE, Lengths(*lengths))]


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_cuts_lie_in_the_middle_of_the_longest_pause_within_reach(noise):
    samples = voice((0, 3.2), (3.4, 4.4), (5.0, 9.0), duration_s=9.0, noise=noise)
    assert spans_s(samples) == [(0, pytest.approx(4.7, abs=0.011)), (pytest.approx(4.7, abs=0.011), 9.0)]


def test_without_a_pause_the_softest_place_is_cut():
    samples = voice((0, 10), duration_s=10.0)
    samples[round(4.0 * RATE) : round(4.06 * RATE)] *= 0.01
    samples[round(5.0 * RATE) : round(5.5 * RATE)] *= 0.8
    [(_, first), (again, last)] = spans_s(samples)
    assert first == again == pytest.approx(4.03, abs=0.03) and last == 10


def test_long_pauses_are_not_kept_and_part_utterances():
    samples = voice((2, 4), (4.5, 5), (8, 10), duration_s=12.0)
    assert spans_s(samples) == [(1.75, 5.25), (7.75, 10.25)]


def test_a_short_word_takes_more_of_the_pauses_around_it():
    samples = voice((5, 5.4), duration_s=12.0)
    assert spans_s(samples) == [(4.45, 5.95)]
    samples = voice((0.1, 0.5), duration_s=12.0)
    assert spans_s(samples) == [(0, 1.5)]


@pytest.mark.parametrize("duration_s", [6.01, 6.5, 7.5, 11.9, 12.1, 31.7])
@pytest.mark.parametrize("lengths", [(1.5, 6.0), (3.0, 6.0), (0.5, 6.0)])
def test_no_piece_is_longer_or_shorter_than_asked_and_nothing_is_lost(duration_s, lengths):
    spans = spans_s(voice((0, duration_s), duration_s=duration_s), *lengths)
    assert all(lengths[0] <= stop - start <= lengths[1] for start, stop in spans)
    assert [start for start, _ in spans[1:]] == [stop for _, stop in spans[:-1]]
    assert spans[0][0] == 0 and spans[-1][1] == pytest.approx(duration_s, abs=0.01)


def test_silence_and_clicks_are_no_speech():
    assert spans_s(np.zeros(10 * RATE)) == []
    assert spans_s(1e-4 * np.random.default_rng(0).standard_normal(10 * RATE)) == []
    samples = voice((2, 4), duration_s=10.0)
    samples[8 * RATE : 8 * RATE + 100] = 0.5
    assert spans_s(samples) == [(1.75, 4.25)]


@pytest.mark.parametrize("lengths", [(0, 6), (-1, 6), (4, 6), (1, float("inf")), (float("nan"), 6)])
def test_lengths_that_cannot_be_met_are_refused(lengths):
    with pytest.raises(ConfigError, match=f"--min-s {lengths[0]:g} and --max-s {lengths[1]:g}: expected"):
        Lengths(*lengths)


def test_a_long_recording_is_read_in_parts_without_a_seam(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(121.3 * 11025))
    path = say(tmp_path / "long.wav", noise, 11025)
    with open_sound(path) as sound:
        assert np.allclose(_mono(sound, RATE), sound.mono(RATE), rtol=0, atol=1e-6)
