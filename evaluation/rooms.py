"""How else a recording might have been made, which is no damage: in a noisy or reverberant room, softly, at another
sample rate.
"""

from collections.abc import Callable

import numpy as np

from avsi.damaging.noises import power_of
from avsi.damaging.rooms import noisy, reverberant, uneven

AS_RECORDED = "none"


def another_level(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """From 10 to 40 dB below full scale, but for what would go beyond."""
    gain = np.sqrt(10 ** (-rng.uniform(10, 40) / 10) / power_of(samples))
    return samples * min(gain, 1 / max(float(np.abs(samples).max()), 1e-5))


# By name: what is done to the sound, and the rate of its file in Hz where that is another one.
ROOMS: dict[str, tuple[Callable[[np.ndarray, int, np.random.Generator], np.ndarray] | None, int | None]] = {
    AS_RECORDED: (None, None),
    "noisy": (noisy, None),
    "reverberant": (reverberant, None),
    "level": (another_level, None),
    "uneven": (uneven, None),
    "8 kHz": (None, 8000),
    "44.1 kHz": (None, 44100),
}
