"""How one channel of a recording follows from another: the filter between them, by least squares, where both are whole.

Two channels that hear the same speaker differ by a gain, a delay, and what the room does on the way to each
microphone: that is a linear filter. Where they hear different speakers there is none, and what is held out shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..timebase import to_samples

# The channels may be so far apart in time: 30 m of air. The filter reaches from before that delay to after it.
MOST_DELAY_S, LEAD_S, TAIL_S = 0.09, 0.008, 0.032
# Speech is loud below 1 kHz: fitted are differences of samples, whose spectrum is flatter. Judged is what lies above
# the hum of the mains, which all channels have in common.
PRE_EMPHASIS, HUM_HZ = 0.97, 150.0
# Added to the power, as a share of it: what the other channel does not have is not made of its rounding errors.
FLOOR = 1e-6
# Fitted on half of such blocks, the filter is judged on the other half. Of those that are at most so far below the
# loudest, there must be so much.
BLOCK_S, SOFTEST_DB, LEAST_S = 0.1, 25.0, 0.5
# Another channel tells what is lost where the filter from it misses so little. In gaps of 200 and 800 ms in 12 speakers
# of GRID, with noises and rooms of all strengths, it was then better than the model by SDR, STOI and PESQ.
LEAST_FIT_DB = 3.0
# Somebody who is heard in the gap alone, near the other microphone, would be made far louder than all that is known.
LOUDER_DB = 6.0


@dataclass(frozen=True)
class Followed:
    """A channel as it follows from another.

    Attributes:
        samples: shape (n_samples,), float.
        fit_db: how far what the filter misses lies below the channel itself, where it was not fitted; the higher, the
            more alike the channels.
        reach: how many samples further on, or back, a sample of the other channel makes itself heard.
    """

    samples: np.ndarray
    fit_db: float
    reach: int

    def tells(self, known: np.ndarray, inside: tuple[int, int], rate: int) -> bool:
        """Whether it says what a gap ``inside`` holds.

        Args:
            known: the channel itself, shape (n_samples,), 0 where it is lost.
            inside: the first sample of the gap, and the one after the last.
        """
        loud, around = (_loudest(samples, rate) for samples in (self.samples[slice(*inside)], known))
        return self.fit_db >= LEAST_FIT_DB and loud <= around * 10 ** (LOUDER_DB / 20)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite in the end is none
def follow(channel: np.ndarray, other: np.ndarray, known: np.ndarray, rate: int) -> Followed | None:
    """A channel as it follows from another one; None where too little is known of them, they hold no sound, or samples
    of a size that cannot be reckoned with.

    Args:
        channel, other: shape (n_samples,), float.
        known: where both are whole, bool, shape (n_samples,). Elsewhere ``channel`` is not looked at.
        rate: in Hz.
    """
    import scipy.signal

    channel = np.where(known, channel, 0.0)
    wanted, heard = _emphasised(channel), _emphasised(other)
    whole = known & np.concatenate([[True], known[:-1]])  # a difference needs both samples
    high_pass = scipy.signal.butter(2, HUM_HZ, "highpass", fs=rate, output="sos")
    size = max(2, to_samples(BLOCK_S, rate))
    blocks = np.arange(len(channel)) // size

    def power_of(samples: np.ndarray) -> np.ndarray:
        """Of what is known of each block."""
        return np.bincount(blocks, np.where(whole, scipy.signal.sosfilt(high_pass, samples), 0.0) ** 2)

    power = power_of(channel)
    heard_s = BLOCK_S * np.sum(power > power.max() * 10 ** (-SOFTEST_DB / 10))
    floor = FLOOR * np.sum(heard[whole] ** 2)  # of all, since a half may hold nothing
    if not power.max() or heard_s < LEAST_S or not 0 < floor < np.inf:
        return None
    lags = _lags(wanted, heard, whole, rate)
    missed = np.zeros(len(power))
    try:
        for half in (0, 1):
            own = blocks % 2 == half
            made = _Filter.fitted(wanted, heard, whole & ~own, lags, floor).applied(other)
            missed = np.where(np.arange(len(power)) % 2 == half, power_of(channel - made), missed)
        followed = _Filter.fitted(wanted, heard, whole, lags, floor).applied(other)
    except np.linalg.LinAlgError:
        return None
    fit_db = 10 * np.log10(power.sum() / max(missed.sum(), 1e-12 * power.sum()))
    is_finite = np.isfinite(followed).all() and np.isfinite(fit_db)
    return Followed(followed, float(fit_db), max(map(abs, lags))) if is_finite else None


def _loudest(samples: np.ndarray, rate: int) -> float:
    """The root of the mean power of the loudest block."""
    size = min(to_samples(BLOCK_S, rate), len(samples))
    sums = np.concatenate([[0.0], np.cumsum(samples**2)])
    return float(np.sqrt((sums[size:] - sums[:-size]).max() / size))


def _emphasised(samples: np.ndarray) -> np.ndarray:
    return samples - PRE_EMPHASIS * np.concatenate([samples[:1], samples[:-1]])


def _lags(wanted: np.ndarray, heard: np.ndarray, whole: np.ndarray, rate: int) -> tuple[int, int]:
    """The first and the last delay of the filter, in samples: around that at which the channels are most alike."""
    most = to_samples(MOST_DELAY_S, rate)
    alike = np.abs(_correlation(np.where(whole, wanted, 0.0), np.where(whole, heard, 0.0), -most, most))
    delay = int(alike.argmax()) - most
    return delay - to_samples(LEAD_S, rate), delay + to_samples(TAIL_S, rate)


def _correlation(late: np.ndarray, early: np.ndarray, first: int, last: int) -> np.ndarray:
    """The sum over n of ``late[n] * early[n - lag]`` for all lags from ``first`` to ``last``; shape (n_lags,)."""
    import scipy.fft

    size = scipy.fft.next_fast_len(len(late) + max(abs(first), abs(last)) + 1, real=True)
    product = scipy.fft.rfft(late, size) * np.conj(scipy.fft.rfft(early, size))
    return scipy.fft.irfft(product, size)[np.arange(first, last + 1) % size]


@dataclass(frozen=True)
class _Filter:
    """Taps for the delays from ``first`` on, in samples."""

    first: int
    taps: np.ndarray

    @classmethod
    def fitted(
        cls, wanted: np.ndarray, heard: np.ndarray, known: np.ndarray, lags: tuple[int, int], floor: float
    ) -> _Filter:
        """By least squares over what is known: the covariance method of linear prediction (Makhoul, 1975), with two
        signals.

        Args:
            floor: added to the power of ``heard``.

        Raises:
            LinAlgError: samples of a size that cannot be reckoned with.
        """
        import scipy.linalg

        first, last = lags
        n_taps = last - first + 1
        delayed = np.pad(heard, (max(first, 0) + n_taps, max(-first, 0) + 1))
        start = max(first, 0) + n_taps - first  # of the signal without a delay, as the filter's first tap hears it
        row = _correlation(np.where(known, delayed[start : start + len(heard)], 0.0), heard, first, last)
        # Further down its diagonals, the matrix of products differs by what enters and leaves at edges of the known.
        edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
        signs = np.where(np.arange(len(edges)) % 2, -1.0, 1.0)
        at_edges = delayed[start + edges[:, None] - 1 - np.arange(n_taps)]
        change = (at_edges * signs[:, None]).T @ at_edges
        products = np.empty((n_taps, n_taps))
        products[0], products[:, 0] = row, row
        for tap in range(1, n_taps):
            products[tap, 1:] = products[tap - 1, :-1] + change[tap - 1, :-1]
        products[np.diag_indices(n_taps)] += floor
        towards = _correlation(np.where(known, wanted, 0.0), heard, first, last)
        return cls(first, scipy.linalg.solve(products, towards, assume_a="pos", overwrite_a=True, check_finite=False))

    def applied(self, samples: np.ndarray) -> np.ndarray:
        """What it makes of samples, of which there are none beyond the ends; same shape."""
        import scipy.signal

        whole = scipy.signal.fftconvolve(samples, self.taps)
        begin = -self.first  # of the result in that
        padded = np.pad(whole, (max(-begin, 0), max(begin, 0)))
        begin = max(begin, 0)
        return padded[begin : begin + len(samples)]
