"""What a user would try without a trained model: the recording's own mean spectrum, interpolation of the spectrum, and
of the waveform.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..audio.interpolation import interpolate_lost
from ..config import Config, InpainterConfig

# Long enough to hold the pitch; twice that is three times as slow.
AR_ORDER = 512
AR_ITERATIONS = 2
AR_CONTEXT_SAMPLES = 3200  # 200 ms at 16 kHz, over which speech is taken to be one process
AR_NOISE = 1e-9  # of the context's power, added as white noise: it bounds how near to singular the equations get


class SpectralInterpolation:
    """Linear interpolation over time, bin by bin, of the log spectrum between the reliable frames around each gap.

    It has the method and the config that an Inpainter asks of a model.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = replace(config or Config(), model=InpainterConfig(video=False))

    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """As :meth:`avsi.models.spectrum_inpainter.SpectrumInpainter.restore_spectrum`; beyond the first and last
        reliable frame, held.
        """
        return interpolate_lost(log_spectrum, lost.expand(len(log_spectrum), -1))


class MeanSpectrum:
    """The recording's own mean: per bin, that of the log spectrum over its reliable frames. It knows nothing of speech,
    and of the recording no more than how it sounds on average.

    It has the method and the config that an Inpainter asks of a model.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = replace(config or Config(), model=InpainterConfig(video=False))

    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """As :meth:`avsi.models.spectrum_inpainter.SpectrumInpainter.restore_spectrum`."""
        mean = log_spectrum[:, ~lost].mean(dim=1, keepdim=True)
        return torch.where(lost[:, None], mean, log_spectrum)


def interpolate_waveform(samples: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    """Fill gaps with the samples that an autoregressive process expects between those around them (Janssen, Veldhuis
    and Vries, 1986).

    Two steps in turn, twice: the process is estimated by the autocorrelation method from 200 ms at either side of a
    gap, at first without what lies between, then with it; and the lost samples are set to those of the least
    prediction error. Beyond the ends of the recording there is silence. In the middle of a gap much longer than the
    pitch period the filling fades away.

    Args:
        samples: shape (n_samples,), at 16 kHz; what it holds inside the gaps is not looked at.
        spans: the gaps as samples ``[start, stop)``, sorted and disjoint.

    Returns:
        Shape (n_samples,), float64; outside the gaps as ``samples``.
    """
    filled = samples.astype(np.float64)
    for start, stop in spans:
        filled[start:stop] = 0
    for iteration in range(AR_ITERATIONS):
        for start, stop in spans:
            first, last = max(start - AR_CONTEXT_SAMPLES, 0), stop + AR_CONTEXT_SAMPLES
            known = [filled[first:start], filled[stop:last]]
            coefficients = _prediction_error_filter(known if iteration == 0 else [filled[first:last]])
            filled[start:stop] = _least_error_samples(filled, start, stop, coefficients)
    return filled


def _prediction_error_filter(pieces: list[np.ndarray]) -> np.ndarray:
    """``1, a_1 .. a_p`` of the process that the pieces come from, by the Yule-Walker equations; shape (p + 1,)."""
    from scipy.linalg import solve_toeplitz
    from scipy.signal import correlate

    correlation = np.zeros(AR_ORDER + 1)
    for piece in pieces:
        lags = correlate(piece, piece)[len(piece) - 1 :][: AR_ORDER + 1] if len(piece) else piece
        correlation[: len(lags)] += lags
    if correlation[0] == 0:  # silence all around: any filter expects silence
        return np.eye(1, AR_ORDER + 1)[0]
    correlation[0] *= 1 + AR_NOISE
    return np.concatenate([[1], solve_toeplitz(correlation[:-1], -correlation[1:])])


def _least_error_samples(samples: np.ndarray, start: int, stop: int, coefficients: np.ndarray) -> np.ndarray:
    """The samples in ``[start, stop)`` for which the sum of squared prediction errors is least, given all others.

    The normal equations (Janssen et al., equation 10) are banded: a row holds the correlation of the coefficients.

    Returns:
        Shape (stop - start,).
    """
    from scipy.linalg import solveh_banded

    order, length = len(coefficients) - 1, stop - start
    band = np.correlate(coefficients, coefficients, "full")  # lags -order to order
    around = np.zeros(length + 2 * order)
    first, last = max(start - order, 0), min(stop + order, len(samples))
    around[first - start + order : last - start + order] = samples[first:last]
    around[order : order + length] = 0
    lower = band[order : order + min(order + 1, length)]
    return solveh_banded(np.tile(lower[:, None], length), -np.convolve(around, band, "valid"), lower=True)
