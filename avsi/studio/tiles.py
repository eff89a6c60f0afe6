"""Pictures of a stretch of sound: peaks, and a spectrogram as a PNG. Their cost depends on their size, not on the
sound's length.
"""

from __future__ import annotations

import io
import threading
from functools import cache

import numpy as np

from .refusals import Refused
from .sounds import Clocked

HOP_SAMPLES = 512  # of the overview of a sound
MOST_AT_ONCE = 1 << 20  # samples, while the overview is made
DIRECT = 4  # hops in a pixel, from which on the overview is exact enough
MAX_PEAKS, MAX_WIDTH, MAX_HEIGHT = 4000, 4096, 1024
WINDOW_S = 0.024
WINDOWS_A_PIXEL = 4  # at most, spread over the time of one
TOP_HZ = 8000.0
LOWEST_DB, HIGHEST_DB = -60.0, 35.0  # of a window's spectrum, the range of the colours


class Overview:
    """The lowest and highest value of each hop of a sound, of as much of it as is known so far."""

    def __init__(self, length: int) -> None:
        """Args:
        length: of the sound, in samples.
        """
        self._known, self._lock = 0, threading.Lock()
        n_hops = -(-length // HOP_SAMPLES)
        self.low, self.high = np.zeros(n_hops, np.float32), np.zeros(n_hops, np.float32)

    def grow(self, sound: Clocked) -> None:
        """Take in what has become known."""
        with self._lock:
            ends = sound.known_until
            whole = -(-ends // HOP_SAMPLES) if ends >= sound.length else ends // HOP_SAMPLES
            while self._known < whole:
                upto = min(whole, self._known + MOST_AT_ONCE // HOP_SAMPLES)
                samples = sound.mono(self._known * HOP_SAMPLES, upto * HOP_SAMPLES).reshape(-1, HOP_SAMPLES)
                self.low[self._known : upto] = samples.min(axis=1)
                self.high[self._known : upto] = samples.max(axis=1)
                self._known = upto


def check_stretch(start_s: float, end_s: float) -> None:
    if not (np.isfinite(start_s) and np.isfinite(end_s) and 0 <= start_s < end_s <= 1e6):
        raise Refused(400, f"start {start_s:g} and end {end_s:g}: expected seconds, 0 <= start < end")


def peaks(sound: Clocked, overview: Overview, start_s: float, end_s: float, n: int) -> tuple[list[float], list[float]]:
    """The lowest and the highest value of the mean of the channels in each of ``n`` parts of a stretch."""
    check_stretch(start_s, end_s)
    if not 1 <= n <= MAX_PEAKS:
        raise Refused(400, f"n {n}: expected 1 to {MAX_PEAKS}")
    edges = np.linspace(start_s, end_s, n + 1) * sound.rate
    if edges[1] - edges[0] >= DIRECT * HOP_SAMPLES:
        overview.grow(sound)
        low, high = _extremes(overview.low, overview.high, edges / HOP_SAMPLES)
    else:
        first, last = int(edges[0]), int(np.ceil(edges[-1])) + 1
        samples = sound.mono(first, last)
        low, high = _extremes(samples, samples, edges - first)
    return [round(float(value), 4) for value in low], [round(float(value), 4) for value in high]


def _extremes(low: np.ndarray, high: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the values from each edge on to the next one, at least one; 0 beyond the last."""
    first = np.floor(edges[:-1]).astype(np.int64)
    last = np.maximum(np.floor(edges[1:]).astype(np.int64), first + 1)
    # reduceat takes all from one index to the next: what lies between `last` and the next `first` is nothing here.
    padded = [np.append(values, 0.0) for values in (low, high)]
    top = len(low)
    inside = first < top
    lows, highs = np.zeros(len(first)), np.zeros(len(first))
    if inside.any():
        bounds = np.stack([first[inside], np.minimum(last[inside], top)], axis=1).ravel()
        lows[inside] = np.minimum.reduceat(padded[0], bounds)[::2]
        highs[inside] = np.maximum.reduceat(padded[1], bounds)[::2]
    return lows, highs


def spectrogram(sound: Clocked, start_s: float, end_s: float, width: int, height: int) -> bytes:
    """A PNG of ``width`` x ``height`` pixels: dB over time and frequency, from 0 Hz below to :func:`top_hz` above."""
    check_stretch(start_s, end_s)
    if not (1 <= width <= MAX_WIDTH and 1 <= height <= MAX_HEIGHT):
        raise Refused(400, f"width {width} and height {height}: expected up to {MAX_WIDTH} and {MAX_HEIGHT}")
    power = _powers(sound, start_s, end_s, width)
    level = 10 * np.log10(power + 1e-9)
    # A row for each pixel: the strongest of the bins in it, or the nearest one.
    bin_hz = sound.rate / (2 * (power.shape[1] - 1))
    edges = np.linspace(0, top_hz(sound.rate) / bin_hz, height + 1)
    first = np.minimum(np.round(edges[:-1]).astype(int), power.shape[1] - 2)
    rows = np.maximum.reduceat(level[:, : max(int(np.ceil(edges[-1])), 1) + 1], first, axis=1).T[::-1]
    shade = np.clip((rows - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB) * 255, 0, 255).astype(np.uint8)
    return _png(shade)


def top_hz(rate: int) -> float:
    return min(TOP_HZ, rate / 2)


def _powers(sound: Clocked, start_s: float, end_s: float, width: int) -> np.ndarray:
    """The mean power of some windows spread over each pixel; shape (width, n_bins)."""
    length = max(int(WINDOW_S * sound.rate) // 2 * 2, 16)
    n_fft = 1 << (length - 1).bit_length()
    pixel = (end_s - start_s) * sound.rate / width
    each = int(np.clip(np.ceil(pixel / length), 1, WINDOWS_A_PIXEL))
    centres = start_s * sound.rate + (np.arange(width * each) + 0.5) * pixel / each
    firsts = np.round(centres - length / 2).astype(np.int64)
    if firsts[-1] - firsts[0] <= 4 * len(firsts) * length:  # they lie close: read all at once
        samples = sound.mono(int(firsts[0]), int(firsts[-1]) + length)
        frames = np.lib.stride_tricks.sliding_window_view(samples, length)[firsts - firsts[0]]
    else:
        frames = np.stack([sound.mono(int(first), int(first) + length) for first in firsts])
    total = np.zeros((width, n_fft // 2 + 1))
    taper = np.hanning(length + 1)[:-1]
    for part in range(each):
        total += np.abs(np.fft.rfft(frames[part::each] * taper, n_fft)) ** 2
    return total / each


def _png(shade: np.ndarray) -> bytes:
    from PIL import Image

    picture = Image.fromarray(shade)
    picture.putpalette(_palette())
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue()


@cache
def _palette() -> bytes:
    """From silence to loud: black over violet and orange to a light yellow."""
    stops = {0: (9, 8, 16), 64: (60, 15, 110), 128: (160, 45, 120), 192: (245, 115, 90), 255: (252, 250, 190)}
    colours = [np.interp(np.arange(256), list(stops), [colour[part] for colour in stops.values()]) for part in range(3)]
    return np.stack(colours, axis=1).round().astype(np.uint8).tobytes()
