"""How alike the voices in restored speech are to those of the speakers: rows of evaluation.similarity, summarised."""

import warnings
from collections import Counter

import numpy as np

from avsi.errors import AvsiWarning

from ..folder.evaluation import Evaluation
from ..folder.layout import VOICES
from .intervals import Bootstrap
from .summary import Alike

ENCODER = "encoder"  # the key of a row that names the speaker encoder
KEYS = ("own", "original", "others")


def compare_voices(evaluation: Evaluation) -> dict[tuple[str, str], Alike]:
    """By names of (system, condition), the means over speakers. Only those of the encoder that most sets have been
    compared by count, and a warning tells of others.
    """
    found = {(one.system, one.condition): list(one.rows(VOICES).values()) for one in evaluation.sets}
    found = {of: rows for of, rows in found.items() if rows}
    encoders = Counter(rows[0][ENCODER] for rows in found.values())
    for of, rows in list(found.items()):
        if rows[0][ENCODER] != encoders.most_common(1)[0][0]:
            told = f"{', '.join(of)}: its voices were compared by another speaker encoder than others, and are left out"
            warnings.warn(f"{told}; run evaluation.similarity again", AvsiWarning, stacklevel=3)
            del found[of]
    return {of: alike(rows) for of, rows in found.items()}


def alike(rows: list[dict]) -> Alike:
    """The means of the rows of a set, one a speaker."""
    bootstrap = Bootstrap([row["id"] for row in rows])
    values = ([row[key] for row in rows] for key in KEYS)
    return Alike(*bootstrap.estimates((np.array(of, float), None) for of in values))  # None becomes NaN
