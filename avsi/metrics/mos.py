"""Opinion scores predicted without a reference, by networks trained on listeners' ratings (package speechmos).

The networks come with its wheel. It is an optional extra, since it and its dependencies are large.
"""

from importlib.util import find_spec

import numpy as np

from ..errors import ConfigError
from .checks import check_signal, seeded

RATE = 16000
# speechmos does not declare the others as its dependencies.
PACKAGES = ("speechmos", "onnxruntime", "librosa", "requests")


def plcmos(restored: np.ndarray, rate: int) -> float:
    """PLCMOS v2, a predicted MOS of 1 to 5 for speech after packet loss concealment (Diener et al., 2023).

    It is the mean over 15 simulated listeners, drawn from a fixed seed.

    Args:
        restored: shape (n_samples,), at 16000 Hz; clipped to full scale, as in a file.

    Raises:
        UndefinedMetric: a silent signal.
        ConfigError: the extra `mos` is not installed.
        ValueError: another rate.
    """
    _check(restored, rate)
    from speechmos import plcmos as reference

    with seeded():
        return float(reference.run(np.clip(restored, -1, 1), rate)["plcmos"])


def dnsmos(restored: np.ndarray, rate: int) -> float:
    """DNSMOS P.835, the predicted MOS of 1 to 5 of the overall quality (Reddy, Gopal and Cutler, 2022).

    Its input is 9.01 s long; a shorter signal is repeated. Arguments and errors as :func:`plcmos`.
    """
    _check(restored, rate)
    from speechmos import dnsmos as reference

    return float(reference.run(np.clip(restored, -1, 1), rate)["ovrl_mos"])


def check_installed() -> None:
    """Raise ConfigError if the extra is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"PLCMOS and DNSMOS need {', '.join(missing)}: pip install -c constraints.txt -e '.[mos]' in a checkout "
            "of avsi"
        )


def _check(restored: np.ndarray, rate: int) -> None:
    check_installed()
    check_signal(restored, "restored signal")
    if rate != RATE:
        raise ValueError(f"PLCMOS and DNSMOS work at {RATE} Hz, not {rate}")
