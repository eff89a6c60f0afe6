"""Protocols: YAML files that name the conditions, or kinds of gaps, of an evaluation.

For example ``gaps: [random, 200, 400, hospital/gaps_field]`` and ``seed: 0``. Each condition is ``random`` (the paper's
corruption), the length in ms of the one gap in each utterance, or the path of a gap file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError


@dataclass(frozen=True)
class Condition:
    """One kind of gaps.

    Attributes:
        name: such as ``random``, ``800ms`` or the name of a gap file without ``gaps_``.
        gap_ms: the length of the one gap in each utterance; None for other kinds.
        file: the gap file that holds it; None where it is drawn.
    """

    name: str
    gap_ms: float | None = None
    file: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From ``random``, a number of ms, or the path of a gap file. Raises ConfigError for anything else."""
        if text == "random":
            return cls(text)
        try:
            gap_ms = float(text)
        except ValueError:
            path = Path(text)
            if not re.fullmatch(r"[\w.+-]+", path.name):
                raise ConfigError(
                    f"condition '{text}': the gap file's name must be of letters, digits and -_.+"
                ) from None
            return cls(path.name.removeprefix("gaps_"), file=path)
        if not 0 < gap_ms < float("inf"):
            raise ConfigError(f"condition '{text}': a gap's length is a number of ms above 0")
        return cls(f"{gap_ms:g}ms", gap_ms)
