"""Checks that several metrics share, and a fixed random state for packages that need one."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import AvsiError


class UndefinedMetric(AvsiError):
    """A metric has no value for this input; the message says why."""


def check_signal(samples: np.ndarray, name: str) -> None:
    """Raise ValueError unless the shape is (n_samples,), UndefinedMetric for silence and non-finite samples."""
    if samples.ndim != 1:
        raise ValueError(f"shape {samples.shape}: expected a signal of shape (n_samples,)")
    if not samples.any():
        raise UndefinedMetric(f"the {name} is silent")
    if not np.isfinite(samples).all():
        raise UndefinedMetric(f"the {name} holds samples that are not a number")


def check_pair(clean: np.ndarray, restored: np.ndarray) -> None:
    """As :func:`check_signal`, for a reference and a restored signal, which may be silent."""
    if clean.ndim != 1 or clean.shape != restored.shape:
        raise ValueError(f"shapes {clean.shape} and {restored.shape}: expected two signals of one length")
    check_signal(clean, "reference")
    if not np.isfinite(restored).all():
        raise UndefinedMetric("the restored signal holds samples that are not a number")


@contextmanager
def seeded() -> Iterator[None]:
    """Seed NumPy's global random generator, which some packages draw from; its state is restored afterwards."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
