"""A part of the frequencies of damaged sound is kept."""

import numpy as np
import pytest
from conftest import RATE, speech

import avsi
from avsi.audio.kept_band import KeptBand
from avsi.errors import ConfigError
from avsi.restoring.baselines import MeanSpectrum
from avsi.restoring.inpainting import Inpainter

GAP = avsi.Gap(1.0, 1.4)


def tones(*hertz: float, rate: int = RATE) -> np.ndarray:
    """Shape (n_samples, 1), a second."""
    time_s = np.arange(rate) / rate
    return sum(np.sin(2 * np.pi * hz * time_s) for hz in hertz)[:, None]


@pytest.mark.parametrize(
    ("band", "kept"),
    [
        (KeptBand(below_hz=300), (100, 200)),
        (KeptBand(above_hz=1000), (1200, 5000)),
        (KeptBand(300, 1000), (100, 200, 1200, 5000)),
    ],
)
@pytest.mark.parametrize("rate", [RATE, 44100])
def test_what_lies_in_the_band_is_that_of_the_damaged_sound(band, kept, rate):
    mixed = band.mix(tones(100, 200, 500, 1200, 5000, rate=rate), np.zeros((rate, 1)), rate)
    middle = slice(rate // 10, -rate // 10)
    assert np.abs(mixed - tones(*kept, rate=rate))[middle].max() < 0.01


@pytest.mark.parametrize("band", [KeptBand(below_hz=8000), KeptBand(above_hz=9000)])
def test_a_frequency_that_the_sound_does_not_have(band):
    with pytest.raises(ConfigError, match=r"000 Hz: a sound of 16000 samples a second has frequencies below 8000 Hz"):
        band.mix(tones(500), tones(500), RATE)


def test_in_a_gap_the_band_stays_and_outside_it_everything():
    whole = speech(0)
    inside = slice(16000, 22400)
    damaged = whole.copy()
    damaged[inside] += tones(3000)[: 22400 - 16000, 0]
    plain = Inpainter(MeanSpectrum())
    dropped, kept = (one.inpaint(damaged, RATE, [GAP]) for one in (plain, plain.with_kept(KeptBand(below_hz=1500))))
    outside = np.ones(len(whole), bool)
    outside[inside] = False
    assert np.array_equal(kept[outside], damaged[outside])
    assert np.square(kept - whole)[inside].mean() < 0.5 * np.square(dropped - whole)[inside].mean()
    assert plain.kept is None and str(KeptBand(300, 1000.5)) == "below 300 Hz and above 1000.5 Hz"


def test_samples_that_are_no_numbers_cannot_be_kept():
    damaged = speech(0)
    damaged[17000] = np.nan
    plain = Inpainter(MeanSpectrum())
    assert np.isfinite(plain.inpaint(damaged, RATE, [GAP])).all()
    with pytest.raises(avsi.MediaError, match=r"not a number, the first at 1\.062 s$"):
        plain.with_kept(KeptBand(below_hz=300)).inpaint(damaged, RATE, [GAP])


@pytest.mark.parametrize(
    ("band", "told"),
    [
        ((0.0, None), "0 Hz: expected a frequency above 0"),
        ((None, float("nan")), "nan Hz: expected"),
        ((900, 300), "that is everything; the first must be smaller"),
    ],
)
def test_bands_that_are_none(band, told):
    with pytest.raises(ConfigError, match=told):
        KeptBand(*band)
