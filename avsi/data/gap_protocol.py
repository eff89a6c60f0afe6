"""Evaluation protocols: YAML files that list the conditions, each a kind of gaps.

For example ``gaps: [random, 200, 400, hospital/gaps_field]`` and ``seed: 0``. Each condition is ``random`` (the paper's
corruption), the length in ms of a single gap in each utterance, or the path of a gap file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError


@dataclass(frozen=True)
class Condition:
    """A kind of gaps.

    Attributes:
        name: such as ``random``, ``800ms`` or the name of a gap file without ``gaps_``.
        gap_ms: the length of the single gap in each utterance; None for other kinds.
        file: the gap file; None if the gaps are drawn at random.
    """

    name: str
    gap_ms: float | None = None
    file: Path | None = None

    @classmethod
    def parse(cls, text: str, folder: Path = Path()) -> Condition:
        """From ``random``, a number of ms (``300`` or ``300ms``), or the path of a gap file relative to ``folder``.

        Raises:
            ConfigError: anything else.
        """
        if text == "random":
            return cls(text)
        try:
            gap_ms = float(text.removesuffix("ms"))
        except ValueError:
            path = folder / text
            if not re.fullmatch(r"[\w.+-]+", path.name):
                raise ConfigError(
                    f"condition '{text}': the gap file's name must be of letters, digits and -_.+"
                ) from None
            return cls(path.name.removeprefix("gaps_"), file=path)
        if not 0 < gap_ms < float("inf"):
            raise ConfigError(f"condition '{text}': a gap's length is a number of ms above 0")
        return cls(f"{gap_ms:g}ms", gap_ms)


def read_protocol(path: str | Path) -> tuple[list[Condition], int]:
    """(conditions, seed of the random gaps) of a YAML file. Paths of gap files are relative to its folder.

    Raises:
        ConfigError: no such file, no YAML, an unknown key, or an invalid condition.
    """
    import yaml

    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: no such protocol ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or not isinstance(content.get("gaps"), list) or not content["gaps"]:
        raise ConfigError(f"{path}: expected 'gaps: [random, 200, 400]', a list of conditions")
    if other := sorted(str(key) for key in content.keys() - {"gaps", "seed"}):
        raise ConfigError(f"{path}: unknown key '{other[0]}'; a protocol has gaps and seed")
    seed = content.get("seed", 0)
    if not isinstance(seed, int):
        raise ConfigError(f"{path}: seed: '{seed}' is not a whole number")
    try:
        return parse_conditions([str(item) for item in content["gaps"]], path.parent), seed
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_conditions(items: list[str], folder: Path = Path()) -> list[Condition]:
    """Parse conditions; paths are relative to ``folder``. Raises ConfigError if two have the same name."""
    conditions: dict[str, Condition] = {}
    for item in items:
        condition = Condition.parse(item, folder)
        if condition.name in conditions:
            raise ConfigError(f"condition '{condition.name}' occurs twice")
        conditions[condition.name] = condition
    return list(conditions.values())
