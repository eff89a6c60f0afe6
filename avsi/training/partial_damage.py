"""Gaps that are lost in part: which bins of their frames are reliable, and what these hold."""

import math

import numpy as np
import torch
from torch import Tensor

from ..config import StftConfig

KINDS = ("below", "above", "beside", "noise")  # of a frequency all below, all above, all but a band; what noise leaves
LOWEST_HZ, HIGHEST_HZ = 150.0, 4500.0  # of the edges
WIDEST_OCTAVES = 3.0  # of a lost band
MARGIN_OCTAVES = 0.6  # at most so far from a noise's edge the reliable bins begin
SNR_DB = (-12.0, 10.0)  # power of the speech in the gap over that of the noise
SKIRT = (2.0, 8.0)  # order of a noise's edges, which fall by 6 dB an octave for each
FLOOR_DB = (-70.0, -30.0)  # of a noise far from its band, below that in the band
CLEAR_DB = 12.0  # bins that are up to so far above a noise over all frequencies are lost


def draw_kept(log_spectrum: Tensor, lost: Tensor, share: float, stft: StftConfig, rng: np.random.Generator) -> Tensor:
    """Make some gaps partial: bands that are whole but for a little noise, or what is louder than a noise over all.

    Which bins are reliable is known here, as it is of the ideal binary mask (Wang, 2005); Kegler et al. (2020) train


    Args:
        log_spectrum: natural log magnitude of clean speech, shape (n_frames, n_bins).
        lost: bool, shape (n_frames,).
        share: of the runs of lost frames that are made partial.

    Returns:
        Natural log magnitude of the reliable bins in lost frames, same shape as ``log_spectrum``; NaN elsewhere.
    """
    kept = torch.full_like(log_spectrum, math.nan)
    edges = np.flatnonzero(np.diff(lost.numpy().astype(int), prepend=0, append=0))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        kind, is_partial = rng.choice(KINDS), rng.random() < share
        seed = int(rng.integers(2**31))
        if is_partial:
            kept[start:stop] = _kept_of(log_spectrum[start:stop], kind, stft, np.random.default_rng(seed))
    return kept


def _kept_of(frames: Tensor, kind: str, stft: StftConfig, rng: np.random.Generator) -> Tensor:
    hertz = np.arange(stft.n_bins) * stft.sample_rate / stft.n_fft
    low_hz = math.exp(rng.uniform(math.log(LOWEST_HZ), math.log(HIGHEST_HZ)))
    high_hz = low_hz * 2 ** rng.uniform(0.1, WIDEST_OCTAVES)
    below, above = kind in ("below", "beside"), kind in ("above", "beside")  # where something is kept
    slope = rng.uniform(-1, 2.5)  # of the noise's power over frequency: white 0, brown 2
    gain = np.maximum(hertz, 60.0) ** (-slope / 2)
    order = 2 * rng.uniform(*SKIRT)
    if below:
        gain = gain / np.sqrt(1 + (low_hz / np.maximum(hertz, 1.0)) ** order)
    if above:
        gain = gain / np.sqrt(1 + (hertz / high_hz) ** order)
    gain = gain + gain.max() * 10 ** (rng.uniform(*FLOOR_DB) / 20)
    noise = gain * (rng.standard_normal(frames.shape) + 1j * rng.standard_normal(frames.shape))
    speech = np.exp(frames.numpy() + 2j * np.pi * rng.random(frames.shape))
    ratio = 10 ** (-rng.uniform(*SNR_DB) / 10) * np.mean(np.abs(speech) ** 2) / np.mean(np.abs(noise) ** 2)
    noise *= math.sqrt(ratio)
    margin = 2 ** rng.uniform(0, MARGIN_OCTAVES)
    if kind == "noise":
        reliable = np.abs(speech) > np.abs(noise) * 10 ** (rng.uniform(0, CLEAR_DB) / 20)
    else:
        band = (below & (hertz < low_hz / margin)) | (above & (hertz > high_hz * margin))
        reliable = np.broadcast_to(band, speech.shape)
    observed = np.log(np.abs(speech + noise) + stft.log_floor).astype(np.float32)
    return torch.from_numpy(np.where(reliable, observed, np.float32(math.nan)))
