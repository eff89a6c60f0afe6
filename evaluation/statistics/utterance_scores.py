"""The scores of one utterance, and the sounds and spectra that they are computed from.

It is no part of the program, so that its processes import it.
"""

import math
from functools import cached_property

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import gap_spans, widened
from avsi.data.matrices import read_matrix
from avsi.errors import AvsiError
from avsi.media.sound_reading import read_mono
from avsi.metrics import UndefinedMetric, pesq_nb
from avsi.metrics.registry import CONTEXT_S, METRICS, Scope
from avsi.timebase import to_samples

from ..folder.layout import STFT
from ..folder.restored_set import RestoredUtterance
from ..folder.signals import lost_log_spectrum, read_restored


def score_utterance(utterance: Utterance, restored: RestoredUtterance, std: np.ndarray, names: list[str]) -> dict:
    """Each metric's value, or null beside the reason in ``failed``."""
    row: dict = {"id": utterance.id, "speaker": utterance.speaker, **dict.fromkeys(names), "failed": {}}
    inputs = MetricInputs(utterance, restored, std)
    for name in names:
        try:
            value = METRICS[name].compute(*inputs.arguments(METRICS[name].scope))
            if not math.isfinite(value):
                raise UndefinedMetric("the result is not a number")
            row[name] = value
        except (AvsiError, OSError, ValueError) as error:
            row["failed"][name] = str(error)
    return row


class MetricInputs:
    """The inputs of the metrics of an utterance.

    Each is read when a metric first asks for it: a missing file fails the metrics that need it, and no others.
    """

    def __init__(self, utterance: Utterance, restored: RestoredUtterance, std: np.ndarray) -> None:
        self.utterance, self.found, self.std = utterance, restored, std

    def arguments(self, scope: Scope) -> tuple:
        """As :class:`Scope` lists them. Raises UndefinedMetric where the utterance was not restored."""
        rate = STFT.sample_rate
        if self.found.wav is None:
            raise UndefinedMetric(self.found.failed)
        if scope is Scope.PREDICTION:
            return read_matrix(self.found.spectrum), self.truth, self.std
        if scope is Scope.LOST_FRAMES:
            return lost_log_spectrum(self.restored, self.spans), self.truth
        if scope is Scope.RESTORED:
            return self.restored, rate
        if scope is Scope.UTTERANCE:
            return self.clean, self.restored, rate
        if scope is Scope.NARROW_BAND_PESQ:
            return (self.narrow_band_pesq,)
        stretches = widened(self.spans, to_samples(CONTEXT_S, rate), len(self.clean))
        cut = [np.concatenate([x[start:stop] for start, stop in stretches]) for x in (self.clean, self.restored)]
        return *cut, rate

    @cached_property
    def clean(self) -> np.ndarray:
        return read_mono(self.utterance.wav, STFT.sample_rate)

    @cached_property
    def restored(self) -> np.ndarray:
        return read_restored(self.found.wav, len(self.clean))

    @cached_property
    def narrow_band_pesq(self) -> float:
        return pesq_nb(self.clean, self.restored, STFT.sample_rate)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        return gap_spans(self.found.gaps, len(self.clean), STFT.sample_rate)

    @cached_property
    def truth(self) -> np.ndarray:
        """Natural log magnitude of the original in the lost frames; shape (n_lost_frames, n_bins)."""
        return lost_log_spectrum(self.clean, self.spans)
