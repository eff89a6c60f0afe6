"""Other voices, on a vowel whose pitch and formant are known."""

import builtins

import numpy as np
import pytest

from avsi.audio.voice_change import VoiceChange, analyse, change_voice, draw_voice_change
from avsi.config import VoiceConfig
from avsi.errors import ConfigError, MediaError
from avsi.rng import generator

RATE = 16000
PITCH_HZ, FORMANT_HZ = 120.0, 1500.0
AS_IT_IS = {"pitch": 1.0, "intonation": 1.0, "formants": 1.0}


def vowel(glide: float = 0.0) -> np.ndarray:
    """0.7 s of harmonics under one broad formant; the pitch sways by ``glide`` octaves."""
    time_s = np.arange(round(0.7 * RATE)) / RATE
    pitch_hz = PITCH_HZ * 2 ** (glide * np.sin(2 * np.pi * 3 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    heights = [0.02 + np.exp(-(((k * PITCH_HZ - FORMANT_HZ) / 300) ** 2)) for k in range(1, 50)]
    return 0.02 * sum(height * np.sin(k * phase) for k, height in enumerate(heights, start=1))


def pitch_of(samples: np.ndarray) -> np.ndarray:
    """By autocorrelation, in frames of 64 ms."""
    found = []
    for frame in np.lib.stride_tricks.sliding_window_view(samples, 1024)[1024:-1024:400]:
        spectrum = np.fft.rfft(frame * np.hanning(1024), 8192)
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:400]
        lag = 40 + correlation[40:].argmax()
        a, b, c = correlation[lag - 1 : lag + 2]
        found.append(RATE / (lag + 0.5 * (a - c) / (a - 2 * b + c)))
    return np.array(found)


def peak_of(samples: np.ndarray) -> float:
    """Where the smoothed spectrum is highest, in Hz."""
    power = np.abs(np.fft.rfft(samples[2000:-2000] * np.hanning(len(samples) - 4000))) ** 2
    width = round(250 / RATE * (len(samples) - 4000))  # more than from one harmonic to the next
    smooth = np.convolve(power, np.hanning(2 * width), mode="same")
    return smooth.argmax() * RATE / (len(samples) - 4000)


@pytest.fixture(scope="module")
def analysis():
    return analyse(vowel(), RATE)


def test_a_recordings_pitch_is_found(analysis):
    assert analysis.median_pitch_hz == pytest.approx(PITCH_HZ, rel=0.01)
    assert np.median(pitch_of(vowel())) == pytest.approx(PITCH_HZ, rel=0.01)  # what the other tests measure with


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25, 1.6])
def test_the_pitch_moves_by_its_factor_and_the_formants_stay(analysis, factor):
    spoken = change_voice(analysis, VoiceChange(**{**AS_IT_IS, "pitch": factor}))
    assert spoken.shape == vowel().shape
    assert np.median(pitch_of(spoken)) == pytest.approx(factor * PITCH_HZ, rel=0.02)
    assert peak_of(spoken) == pytest.approx(FORMANT_HZ, rel=0.06)


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_formants_move_by_their_factor_and_the_pitch_stays(analysis, factor):
    spoken = change_voice(analysis, VoiceChange(**{**AS_IT_IS, "formants": factor}))
    assert peak_of(spoken) == pytest.approx(factor * FORMANT_HZ, rel=0.06)
    assert np.median(pitch_of(spoken)) == pytest.approx(PITCH_HZ, rel=0.02)


@pytest.mark.slow
def test_intonation_widens_the_pitch_about_its_median():
    analysis = analyse(vowel(glide=0.1), RATE)
    for factor in (0.0, 1.0, 2.0):
        again = analyse(change_voice(analysis, VoiceChange(**{**AS_IT_IS, "intonation": factor})), RATE)
        both = (analysis.pitch_hz > 0) & (again.pitch_hz > 0)
        both[:20] = both[-20:] = False
        octaves = np.log2(again.pitch_hz[both] / analysis.median_pitch_hz)
        expected = factor * np.log2(analysis.pitch_hz[both] / analysis.median_pitch_hz)
        assert both.sum() > 80 and octaves == pytest.approx(expected, abs=0.02)


def test_what_would_be_too_loud_is_turned_down():
    loud = analyse(vowel() / np.abs(vowel()).max(), RATE)
    # The highest peak of the one is negative, of the other positive.
    for pitch, peak in ((1.0, -1.0), (0.8, 1.0)):
        samples = change_voice(loud, VoiceChange(pitch, 1.0, 1.0))
        assert max(samples, key=abs) == pytest.approx(peak, abs=1e-12) and np.abs(samples).max() <= 1.0


@pytest.mark.parametrize("pitch_hz", [90.0, 120.0, 230.0])
def test_drawn_voices_lie_between_the_bounds_whoever_speaks(analysis, pitch_hz):
    config = VoiceConfig()
    speaker = type(analysis)(analysis.pitch_hz * pitch_hz / PITCH_HZ, *list(vars(analysis).values())[1:])
    voices = [draw_voice_change(speaker, config, generator(0, "voice", n)) for n in range(400)]
    medians = speaker.median_pitch_hz * np.array([voice.pitch for voice in voices])
    assert config.pitch_min_hz <= medians.min() < 90 and 225 < medians.max() <= config.pitch_max_hz
    assert np.median(medians) == pytest.approx(np.sqrt(85 * 240), rel=0.1)  # even over octaves
    strays = np.log([voice.formants / voice.pitch**config.formant_slope for voice in voices])
    assert strays.mean() == pytest.approx(0, abs=0.01) and strays.std() == pytest.approx(0.06, rel=0.15)
    assert np.log([voice.intonation for voice in voices]).std() == pytest.approx(0.25, rel=0.15)


def test_the_same_seed_draws_the_same_voice(analysis):
    one, two, other = (
        draw_voice_change(analysis, VoiceConfig(), generator(seed, "voice", "s01_a-v1")) for seed in (0, 0, 1)
    )
    assert one == two != other
    # What copies that were made earlier were drawn with.
    assert (one.intonation, one.formants / one.pitch**0.27) == pytest.approx((1.016755034, 1.000362823), rel=1e-6)


@pytest.mark.parametrize("count", [1, 100, 5000])
def test_silence_has_no_pitch_and_says_so(count):
    analysis = analyse(np.zeros(count), RATE)
    with pytest.raises(MediaError, match="no pitch is found in it"):
        draw_voice_change(analysis, VoiceConfig(), generator(0))
    silent = change_voice(analysis, VoiceChange(1.5, 1.0, 1.1))
    assert silent.shape == (count,) and np.abs(silent).max() < 1e-6


def test_without_the_vocoder_it_is_said_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "pyworld":
            raise ModuleNotFoundError("No module named 'pkg_resources'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ConfigError, match=r"\(No module named 'pkg_resources'\): pip install -c constraints\.txt -e '\.\[voices\]'"
    ):
        analyse(vowel(), RATE)
