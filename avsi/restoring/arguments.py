"""Checks of what users of :class:`avsi.Inpainter` pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.gaps import Gap
from ..errors import MediaError, ModelError

if TYPE_CHECKING:
    from ..words.alignment import Alignment
    from .inpainting import Inpainter


def checked_recording(samples: np.ndarray, rate: int, gaps: list[Gap]) -> tuple[np.ndarray, int, list[Gap]]:
    """The arguments of :meth:`avsi.Inpainter.inpaint`. Raises MediaError for no recording."""
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise MediaError(f"samples of shape {samples.shape}: expected (n_samples,) or (n_samples, n_channels)")
    if not len(samples):
        raise MediaError("the recording holds no samples")
    if rate <= 0 or rate != int(rate):
        raise MediaError(f"a rate of {rate} Hz: expected a whole number above 0")
    rate = int(rate)
    gaps = [gap if isinstance(gap, Gap) else Gap(*gap) for gap in gaps]
    return samples, rate, gaps


def check_takes_words(inpainter: Inpainter, alignment: Alignment | None) -> None:
    """Raise ModelError where an alignment is given to a model that takes none."""
    if alignment is not None and not inpainter.model.config.model.text:
        raise ModelError("the model does not take what is said; choose one that does, or leave out the transcript")
