"""The samples that a restoration made, and what is listed of them, in an npz file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_npz


def write_result(path: Path, patches: Sequence[tuple[int, np.ndarray]], edits: list[dict[str, Any]]) -> None:
    ordered = sorted(patches, key=lambda patch: patch[0])
    arrays = {f"patch_{number}": patch for number, (_, patch) in enumerate(ordered)}
    write_npz(path, firsts=np.array([first for first, _ in ordered]), edits=np.array(json.dumps(edits)), **arrays)


def read_result(path: Path) -> tuple[list[tuple[int, np.ndarray]], list[dict[str, Any]]]:
    """(patches as of :class:`.sounds.Patched`, the entries of the list of edits)."""
    with np.load(path) as held:
        patches = [(int(first), held[f"patch_{number}"]) for number, first in enumerate(held["firsts"])]
        return patches, json.loads(str(held["edits"]))
