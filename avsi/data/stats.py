"""Normalisation statistics of a training set."""

from __future__ import annotations

import zipfile
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import write_npz


@dataclass(frozen=True)
class Stats:
    """Mean and standard deviation per log-magnitude bin and per visual feature.

    Attributes:
        audio_mean, audio_std: shape (n_bins,), float32, of the natural log magnitude.
        visual_mean, visual_std: shape (n_visual,), float32; of length 0 for a set without video.
        ids: the ids of the utterances, as strings, shape (n_utterances,); of length 0 if they are not known.
    """

    audio_mean: np.ndarray
    audio_std: np.ndarray
    visual_mean: np.ndarray
    visual_std: np.ndarray
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, str))

    def save(self, path: str | Path) -> None:
        write_npz(path, **vars(self))

    def same_audio(self, other: Stats) -> bool:
        """Whether the audio statistics are equal; the visual ones may differ."""
        return np.array_equal(self.audio_mean, other.audio_mean) and np.array_equal(self.audio_std, other.audio_std)

    @classmethod
    def load(cls, path: str | Path) -> Stats:
        """Raises DataError if the file is missing or no statistics file."""
        path = Path(path)
        if not path.is_file():
            raise DataError(f"{path}: no such statistics file; python -m data_prep.stats makes one")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                needed = {one.name for one in fields(cls) if one.default_factory is MISSING}
                stats = cls(**{one.name: arrays[one.name] for one in fields(cls) if one.name in needed | {*arrays}})
            for mean, std in ((stats.audio_mean, stats.audio_std), (stats.visual_mean, stats.visual_std)):
                if mean.ndim != 1 or mean.shape != std.shape:
                    raise ValueError(f"a mean of shape {mean.shape} beside a deviation of shape {std.shape}")
                if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
                    raise ValueError("a mean or deviation that is no finite number, or no deviation")
            return stats
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: not a statistics file ({error})") from error


class RunningMoments:
    """Mean and standard deviation per column over rows that are added in blocks, accumulated in float64."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = self._square_sum = np.zeros(1)

    def add(self, rows: np.ndarray) -> None:
        """Add rows of shape (n, columns)."""
        rows = rows.astype(np.float64)
        self.count += len(rows)
        self._sum = self._sum + rows.sum(axis=0)
        self._square_sum = self._square_sum + (rows**2).sum(axis=0)

    def join(self, other: RunningMoments) -> None:
        """Add the rows of another one."""
        self.count += other.count
        self._sum = self._sum + other._sum
        self._square_sum = self._square_sum + other._square_sum

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, standard deviation) as float32; deviations of 0 become 1, so that dividing by them is safe."""
        if not self.count:
            return np.zeros(0, np.float32), np.ones(0, np.float32)
        mean = self._sum / self.count
        std = np.sqrt(np.maximum(self._square_sum / self.count - mean**2, 0))
        return mean.astype(np.float32), np.where(std > 1e-8, std, 1).astype(np.float32)
