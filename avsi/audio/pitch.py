"""The pitch of a voice, frame by frame, and how it may go on where nothing is heard."""

import math

import numpy as np
from scipy.signal import resample_poly

from ..config import StftConfig
from ..timebase import join_stretches

LOWEST_HZ, HIGHEST_HZ = 70.0, 420.0
STEPS = 48  # candidates in an octave
CANDIDATES_HZ = LOWEST_HZ * 2 ** (np.arange(int(STEPS * math.log2(HIGHEST_HZ / LOWEST_HZ))) / STEPS)
RATE = 8000  # at which periods are searched, in Hz
WINDOW_S = 0.03
SILENT, LEVEL = 1e-7, 0.05  # root mean squares: of what has no voice, and at which a recording is searched
# The correlation that a frame without a voice would have; what an octave, and a change of voicing, cost beside it.
UNVOICED, PER_OCTAVE, OCTAVE_BIAS, CHANGE = 0.65, 0.5, 0.02, 0.12
MOST_STEPS = 8  # by which the pitch changes from frame to frame
QUIET_DB, FADE_DB = 22.0, 8.0  # below the loud frames, where a voice is less and less believed
NOT_A_PEAK = -0.3
SHORTEST, SHORT = 4, 9  # frames of a run that is believed; and of one that must be near the others
FAR, FAR_IF_SHORT = 1.0, 0.6  # octaves from the recording's median that are believed at most
LEAST_VOICED = 5  # frames, below which nothing is known of the pitch
JOIN_S = 0.3  # within which a pitch that goes on leaves that of the edge
FURTHER = 0.618  # of what is heard, there and back, by which another draw begins elsewhere: no two begin alike
NEAR_S = 0.3  # how far from the edge of a gap the last pitch may lie that it goes on from


def track_pitch(samples: np.ndarray, stft: StftConfig, n_frames: int) -> np.ndarray:
    """The fundamental frequency in the middle of each frame of a spectrogram, in Hz; NaN where no voice is heard.

    The normalised cross-correlation of a window with what follows it has a peak at the period; which peaks are one
    voice is found by dynamic programming (RAPT: Talkin, 1995).

    Args:
        samples: shape (n_samples,), at ``stft.sample_rate``.
        n_frames: how many frames are wanted; beyond the samples there is silence.

    Returns:
        Shape (n_frames,), float64.
    """
    correlation, level_db = _correlation(samples, stft, n_frames)
    peaks = np.zeros(correlation.shape, bool)
    inner = correlation[:, 1:-1]
    peaks[:, 1:-1] = (inner >= correlation[:, :-2]) & (inner >= correlation[:, 2:])
    peaks[:, 1:-1] |= peaks[:, :-2] | peaks[:, 2:]
    lags = RATE / CANDIDATES_HZ
    before, share = lags.astype(int), lags % 1
    scores = correlation[:, before] * (1 - share) + correlation[:, before + 1] * share
    scores = np.where(peaks[:, before] | peaks[:, before + 1], scores, NOT_A_PEAK)
    loud = np.percentile(level_db, 95) if n_frames else 0.0
    scores -= np.clip((loud - QUIET_DB - level_db) / FADE_DB, 0, 1)[:, None]
    scores += OCTAVE_BIAS * np.log2(CANDIDATES_HZ / LOWEST_HZ)
    return _believed(_best_path(scores))


