"""What tells whether a system would still make the same: digests of weights and files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from avsi.files import digest
from avsi.models.store import TRAIN_IDS, WEIGHTS

from .families import is_family
from .names import holds_files, model_folders


def made_from(name: str, condition: str) -> dict[str, str]:
    """What tells whether a system would still make the same: digests of models' weights, and of which files there are,
    of which size and from when.
    """
    files = ""
    if holds_files(name):
        found = [(path.name, path.stat()) for path in sorted((Path(name) / condition).glob("*.wav"))]
        listing = "".join(f"{file} {of.st_size} {of.st_mtime_ns}\n" for file, of in found)
        files = hashlib.sha256(listing.encode()).hexdigest()[:16]
    return {"weights": fingerprint(name), "files": files}


def fingerprint(name: str) -> str:
    """A digest of a model's weights, or of a family's and of whom each was trained on; "" for what is no model."""
    folders = model_folders(name)
    if not is_family(name):
        return digest(folders[0] / WEIGHTS) if folders else ""
    lines = [f"{digest(folder / WEIGHTS)} {digest(folder / TRAIN_IDS)}\n" for folder in folders]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
