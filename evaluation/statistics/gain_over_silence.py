"""Restored speech against silent gaps: the L1 relative to a mean fill, and the clips that became less intelligible."""

from dataclasses import dataclass

from avsi.metrics.registry import MEAN_FILL

NOTICED = 0.02  # a clip counts as harmed where its STOI is further than this below that with silent gaps
Rows = dict[str, dict]  # by utterance id


@dataclass(frozen=True)
class Harm:
    """The clips that one system made less intelligible than silence, under one condition.

    Attributes:
        clips, scored: how many became less intelligible, and how many have both STOIs.
        worst: the lowest difference in STOI.
        id: the utterance with that difference.
    """

    clips: int
    scored: int
    worst: float
    id: str


def add_l1_ratios(rows: Rows, silent: Rows) -> None:
    """Add the column ``avsi.metrics.registry.L1_SHARE`` and its weight to rows of scores.

    Args:
        silent: the rows of ``unprocessed``, whose L1 is that of the training mean on the same bins.
    """
    for id_, row in rows.items():
        filled = silent.get(id_, {}).get("l1")
        if "l1" in row and filled:
            row[MEAN_FILL] = filled
            row["l1_share"] = None if row["l1"] is None else row["l1"] / filled


def harm_of(rows: Rows, silent: Rows) -> Harm | None:
    """None where no utterance has both STOIs."""
    pairs = {id_: (row.get("stoi"), silent.get(id_, {}).get("stoi")) for id_, row in rows.items()}
    gains = {id_: one - other for id_, (one, other) in pairs.items() if one is not None and other is not None}
    if not gains:
        return None
    id_ = min(gains, key=gains.get)
    return Harm(sum(gain < -NOTICED for gain in gains.values()), len(gains), gains[id_], id_)
