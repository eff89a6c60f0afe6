"""The 68 landmarks of a face over time, as arrays and as matrices of Kaldi archives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError

RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)  # among the 68 points


@dataclass(frozen=True)
class Tracks:
    """The landmarks of one face over time.

    Attributes:
        time_s: shape (n,), ascending, in seconds on the clock of the sound.
        points: shape (n, 68, 2), float32, in pixels from the top left; NaN in frames where no face was found.
    """

    time_s: np.ndarray
    points: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Whether each frame shows a face; shape (n,), bool."""
        return ~np.isnan(self.points[:, 0, 0])

    def between(self, start_s: float, stop_s: float) -> Tracks:
        """The frames with ``start_s <= time < stop_s``, on the same clock."""
        chosen = (self.time_s >= start_s) & (self.time_s < stop_s)
        return Tracks(self.time_s[chosen], self.points[chosen])

    def excerpt(self, start_s: float, stop_s: float) -> Tracks:
        """As :meth:`between`, on a clock that starts with ``start_s``."""
        chosen = self.between(start_s, stop_s)
        return Tracks(chosen.time_s - start_s, chosen.points)

    def to_matrix(self) -> np.ndarray:
        """Time and coordinates as one float32 matrix of shape (n, 137), as in a Kaldi archive."""
        return np.hstack([self.time_s[:, None], self.points.reshape(len(self.points), -1)]).astype(np.float32)

    @classmethod
    def from_matrix(cls, matrix: np.ndarray) -> Tracks:
        """Raises DataError for a matrix that is none of :meth:`to_matrix`."""
        if matrix.ndim != 2 or matrix.shape[1] != 137:
            raise DataError(f"expected a time and 68 points a row, 137 columns, found a shape of {matrix.shape}")
        time_s, points = matrix[:, 0], matrix[:, 1:]
        if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
            raise DataError("expected times that ascend")
        if np.isinf(points).any() or (np.isnan(points).any(axis=1) != np.isnan(points).all(axis=1)).any():
            raise DataError("expected in each row all 68 points, or none")
        return cls(time_s.astype(np.float64), points.reshape(-1, 68, 2).astype(np.float32, copy=False))
