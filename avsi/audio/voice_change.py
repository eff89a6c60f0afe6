"""Voice conversion by the WORLD vocoder: pitch and formants of a recording change, words and timing stay."""

import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ..config import VoiceConfig
from ..errors import ConfigError, MediaError

PITCH_CEILING_HZ = 500.0  # the highest pitch searched; the lowest is WORLD's default, 71 Hz
POWER_FLOOR = 1e-16  # keeps the logarithm of a power spectrum finite


@dataclass(frozen=True)
class VoiceChange:
    """The parameters of a voice conversion.

    Attributes:
        pitch: factor on the fundamental frequency.
        intonation: factor on the fundamental frequency's distance in octaves from the recording's median.
        formants: factor on all formant frequencies; above 1 for a shorter vocal tract.
    """

    pitch: float
    intonation: float
    formants: float


@dataclass(frozen=True)
class Analysis:
    """WORLD's analysis of a recording (Morise, Yokomori and Ozawa, 2016), one frame every 5 ms.

    Attributes:
        pitch_hz: fundamental frequency, shape (n_frames,); 0 in unvoiced frames.
        envelope: power of the spectral envelope, shape (n_frames, n_bins).
        aperiodicity: share of noise in the power, shape (n_frames, n_bins).
        n_samples, rate: of the recording.
    """

    pitch_hz: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray
    n_samples: int
    rate: int

    @property
    def median_pitch_hz(self) -> float:
        """Raises MediaError if no frame is voiced."""
        voiced = self.pitch_hz[self.pitch_hz > 0]
        if not len(voiced):
            raise MediaError("no pitch is found in it, so it cannot be given another voice")
        return float(np.median(voiced))


def analyse(samples: np.ndarray, rate: int) -> Analysis:
    """Analyse a recording by WORLD.

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
    """Draw a voice whose median pitch is log-uniform between the config's bounds, independent of the original voice.

    Formants are correlated with pitch as they are among speakers: twice the pitch goes with ``2 ** formant_slope``
    times the formants, times a log-normal factor.
    """
    low, high = np.log(config.pitch_min_hz), np.log(config.pitch_max_hz)
    pitch = np.exp(rng.uniform(low, high)) / analysis.median_pitch_hz
    deviation, intonation = np.exp(rng.normal(0, [config.formant_spread, config.intonation_spread]))
    return VoiceChange(float(pitch), float(intonation), float(pitch**config.formant_slope * deviation))


def change_voice(analysis: Analysis, voice: VoiceChange) -> np.ndarray:
    """The recording in another voice with unchanged timing; shape (n_samples,), float64."""
    pitch_hz = np.zeros_like(analysis.pitch_hz)
    voiced = analysis.pitch_hz > 0
    if voiced.any():
        median = analysis.median_pitch_hz
        pitch_hz[voiced] = median * voice.pitch * (analysis.pitch_hz[voiced] / median) ** voice.intonation
    # The envelope at f moves to formants * f; beyond the highest known frequency the last value is held.
    bins = np.arange(analysis.envelope.shape[1])
    source = bins / voice.formants
    log_envelope = np.log(analysis.envelope + POWER_FLOOR)
    envelope = np.exp([np.interp(source, bins, frame) for frame in log_envelope])
    aperiodicity = np.array([np.interp(source, bins, frame) for frame in analysis.aperiodicity])
    samples = _world().synthesize(pitch_hz, envelope, aperiodicity, analysis.rate)
    samples = np.pad(samples, (0, max(0, analysis.n_samples - len(samples))))[: analysis.n_samples]
    return samples / max(1.0, float(np.abs(samples).max()))  # avoids clipping


def _world() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyworld reads its version through a deprecated API
        try:
            import pyworld
        except ImportError as error:
            raise ConfigError(
                f"other voices need the WORLD vocoder ({error}): pip install -c constraints.txt -e '.[voices]' in a "
                "checkout of avsi"
            ) from error
    return pyworld
