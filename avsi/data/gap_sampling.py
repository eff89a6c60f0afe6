"""Random gaps: the paper's corruption, and single gaps of a fixed length."""

from collections.abc import Callable

import numpy as np

from ..config import GapConfig, StftConfig
from ..errors import GapError
from ..timebase import to_samples, to_seconds
from .gaps import Gap, lost_frames

MAX_DRAWS = 10
MOST = 0.98  # of a recording is lost: something must be left


def draw_random(duration_s: float, config: GapConfig, rate: int, rng: np.random.Generator) -> list[Gap]:
    """The paper's corruption: a normally distributed total length, split over several gaps at random positions.

    The total is drawn from a normal distribution truncated to what fits. Gap lengths are uniform over all splits of the
    total in which each gap has the minimum length; the sound between gaps likewise, over all splits that leave at least
    one minimum length. Unlike in the released code, gaps never overlap or leave the region, and add up to the total.

    Raises:
        GapError: the recording is too short for a single gap of the minimum length.
    """
    region = min(to_samples(config.region_ms / 1000, rate), to_samples(duration_s, rate) - 1)
    shortest = to_samples(config.min_ms / 1000, rate)
    # n gaps and the n - 1 spaces between them, each of at least the minimum length, must fit.
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
    for length, space in zip(lengths, spare, strict=False):
        start = position + int(space)
        position = start + int(length) + shortest
        gaps.append(Gap(to_seconds(start, rate), to_seconds(start + int(length), rate)))
    return gaps


def draw_single(duration_s: float, gap_ms: float, config: GapConfig, rate: int, rng: np.random.Generator) -> list[Gap]:
    """The paper's time-gap analysis: one gap of a fixed length at a random position in the first 2 s, or beyond if it
    is longer.

    Raises:
        GapError: the recording is not longer than the gap.
    """
    if not 0 < gap_ms / 1000 < duration_s:  # NaN too
        raise GapError(f"a gap of {gap_ms:g} ms does not fit a recording of {duration_s:.3f} s")
    length, n_samples = to_samples(gap_ms / 1000, rate), to_samples(duration_s, rate)
    region = min(max(to_samples(config.region_ms / 1000, rate), length), n_samples)
    start = int(rng.integers(0, region - length + 1))
    return [Gap(to_seconds(start, rate), to_seconds(start + length, rate))]


def draw_from_end(duration_s: float, rate: int, rng: np.random.Generator) -> list[Gap]:
    """One gap that takes between a half and nearly all of a recording, from its first sample on or up to its last one:
    of the speech little is known but what was said, and in whose voice.
    """
    n_samples = to_samples(duration_s, rate)
    at_start, length = rng.random() < 0.5, round(n_samples * rng.uniform(0.5, MOST))
    start = 0 if at_start else n_samples - length
    return [Gap(to_seconds(start, rate), to_seconds(start + length, rate))]


def draw_in_speech(draw: Callable[[], list[Gap]], speech: np.ndarray, config: GapConfig, stft: StftConfig) -> list[Gap]:
    """Draw gaps until ``config.in_speech`` of the frames that they lose are speech, at most ten times; then the gaps
    that lose the largest share of speech.

    Args:
        draw: gives other gaps each time.
        speech: the frames that are no pause, shape (n_frames,), bool.
    """
    best: tuple[float, list[Gap]] = (-1.0, [])
    for _ in range(MAX_DRAWS):
        gaps = draw()
        spans = [(to_samples(gap.start_s, stft.sample_rate), to_samples(gap.end_s, stft.sample_rate)) for gap in gaps]
        share = float(speech[lost_frames(spans, len(speech), stft)].mean())
        best = max(best, (share, gaps), key=lambda one: one[0])
        if share >= config.in_speech:
            break
    return best[1]


def _truncated_normal(mean: float, std: float, low: int, high: int, rng: np.random.Generator) -> int:
    from scipy.stats import truncnorm

    drawn = mean
    # SciPy fails for standard deviations near 0, which are taken as 0.
    if std > 1e-6 and low < high:
        drawn = truncnorm.rvs((low - mean) / std, (high - mean) / std, loc=mean, scale=std, random_state=rng)
    # Rounding errors may exceed the bounds.
    return int(min(max(drawn, low), high))


def _split(total: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` non-negative integers that add up to ``total``, uniform over all such splits (stars and bars)."""
    bars = np.sort(rng.choice(total + count - 1, count - 1, replace=False))
    return np.diff(np.concatenate([[-1], bars, [total + count - 1]])) - 1