def _correlation(samples: np.ndarray, stft: StftConfig, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(normalised cross-correlation by lag, shape (n_frames, n_lags); level in dB, shape (n_frames,))."""
    divisor = math.gcd(RATE, stft.sample_rate)
    low = resample_poly(samples.astype(np.float64), RATE // divisor, stft.sample_rate // divisor)
    low = low / max(float(np.sqrt(np.mean(low**2))) if len(low) else 0.0, SILENT) * LEVEL
    window, longest = round(WINDOW_S * RATE), int(RATE / LOWEST_HZ) + 2
    both = window + longest
    middles = (np.arange(n_frames) + 0.5) * stft.hop_samples * RATE / stft.sample_rate
    padded = np.pad(
        low, (both, 2 * both + max(0, round(n_frames * stft.hop_samples * RATE / stft.sample_rate) - len(low)))
    )
    pieces = np.lib.stride_tricks.sliding_window_view(padded, both)[(middles + both - both // 2).astype(int)]
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    size = 1 << (2 * both - 1).bit_length()
    spectra = np.fft.rfft(pieces[:, :window], size).conj() * np.fft.rfft(pieces, size)
    products = np.fft.irfft(spectra, size)[:, : longest + 1]
    sums = np.cumsum(np.pad(pieces**2, ((0, 0), (1, 0))), axis=1)
    energies = sums[:, window : both + 1] - sums[:, : longest + 1]
    correlation = products / np.sqrt(energies[:, :1] * energies + 1e-9)
    return correlation, 10 * np.log10(energies[:, 0] / window + 1e-12)


def _best_path(scores: np.ndarray) -> np.ndarray:
    """The candidate of each frame, -1 where there is no voice, so that the sum of scores less the costs of changes is
    highest; shape (n_frames,).
    """
    n_frames, n = scores.shape
    if not n_frames:
        return np.zeros(0, int)
    costs = PER_OCTAVE * np.abs(np.arange(-MOST_STEPS, MOST_STEPS + 1))[:, None] / STEPS
    came_from, silent_from = np.full((n_frames, n), -1), np.full(n_frames, -1)
    voiced, silent = scores[0], UNVOICED
    for frame in range(1, n_frames):
        padded = np.pad(voiced, MOST_STEPS, constant_values=-np.inf)
        moves = np.lib.stride_tricks.sliding_window_view(padded, n) - costs
        step = moves.argmax(axis=0)
        best, ended = moves[step, np.arange(n)], voiced.max() - CHANGE
        goes_on = best >= silent - CHANGE
        came_from[frame] = np.where(goes_on, np.arange(n) + step - MOST_STEPS, -1)
        silent_from[frame] = voiced.argmax() if ended > silent else -1
        voiced, silent = np.where(goes_on, best, silent - CHANGE) + scores[frame], max(ended, silent) + UNVOICED
    path = np.full(n_frames, -1)
    at = int(voiced.argmax()) if voiced.max() > silent else -1
    for frame in range(n_frames - 1, -1, -1):
        path[frame] = at
        at = came_from[frame, at] if at >= 0 else silent_from[frame]
    return path


def _believed(path: np.ndarray) -> np.ndarray:
    """In Hz, without runs that are too short or too far from the others to be the same voice; NaN there."""
    pitch_hz = np.where(path >= 0, CANDIDATES_HZ[path], np.nan)
    voiced = np.flatnonzero(path >= 0)
    if len(voiced):
        octaves = np.log2(pitch_hz)
        median = np.median(octaves[voiced])
        for start, stop in join_stretches((at, at + 1) for at in voiced.tolist()):
            off, length = abs(np.median(octaves[start:stop]) - median), stop - start
            if length < SHORTEST or off > (FAR_IF_SHORT if length < SHORT else FAR):
                pitch_hz[start:stop] = np.nan
    return pitch_hz


def contour_of(pitch_hz: np.ndarray) -> np.ndarray:
    """A pitch for each frame, in octaves above 1 Hz: straight lines between those that are heard; shape (n_frames,).
    NaN throughout where too few are.
    """
    voiced = np.flatnonzero(~np.isnan(pitch_hz))
    if len(voiced) < LEAST_VOICED:
        return np.full(len(pitch_hz), np.nan)
    return np.interp(np.arange(len(pitch_hz)), voiced, np.log2(pitch_hz[voiced]))


def continue_pitch(pitch_hz: np.ndarray, lost: np.ndarray, stft: StftConfig, draw: int = 0) -> np.ndarray:
    """As :func:`contour_of`, where it is not known in some frames: there the intonation of what is heard is spoken over
    again, joined to the pitch at both edges. A voice that stayed at its mean would be no person's.

    Args:
        pitch_hz: as of :func:`track_pitch`; not looked at where ``lost``.
        lost: bool, shape (n_frames,).
        draw: another number takes it from another place.
    """
    known = np.where(lost, np.nan, pitch_hz)
    contour = contour_of(known)
    voiced = np.flatnonzero(~np.isnan(known))
    if np.isnan(contour).any() or not lost.any():
        return contour
    frame_s, median = stft.hop_samples / stft.sample_rate, np.median(np.log2(known[voiced]))
    places = np.flatnonzero(~lost)
    heard = contour[places[(places >= voiced[0]) & (places <= voiced[-1])]]
    again = np.concatenate([heard, heard[::-1]])  # there and back, so that it has no step where it begins anew
    for start, stop in join_stretches((at, at + 1) for at in np.flatnonzero(lost).tolist()):
        before = int(np.searchsorted(places, start)) - (stop - start) + round(draw * FURTHER * len(again))
        off = np.take(again, before + np.arange(stop - start), mode="wrap") - median
        edges = []
        for near, edge in ((voiced[voiced < start][-3:], start), (voiced[voiced >= stop][:3], stop - 1)):
            if len(near) and np.abs(near - edge).min() * frame_s < NEAR_S:
                edges.append((np.log2(known[near]).mean(), edge))
        fades = [np.exp(-(np.abs(np.arange(start, stop) - edge) + 1) * frame_s / JOIN_S) for _, edge in edges]
        for fade in fades:
            off *= 1 - fade
        contour[start:stop] = median + off
        steps = [pitch - contour[edge] for pitch, edge in edges]
        both = np.maximum(sum(fades, np.zeros(stop - start)), 1)  # in a short gap each edge has its share
        for step, fade in zip(steps, fades, strict=True):
            contour[start:stop] += step * fade / both
    return contour
