"""Conversion of samples between numeric types and between sample rates."""

from __future__ import annotations

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
    """Polyphase resampling along the first axis with SciPy's default anti-aliasing filter; ``ceil(n * new / old)``
    samples.
    """
    if rate == new_rate:
        return samples
    from scipy.signal import resample_poly

    return resample_poly(samples, new_rate, rate, axis=0)
