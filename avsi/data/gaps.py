"""Gaps: what they are, the policies that draw them, the files that keep them, and the masks they make."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..config import GapConfig, StftConfig
from ..errors import DataError, GapError
from ..files import read_lines, write_text
from ..timebase import frames_touching, to_samples, to_seconds

# A gap may reach this much beyond the recording: its start and end are shown, and typed in, with three digits.
END_TOLERANCE_S = 0.0005


@dataclass(frozen=True, order=True)
class Gap:
    """A stretch of lost sound, ``[start_s, end_s)`` in seconds."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    @classmethod
    def parse(cls, text: str) -> Gap:
        """From ``START:END`` in seconds. Raises GapError on anything else."""
        try:
            start, end = (float(part) for part in text.split(":"))
        except ValueError:
            raise GapError(f"gap '{text}': expected START:END in seconds, such as 0.80:1.60") from None
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start_s:g}:{self.end_s:g}"


def gap_spans(gaps: list[Gap], n_samples: int, rate: int, start_s: float = 0.0) -> list[tuple[int, int]]:
    """The gaps as sorted, disjoint spans of samples ``[start, stop)`` of a recording, whose first sample plays at
    ``start_s`` of their clock.

    Raises:
        GapError: no gap; one that is reversed, shorter than a sample, outside the recording or overlaps another; or
        none of the
            recording is left.
    """
    if not gaps:
        raise GapError("no gap given: name at least one as START:END in seconds")
    spans = []
    for gap in sorted(gaps):
        if not (math.isfinite(gap.start_s) and math.isfinite(gap.end_s)):
            raise GapError(f"gap {gap}: times must be finite numbers of seconds")
        if gap.end_s <= gap.start_s:
            raise GapError(f"gap {gap}: ends before it starts; expected START:END in seconds")
        begin_s, end_s, duration_s = gap.start_s - start_s, gap.end_s - start_s, to_seconds(n_samples, rate)
        if start_s and (begin_s < -END_TOLERANCE_S or end_s > duration_s + END_TOLERANCE_S):
            raise GapError(
                f"gap {gap}: outside the sound, which plays from {start_s:.3f} to {start_s + duration_s:.3f} s"
            )
        if not start_s and (begin_s < 0 or end_s > duration_s + END_TOLERANCE_S):
            raise GapError(f"gap {gap}: outside the recording, which lasts {duration_s:.3f} s")
        start, stop = max(to_samples(begin_s, rate), 0), min(to_samples(end_s, rate), n_samples)
        if stop <= start:
            raise GapError(f"gap {gap}: shorter than one sample at {rate} Hz")
        if spans and start < spans[-1][1]:
            raise GapError(f"gap {gap}: overlaps the gap before it")
        spans.append((start, stop))
    if sum(stop - start for start, stop in spans) == n_samples:
        raise GapError("the gaps cover the whole recording: nothing is left to restore it from")
    return spans


def widened(spans: list[tuple[int, int]], margin: int, n_samples: int) -> list[tuple[int, int]]:
    """Sorted gaps with ``margin`` samples at either side, within a recording; those that then meet become one."""
    wide: list[tuple[int, int]] = []
    for start, stop in spans:
        begin, end = max(start - margin, 0), min(stop + margin, n_samples)
        if wide and begin <= wide[-1][1]:
            begin = wide.pop()[0]
        wide.append((begin, end))
    return wide


def lost_samples(spans: list[tuple[int, int]], n_samples: int) -> np.ndarray:
    """Whether each sample lies in a gap; shape (n_samples,), bool."""
    lost = np.zeros(n_samples, bool)
    for start, stop in spans:
        lost[start:stop] = True
    return lost


def lost_frames(spans: list[tuple[int, int]], n_frames: int, stft: StftConfig) -> np.ndarray:
    """Whether the window of each STFT frame touches a gap; spans at the STFT's rate; shape (n_frames,), bool."""
    lost = np.zeros(n_frames, bool)
    for start, stop in spans:
        first, last = frames_touching(start, stop, stft)
        lost[max(first, 0) : last] = True
    return lost


