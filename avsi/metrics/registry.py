"""All metrics: their names, units, how to read them and what they are computed from."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from ..config import StftConfig
from ..errors import AvsiWarning, ConfigError
from .intelligibility import estoi, stoi
from .mos import check_installed, dnsmos, plcmos
from .quality import pesq_nb, pesq_wb, raw_from_lqo
from .spectral import gap_l1, log_spectral_distance, mel_cepstral_distortion

CONTEXT_S = 0.2  # on either side, for metrics of the gaps only
DEFAULT = "l1,stoi,pesq,pesq_raw"


class Scope(Enum):
    """What a metric is computed from; the arguments of its function stand behind each."""

    PREDICTION = "the spectrum that a system predicts for the lost frames"  # (predicted, truth, std)
    LOST_FRAMES = "the lost frames of the restored sound"  # (restored, truth), natural log magnitudes
    UTTERANCE = "the whole utterance"  # (clean, restored, rate)
    AROUND_GAPS = f"the gaps with {1000 * CONTEXT_S:g} ms at either side, one after another"  # (clean, restored, rate)
    NARROW_BAND_PESQ = "narrow-band PESQ of the whole utterance, as MOS-LQO"  # (value,)
    RESTORED = "the whole restored utterance, without the original"  # (restored, rate)


@dataclass(frozen=True)
class Column:
    """A number known for each restored utterance.

    Attributes:
        name: the key in the rows of scores.
        unit: "" if it has none.
        weight: the key in the same rows of the utterance's weight in a mean; "" if all have the same weight.
        of_prediction: whether it is computed from the spectrum that a system predicts. For a system that predicts none
            it is computed from its sound, and cannot be compared with that of other systems.
        caution: a warning for readers; printed with every table that has the column.
    """

    name: str
    label: str
    unit: str
    lower_is_better: bool
    weight: str = field(default="", kw_only=True)
    of_prediction: bool = field(default=False, kw_only=True)
    caution: str = field(default="", kw_only=True)

    @property
    def heading(self) -> str:
        """Such as ``LSD, dB (lower is better)``."""
        direction = "lower" if self.lower_is_better else "higher"
        return f"{', '.join(filter(None, (self.label, self.unit)))} ({direction} is better)"


@dataclass(frozen=True)
class Metric(Column):
    """A column that is computed from samples.

    Attributes:
        compute: takes the arguments of ``scope``, and raises UndefinedMetric if there is no value.
        check: raises ConfigError if the metric cannot be computed on this machine.
    """

    scope: Scope
    compute: Callable[..., float]
    check: Callable[[], None] = lambda: None


# PLCMOS has no reference: GRID's clips with 800 or 1600 ms of silence score 3.7 to 4.0.
_PLCMOS = (
    "PLCMOS tells how clean it sounds, and takes a silent gap for clean speech: it does not tell whether anything was "
    "restored."
)
_MCD = partial(mel_cepstral_distortion, stft=StftConfig())
METRICS = {
    metric.name: metric
    for metric in (
        Metric("l1", "L1", "training deviations", True, Scope.PREDICTION, gap_l1, of_prediction=True),
        Metric("lsd", "LSD", "dB", True, Scope.LOST_FRAMES, log_spectral_distance),
        Metric("mcd", "MCD", "dB", True, Scope.LOST_FRAMES, _MCD),
        Metric("stoi", "STOI", "", False, Scope.UTTERANCE, stoi),
        Metric("stoi_gap", "STOI around the gaps", "", False, Scope.AROUND_GAPS, stoi),
        Metric("estoi", "ESTOI", "", False, Scope.UTTERANCE, estoi),
        Metric("estoi_gap", "ESTOI around the gaps", "", False, Scope.AROUND_GAPS, estoi),
        Metric("pesq", "PESQ", "MOS-LQO", False, Scope.NARROW_BAND_PESQ, float),
        Metric("pesq_gap", "PESQ around the gaps", "MOS-LQO", False, Scope.AROUND_GAPS, pesq_nb),
        Metric("pesq_raw", "PESQ raw", "MOS", False, Scope.NARROW_BAND_PESQ, raw_from_lqo),
        Metric("pesq_wb", "PESQ wide band", "MOS-LQO", False, Scope.UTTERANCE, pesq_wb),
        Metric("plcmos", "PLCMOS", "MOS", False, Scope.RESTORED, plcmos, check_installed, caution=_PLCMOS),
        Metric("dnsmos", "DNSMOS", "MOS", False, Scope.RESTORED, dnsmos, check_installed),
    )
}
# The phone error rate of a set is the number of errors over the number of phones: utterances are weighted by phones.
PER = Column("per", "PER", "", True, weight="phones")
PER_IN_GAPS = Column("per_gaps", "PER in the gaps", "", True, weight="gap_phones")
KEYWORDS = Column("keywords", "Keywords", "share heard", False)
# L1 relative to that of filling the gaps with the training mean. Utterances are weighted by the latter, so that the
# mean of a set is the ratio of the two systems' mean L1.
MEAN_FILL = "L1 of the mean fill"
L1_SHARE = Column("l1_share", "L1 / mean fill", "", True, weight=MEAN_FILL, of_prediction=True)
COLUMNS: dict[str, Column] = {**METRICS, **{column.name: column for column in (PER, PER_IN_GAPS, KEYWORDS, L1_SHARE)}}


def choose_metrics(names: str, if_installed: bool = False) -> list[Metric]:
    """The metrics of a comma-separated list, in the order of ``METRICS``; ``all`` and ``default`` stand for several.

    Args:
        if_installed: leave out, with a warning, metrics whose packages are missing.

    Raises:
        ConfigError: an unknown name, or a metric whose packages are missing.
    """
    several = {"all": list(METRICS), "default": DEFAULT.split(",")}
    wanted = [name for item in map(str.strip, names.split(",")) for name in several.get(item, [item])]
    for name in list(wanted):
        if name not in METRICS:
            raise ConfigError(f"no metric '{name}': expected all, default, or some of {', '.join(METRICS)}")
        try:
            METRICS[name].check()
        except ConfigError as error:
            if not if_installed:
                raise
            warnings.warn(f"{name} is left out: {error}", AvsiWarning, stacklevel=2)
            wanted.remove(name)
    return [metric for name, metric in METRICS.items() if name in wanted]


def scored_columns(rows: list[dict]) -> list[Column]:
    """The columns that occur in rows of scores, with or without values, in the order of ``COLUMNS``."""
    return [column for name, column in COLUMNS.items() if any(name in row for row in rows)]
