"""What the lips are told from: mel bands, from which the voice's level and the microphone are taken out."""

import numpy as np
import torch

from avsi.audio.mel import mel_filters
from avsi.audio.stft import spectrum
from avsi.config import StftConfig

STFT = StftConfig()
BANDS = 26
FPS = 25.0  # of lips; there are two rows of bands for each of their frames
BESIDE = 4  # rows before the first frame of lips, and after the last
SILENCE = 1e-9  # of the power in a band
# Nats of magnitude, 8.69 dB each: frames less than this far below the loudest are speech, and bands deeper than this
# below their level in speech count as this deep: what lies there is the room's noise.
SPEECH_NATS, DEEPEST_NATS = 3.0, 3.5
LOUDEST, LEVEL = 95, 80  # percentiles of the loudness over a recording, and of a band over its speech
NARROW = np.array([0.25, 0.5, 0.25])  # frames of the spectrum are smoothed before every 20 ms one is taken


def rows_of(n_frames: int) -> int:
    """The number of rows of bands about a number of frames of lips."""
    return 2 * n_frames - 1 + 2 * BESIDE


def sound_bands(samples: np.ndarray, start_s: float, n_frames: int) -> np.ndarray:
    """Log-mel bands every 20 ms about frames of lips, from 80 ms before the first to 80 ms after the last; those at the
    edges of the sound are repeated beyond them.

    Each band is relative to its own level in speech, so that loudness and microphone do not count.

    Args:
        samples: shape (n_samples,), float32, at 16 kHz.
        start_s: the time of the first frame of lips.

    Returns:
        Shape (rows_of(n_frames), BANDS), float32, from -1 on.
    """
    power = spectrum(torch.from_numpy(samples), STFT).abs().square().numpy()
    bands = np.log(power @ mel_filters(BANDS, STFT).T + SILENCE) / 2
    loudness = bands.max(axis=1)
    speech = bands[loudness > np.percentile(loudness, LOUDEST) - SPEECH_NATS]
    bands = np.maximum((bands - np.percentile(speech, LEVEL, axis=0)) / DEEPEST_NATS, -1)
    padded = np.pad(bands, ((1, 1), (0, 0)), mode="edge")
    smooth = sum(weight * padded[shift : shift + len(bands)] for shift, weight in enumerate(NARROW))
    times_s = start_s + (np.arange(rows_of(n_frames)) - BESIDE) / (2 * FPS)
    place = np.clip(times_s * STFT.sample_rate / STFT.hop_samples - 0.5, 0, len(bands) - 1)
    before = place.astype(int)
    share = (place - before)[:, None]
    after = np.minimum(before + 1, len(bands) - 1)
    return ((1 - share) * smooth[before] + share * smooth[after]).astype(np.float32)


def loudness(bands: np.ndarray) -> np.ndarray:
    """The mean of the bands over the 180 ms about each frame of lips; shape (n_frames,), from -1 on."""
    near = np.lib.stride_tricks.sliding_window_view(bands.mean(axis=1), 2 * BESIDE + 1)
    return near[::2].mean(axis=1)


def throat_warp(factor: float) -> np.ndarray:
    """The matrix by which bands become those of a vocal tract whose resonances lie ``factor`` times as low.

    Returns:
        Shape (BANDS, BANDS), float32; ``bands @ matrix`` are the new ones.
    """
    top_mel = 2595 * np.log10(1 + STFT.sample_rate / 2 / 700)
    centres_hz = 700 * (10 ** (np.linspace(0, top_mel, BANDS + 2)[1:-1] / 2595) - 1)
    place = np.interp(centres_hz * factor, centres_hz, np.arange(BANDS))
    before = np.minimum(place.astype(int), BANDS - 2)
    share = place - before
    matrix = np.zeros((BANDS, BANDS), np.float32)
    matrix[before, np.arange(BANDS)] = 1 - share
    matrix[before + 1, np.arange(BANDS)] = share
    return matrix
