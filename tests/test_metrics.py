import numpy as np
import pytest
from conftest import RATE, needs_grid, real_clip, speech

from avsi.audio.files import read_mono
from avsi.metrics import UndefinedMetric, gap_l1, pesq_nb, stoi


def test_gap_l1_is_in_units_of_the_deviation():
    predicted, truth = np.zeros((3, 4)), np.ones((3, 4))
    assert gap_l1(predicted, truth, np.array([1.0, 2.0, 4.0, 4.0])) == pytest.approx(0.5)
    with pytest.raises(UndefinedMetric, match="no lost frame"):
        gap_l1(predicted[:0], truth[:0], np.ones(4))
    with pytest.raises(ValueError, match="do not go together"):
        gap_l1(predicted, truth[:2], np.ones(4))


@needs_grid
@pytest.mark.parametrize("clip", ["s1/bbir9a", "s4/bbilzs", "s31/bgiq6p"])
def test_real_clips_score_as_the_reference_packages_do_and_worse_with_more_damage(clip):
    import pesq
    import pystoi

    clean = read_mono(real_clip(clip), RATE)
    scores = []
    for gap_s in (0.1, 0.4, 0.8, 1.6):
        damaged = clean.copy()
        damaged[8000 : 8000 + round(gap_s * RATE)] = 0
        scores.append((stoi(clean, damaged, RATE), pesq_nb(clean, damaged, RATE)))
        assert scores[-1][0] == pytest.approx(pystoi.stoi(clean, damaged, RATE), abs=1e-6)
        assert scores[-1][1] == pytest.approx(pesq.pesq(RATE, clean, damaged, "nb"), abs=1e-6)
    assert scores == sorted(scores, reverse=True)
    assert stoi(clean, clean, RATE) == pytest.approx(1.0, abs=1e-6)


def test_what_cannot_be_scored_says_why():
    clean = speech(0)
    with pytest.raises(UndefinedMetric, match=r"less than 0\.4 s of speech"):
        stoi(clean[12000:15000], clean[12000:15000], RATE)
    with pytest.raises(UndefinedMetric, match="reference is silent"):
        stoi(np.zeros(16000), clean[:16000], RATE)
    with pytest.raises(UndefinedMetric, match="restored signal is silent"):
        pesq_nb(clean, np.zeros_like(clean), RATE)
    with pytest.raises(UndefinedMetric, match="PESQ"):
        pesq_nb(clean[:2000], clean[:2000], RATE)
    with pytest.raises(UndefinedMetric, match="not a number"):
        stoi(clean, np.full_like(clean, np.nan), RATE)
    with pytest.raises(ValueError, match="one length"):
        stoi(clean, clean[:-1], RATE)
    with pytest.raises(ValueError, match="8000 or 16000"):
        pesq_nb(clean, clean, 22050)
