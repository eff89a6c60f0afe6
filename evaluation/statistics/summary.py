"""The summary of an evaluation: means and intervals of every system, condition and metric, and pairs of systems."""

from dataclasses import dataclass, field

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import Column

from .gain_over_silence import Harm
from .intervals import Estimate

OF_SOUND = "†"


@dataclass(frozen=True)
class System:
    """A row of the tables.

    Attributes:
        senses: whether a model takes sound (A) and video (V), and learnt phones too (MTL); None for other systems.
        of_sound: whether its spectrum is that of its sound, since it predicts none.
    """

    name: str
    senses: tuple[bool, bool, bool] | None = None
    of_sound: bool = False

    def mark(self, column: Column) -> str:
        """The mark of a figure that is of the sound's spectrum instead of a predicted one; "" for all others."""
        return OF_SOUND if self.of_sound and column.of_prediction else ""


@dataclass(frozen=True)
class Alike:
    """How alike the voice in what was restored is to voices in clean speech: means of cosines over speakers.

    Attributes:
        own: to the speaker's own.
        original: of what was there before, to the speaker's own: what a perfect system reaches.
        others: to those of the other speakers, on average; of one speaker there are none.
    """

    own: Estimate
    original: Estimate
    others: Estimate


@dataclass(frozen=True)
class Summary:
    """Means with intervals over one set of utterances.

    Attributes:
        systems, conditions, columns: those that were scored, in the order of tables.
        estimates: by names of (system, condition, column); a combination that was not scored is absent.
        clean: by column name, the results of recognisers on the clean speech.
        differences: by names of (system, other system, condition, column), for the pairs that were asked for: how far
            the second is above the first on the utterances that both have (paired). Metrics of predicted spectra are
            absent where only one of both predicts one.
        by_speaker: without intervals, by name of the speaker, then as ``estimates``.
        harms: by names of (system, condition), where both it and ``unprocessed`` have STOI.
        voices: by names of (system, condition), where evaluation.similarity compared voices.
        speakers: their number.
        units: the number of units of the bootstrap: speakers, or utterances of one speaker.
        stats: the file of the statistics that are the unit of L1, and the mean fill; "" where that is not known.
    """

    systems: list[System]
    conditions: list[Condition]
    columns: list[Column]
    estimates: dict[tuple[str, str, str], Estimate]
    clean: dict[str, Estimate]
    differences: dict[tuple[str, str, str, str], Estimate]
    by_speaker: dict[str, dict[tuple[str, str, str], Estimate]] = field(default_factory=dict)
    harms: dict[tuple[str, str], Harm] = field(default_factory=dict)
    voices: dict[tuple[str, str], Alike] = field(default_factory=dict)
    speakers: int = field(kw_only=True)
    units: int = field(kw_only=True)
    stats: str = field(default="", kw_only=True)

    @property
    def has_lengths(self) -> bool:
        """Whether there is more than one length of gaps, so that curves over it can be drawn."""
        return sum(condition.gap_ms is not None for condition in self.conditions) > 1

    def estimate(self, system: System, condition: Condition, column: Column) -> Estimate | None:
        return self.estimates.get((system.name, condition.name, column.name))