def generator(seed: int, *names: object) -> np.random.Generator:
    """A random generator of its own for each seed and names, such as an epoch and an utterance id, on every machine
    alike.
    """
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def draw_random(duration_s: float, config: GapConfig, rate: int, rng: np.random.Generator) -> list[Gap]:
    """The paper's corruption: a normally distributed total, split over several gaps at random places.

    The total is drawn from the normal distribution cut to what fits; its split is uniform over all splits that leave
    every gap its minimum; so are the pauses between gaps over all that leave one minimum gap's length between
    neighbours. Unlike in the released code, gaps do not overlap, do not leave the region, and add up to the total.

    Raises:
        GapError: the recording is too short for a single gap of the minimum length.
    """
    region = min(to_samples(config.region_ms / 1000, rate), to_samples(duration_s, rate) - 1)
    shortest = to_samples(config.min_ms / 1000, rate)
    # n gaps and n - 1 pauses of at least the minimum length must fit.
    most = min(config.max_count, (region // shortest + 1) // 2 if shortest else config.max_count)
    if most < config.min_count or region < shortest:
        raise GapError(
            f"a recording of {duration_s:.3f} s is too short for {config.min_count} gap(s) of {config.min_ms:g} ms"
        )
    count = int(rng.integers(config.min_count, most + 1))
    low = count * shortest
    high = min(to_samples(config.total_max_ms / 1000, rate), region - (count - 1) * shortest)
    total = _truncated_normal(config.total_mean_ms * rate / 1000, config.total_std_ms * rate / 1000, low, high, rng)
    lengths = shortest + _split(total - low, count, rng)
    spare = _split(region - total - (count - 1) * shortest, count + 1, rng)
    gaps, position = [], 0
    for length, pause in zip(lengths, spare, strict=False):
        start = position + int(pause)
        position = start + int(length) + shortest
        gaps.append(Gap(to_seconds(start, rate), to_seconds(start + int(length), rate)))
    return gaps


def draw_single(duration_s: float, gap_ms: float, config: GapConfig, rate: int, rng: np.random.Generator) -> list[Gap]:
    """The paper's time-gap analysis: one gap of a fixed length at a random place in the first 2 s (further where it
    needs more).

    Raises:
        GapError: the recording is not longer than the gap.
    """
    if not 0 < gap_ms / 1000 < duration_s:  # NaN too
        raise GapError(f"a gap of {gap_ms:g} ms does not fit a recording of {duration_s:.3f} s")
    length, n_samples = to_samples(gap_ms / 1000, rate), to_samples(duration_s, rate)
    region = min(max(to_samples(config.region_ms / 1000, rate), length), n_samples)
    start = int(rng.integers(0, region - length + 1))
    return [Gap(to_seconds(start, rate), to_seconds(start + length, rate))]


def _truncated_normal(mean: float, std: float, low: int, high: int, rng: np.random.Generator) -> int:
    from scipy.stats import truncnorm

    drawn = mean
    # SciPy cannot draw with a deviation of next to nothing, which is none.
    if std > 1e-6 and low < high:
        drawn = truncnorm.rvs((low - mean) / std, (high - mean) / std, loc=mean, scale=std, random_state=rng)
    # Rounding may have left the bounds by a little.
    return int(min(max(drawn, low), high))


def _split(total: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` non-negative integers that add up to ``total``, uniform over all such splits (stars and bars)."""
    bars = np.sort(rng.choice(total + count - 1, count - 1, replace=False))
    return np.diff(np.concatenate([[-1], bars, [total + count - 1]])) - 1


def gap_file(folder: str | Path, condition: str) -> Path:
    """Where a folder keeps the gaps of a condition."""
    return Path(folder) / f"gaps_{condition}"


def read_gap_file(path: str | Path) -> dict[str, list[Gap]]:
    """Lines ``<utterance> <start_s> <end_s>``, several for an utterance with several gaps; lines from # are remarks.

    Times are taken to the microsecond, as they are written.

    Raises:
        DataError: no such file, or a line of another form, named by its number.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such gap file; python -m data_prep.gaps makes one")
    gaps: dict[str, list[Gap]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("#"):
            continue
        try:
            utterance, start, end = line.split()
            gaps.setdefault(utterance, []).append(Gap(round(float(start), 6), round(float(end), 6)))
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<utterance> <start_s> <end_s>', found '{line}'") from None
    return {utterance: sorted(of) for utterance, of in gaps.items()}


def gap_file_remark(path: str | Path) -> str:
    """What the first line of a gap file says of how it was drawn; "" where it does not."""
    first = "".join(read_lines(path)[:1])
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def read_label_file(path: str | Path) -> list[Gap]:
    """The gaps of one recording: lines ``<start_s> <end_s> [label]``, as Audacity exports a label track.

    Raises:
        GapError: no such file, a folder, no labels, or a line of another form, named by its number.
    """
    path = Path(path)
    if not path.is_file():
        raise GapError(f"{path}: {'is a folder; expected a text file' if path.is_dir() else 'no such file'}")
    gaps = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("\\"):  # Audacity's second line of a label with frequencies
            continue
        try:
            start, end = line.split(maxsplit=2)[:2]
            gaps.append(Gap(float(start), float(end)))
        except ValueError:
            raise GapError(f"{path}:{number}: expected '<start_s> <end_s> [label]', found '{line}'") from None
    if not gaps:
        raise GapError(f"{path}: holds no labels; expected lines '<start_s> <end_s> [label]'")
    return gaps


def write_gap_file(path: str | Path, gaps: dict[str, list[Gap]], remark: str = "") -> None:
    lines = (
        f"{utterance} {gap.start_s:.6f} {gap.end_s:.6f}\n"
        for utterance in sorted(gaps)
        for gap in sorted(gaps[utterance])
    )
    write_text(path, "".join([f"# {remark}\n" if remark else "", *lines]))
