"""Movement of the mouth from phones with their times, by visemes with coarticulation.

Each phone has a target for every parameter, and a dominance that rises before it and fades after it; the curve is the
mean of the targets weighted by dominance (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech",
1993). The dominance is a Gaussian with a flat top instead of their exponential.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .synthesis import Phone

# The columns of an articulation, as differences from the mouth at rest, whose lips touch.
PARAMETERS = ("opening_mm", "jaw_mm", "spread", "protrusion", "press", "tuck", "tongue")
FIRM = ("opening_mm", "press", "tuck")
# How long before and after a phone its target has an effect, in seconds: lips close quickly, but round well ahead.
REACH_S = np.array([0.045, 0.06, 0.065, 0.08, 0.045, 0.045, 0.045])
EDGE_S = 0.06  # at either end of a long phone or silence, where its neighbours begin to have an effect


@dataclass(frozen=True)
class Viseme:
    """The targets of one phone, in the order and units of :data:`PARAMETERS`.

    Attributes:
        opening_mm: between the inner lips at the middle; below zero, lips that stay shut while the jaw moves.
        jaw_mm: how far the chin falls.
        spread: the mouth's width, from -1 (rounded) to 1 (spread).
        protrusion: of the lips, 0 to 1.
        press: lips pressed thin, 0 to 1.
        tuck: the lower lip under the upper teeth, 0 to 1.
        tongue: its tip raised to the teeth, 0 to 1.
        strength: weight of the phone's targets against those of its neighbours.
        firm: factor on that weight for opening, press and tuck, in which the lips touch each other or the teeth.
    """

    opening_mm: float
    jaw_mm: float
    spread: float = 0.0
    protrusion: float = 0.0
    press: float = 0.0
    tuck: float = 0.0
    tongue: float = 0.0
    strength: float = 1.0
    firm: float = 1.0

    def targets(self) -> list[float]:
        return [getattr(self, name) for name in PARAMETERS]

    def strengths(self) -> list[float]:
        return [self.strength * (self.firm if name in FIRM else 1) for name in PARAMETERS]


REST = Viseme(0, 0, strength=0.6)
CLOSED = Viseme(-3, 2, press=1, strength=0.6, firm=10)
LABIODENTAL = Viseme(1.5, 3, 0.1, tuck=1, strength=0.8, firm=5)
DENTAL = Viseme(4.5, 4, 0.2, tongue=1, strength=1.5)
ALVEOLAR = Viseme(4, 2.5, 0.3, tongue=0.3, strength=1.2)
POSTALVEOLAR = Viseme(5, 2.5, -0.35, 0.8, strength=2)
VELAR = Viseme(6, 5, 0.1, strength=0.5)
EE, E_OPEN, A_OPEN = Viseme(4.5, 3, 0.9), Viseme(10, 8, 0.5), Viseme(15, 13, 0.1)
O_OPEN, OO = Viseme(11, 10, -0.5, 0.5), Viseme(3.5, 4, -0.9, 1, strength=1.6)
I_SHORT = Viseme(6.5, 5, 0.5)
# Diphthongs go from one target to another.
VISEMES: dict[str, tuple[Viseme, ...]] = {
    "SIL": (REST,),
    **dict.fromkeys(("P", "B", "M"), (CLOSED,)),
    **dict.fromkeys(("F", "V"), (LABIODENTAL,)),
    **dict.fromkeys(("TH", "DH"), (DENTAL,)),
    **dict.fromkeys(("T", "D", "N"), (ALVEOLAR,)),
    **dict.fromkeys(("S", "Z"), (Viseme(3, 1.5, 0.5, strength=1.5),)),
    "L": (Viseme(6, 4.5, 0.2, tongue=0.8),),
    **dict.fromkeys(("SH", "ZH", "CH", "JH"), (POSTALVEOLAR,)),
    **dict.fromkeys(("K", "G", "NG"), (VELAR,)),
    "HH": (Viseme(7, 6, strength=0.2),),
    "R": (Viseme(4, 4, -0.5, 0.6, strength=1.5),),
    "W": (Viseme(2, 4, -1, 1, strength=2.5),),
    "Y": (EE,),
    "IY": (EE,),
    "IH": (I_SHORT,),
    "EH": (E_OPEN,),
    "AE": (Viseme(13, 11, 0.5),),
    "AA": (A_OPEN,),
    "AH": (Viseme(9, 7.5),),
    "AO": (O_OPEN,),
    "UH": (Viseme(5, 5, -0.6, 0.6),),
    "UW": (OO,),
    "ER": (Viseme(5.5, 5, -0.3, 0.4),),
    "EY": (E_OPEN, EE),
    "AY": (A_OPEN, EE),
    "OY": (O_OPEN, EE),
    "AW": (A_OPEN, OO),
    "OW": (O_OPEN, OO),
}


def articulate(phones: Sequence[Phone], time_s: np.ndarray, strength: float = 1.0, haste: float = 1.0) -> np.ndarray:
    """The mouth at the times given.

    Args:
        phones: in order, without gaps between them.
        time_s: shape (n,), in seconds on the clock of the phones.
        strength: factor on all movements.
        haste: how fast the mouth moves from one target to the next; lower values give more coarticulation.

    Returns:
        Shape (n, 7), float64: the columns of :data:`PARAMETERS`, the opening never below zero.
    """
    centres, widths, visemes = [], [], []
    for phone in phones:
        parts = VISEMES[phone.symbol]
        duration_s = (phone.end_s - phone.start_s) / len(parts)
        for index, viseme in enumerate(parts):
            centres.append(phone.start_s + (index + 0.5) * duration_s)
            widths.append(duration_s)
            visemes.append(viseme)
    # Dominance is constant through the middle of a phone and falls off from there.
    width_s = np.array(widths)
    flat_s = np.maximum(0.25 * width_s, 0.5 * width_s - EDGE_S)
    away_s = np.maximum(np.abs(time_s[:, None] - np.array(centres)) - flat_s, 0)[..., None]
    log_dominance = np.log([viseme.strengths() for viseme in visemes]) - (haste * away_s / REACH_S) ** 2
    # Scaled, so that far from all phones the nearest one decides, and not floating-point underflow.
    dominance = np.exp(log_dominance - log_dominance.max(axis=1, keepdims=True))
    targets = np.array([viseme.targets() for viseme in visemes])
    curves = strength * (dominance * targets).sum(axis=1) / dominance.sum(axis=1)
    curves[:, 0] = np.maximum(curves[:, 0], 0)
    curves[:, 2] = np.clip(curves[:, 2], -1, 1)
    curves[:, 3:] = np.clip(curves[:, 3:], 0, 1)
    return curves
