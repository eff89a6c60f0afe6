"""Conversion of samples between numeric types and between sample rates."""

import math

import numpy as np

from ..errors import MediaError


def to_float(samples: np.ndarray) -> np.ndarray:
    """Convert samples of any type to float64 with full scale 1.0; same shape.

    Raises:
        MediaError: an integer type other than 8, 16 and 32 bit, or no numeric type.
    """
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128
    if samples.dtype in (np.int8, np.int16, np.int32):
        return samples / -float(np.iinfo(samples.dtype).min)
    if np.issubdtype(samples.dtype, np.floating):
        return samples.astype(np.float64)
    raise MediaError(f"samples of type {samples.dtype}: expected float, int16, int32 or 8 bit")


def from_float(samples: np.ndarray, dtype: np.dtype | str) -> np.ndarray:
    """The inverse of :func:`to_float`: integers are rounded, and clipped to the range of the type."""
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.floating):
        return samples.astype(dtype)
    middle = 128.0 if dtype == np.uint8 else 0.0
    info = np.iinfo(dtype)
    scale = (float(info.max) - middle) + 1
    return np.clip(np.rint(samples * scale + middle), info.min, info.max).astype(dtype)


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Polyphase resampling along the first axis; ``ceil(n * new / old)`` samples.

    The anti-aliasing filter is that of ``scipy.signal.resample_poly``, and so are the values; only importing that takes
    longer than restoring a short clip.
    """
    if rate == new_rate:
        return samples
    up, down = new_rate // math.gcd(rate, new_rate), rate // math.gcd(rate, new_rate)
    half = 10 * max(up, down)
    low_pass = np.sinc(np.arange(-half, half + 1) / max(up, down)) * np.kaiser(2 * half + 1, 5.0)
    n_taps = -(-len(low_pass) // up)
    taps = np.pad(low_pass * (up / low_pass.sum()), (0, n_taps * up - len(low_pass)))
    along = np.pad(np.asarray(samples.T, np.float64), [*[(0, 0)] * (samples.ndim - 1), (n_taps, half // up + 2)])
    windows = np.lib.stride_tricks.sliding_window_view(along, n_taps, axis=-1)
    resampled = np.empty((*along.shape[:-1], -(-len(samples) * up // down)))
    # With up - 1 zeros put behind each sample, every up-th tap meets one; which they are recurs after up outputs.
    for phase in range(min(up, resampled.shape[-1])):
        last, first_tap = divmod(phase * down + half, up)
        outputs = resampled[..., phase::up]
        met = windows[..., last + 1 :: down, :][..., : outputs.shape[-1], :]
        outputs[...] = met @ taps[first_tap::up][::-1].copy()
    return resampled.T
