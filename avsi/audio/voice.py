"""Another voice for a recording: words and timing stay, pitch and formants are moved, by the WORLD vocoder."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..config import VoiceConfig
from ..errors import ConfigError, MediaError

# Pitch is looked for up here and down to WORLD's own 71 Hz.
PITCH_CEILING_HZ = 500.0
FLOOR = 1e-16  # of a power spectrum, so that its logarithm is finite


@dataclass(frozen=True)
class VoiceChange:
    """What a recording is changed by.

    Attributes:
        pitch: factor of the fundamental frequency.
        intonation: factor of its distance from the recording's median, in octaves.
        formants: factor of all formant frequencies; above 1 is a shorter vocal tract.
    """

    pitch: float
    intonation: float
    formants: float


@dataclass(frozen=True)
class Analysis:
    """A recording as WORLD describes it (Morise, Yokomori and Ozawa, 2016), every 5 ms.

    Attributes:
        pitch_hz: fundamental frequency, shape (n,); 0 where there is no voice.
        envelope: power of the spectral envelope, shape (n, n_bins).
        aperiodicity: share of noise, shape (n, n_bins).
        n_samples, rate: of the recording.
    """

    pitch_hz: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray
    n_samples: int
    rate: int

    @property
    def median_pitch_hz(self) -> float:
        """Raises MediaError where nothing in the recording has a pitch."""
        voiced = self.pitch_hz[self.pitch_hz > 0]
        if not len(voiced):
            raise MediaError("no pitch is found in it, so it cannot be given another voice")
        return float(np.median(voiced))


def analyse(samples: np.ndarray, rate: int) -> Analysis:
    """Take a recording apart.

    Args:
        samples: shape (n_samples,), full scale 1.0.
        rate: in Hz.
    """
    world = _world()
    samples = np.ascontiguousarray(samples, dtype=np.float64)
    pitch_hz, times_s = world.harvest(samples, rate, f0_ceil=PITCH_CEILING_HZ)
    envelope = world.cheaptrick(samples, pitch_hz, times_s, rate)
    return Analysis(pitch_hz, envelope, world.d4c(samples, pitch_hz, times_s, rate), len(samples), rate)


def draw_voice_change(analysis: Analysis, config: VoiceConfig, rng: np.random.Generator) -> VoiceChange:
    """A voice whose median pitch is even over octaves between the config's bounds, whoever speaks.

    Formants follow the pitch as they do between speakers: twice the pitch, ``2 ** formant_slope`` times the formants;
    and stray from that by a log-normal factor.
    """
    low, high = np.log(config.pitch_min_hz), np.log(config.pitch_max_hz)
    pitch = np.exp(rng.uniform(low, high)) / analysis.median_pitch_hz
    stray, intonation = np.exp(rng.normal(0, [config.formant_spread, config.intonation_spread]))
    return VoiceChange(float(pitch), float(intonation), float(pitch**config.formant_slope * stray))


def change_voice(analysis: Analysis, voice: VoiceChange) -> np.ndarray:
    """The recording in another voice, sample by sample in time with itself; shape (n_samples,), float64."""
    pitch_hz = np.zeros_like(analysis.pitch_hz)
    voiced = analysis.pitch_hz > 0
    if voiced.any():
        median = analysis.median_pitch_hz
        pitch_hz[voiced] = median * voice.pitch * (analysis.pitch_hz[voiced] / median) ** voice.intonation
    # What was at f is moved to formants * f; above the highest frequency known, the last value holds.
    bins = np.arange(analysis.envelope.shape[1])
    source = bins / voice.formants
    log_envelope = np.log(analysis.envelope + FLOOR)
    envelope = np.exp([np.interp(source, bins, frame) for frame in log_envelope])
    aperiodicity = np.array([np.interp(source, bins, frame) for frame in analysis.aperiodicity])
    samples = _world().synthesize(pitch_hz, envelope, aperiodicity, analysis.rate)
    samples = np.pad(samples, (0, max(0, analysis.n_samples - len(samples))))[: analysis.n_samples]
    return samples / max(1.0, float(np.abs(samples).max()))  # louder than full scale would be cut off


def _world():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for its version by a way that is going out of use
        try:
            import pyworld
        except ImportError as error:
            raise ConfigError(
                f"other voices need the WORLD vocoder ({error}): pip install -c constraints.txt -e '.[voices]' in a "
                "checkout of avsi"
            ) from error
    return pyworld
