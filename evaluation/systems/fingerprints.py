"""Fingerprints of systems: whether one would still restore the same is known from digests of its weights and files."""

import hashlib
from functools import lru_cache
from pathlib import Path

from avsi.errors import DataError
from avsi.files import digest
from avsi.models.store import TRAIN_IDS, WEIGHTS, find_model, read_description
from avsi.pretrained import SPEAKER_ENCODER

from .families import is_family
from .knowledge import NO_VOICE, Knowledge, split_knowledge
from .names import holds_files, model_folders


def fingerprint(name: str, condition: str, device: str) -> dict[str, str]:
    """Digests of a system's weights, and of the names, sizes and times of the files that another program restored; of a
    model also what it is told, and the device, unless it is the CPU: others restore other samples.
    """
    files = ""
    if holds_files(name):
        found = [(path.name, path.stat()) for path in sorted((Path(name) / condition).glob("*.wav"))]
        listing = "".join(f"{file} {of.st_size} {of.st_mtime_ns}\n" for file, of in found)
        files = hashlib.sha256(listing.encode()).hexdigest()[:16]
    weights = weights_digest(name)
    told = Knowledge(split_knowledge(name)[1], Path()).state() | _encoder(name)
    return {"weights": weights, "files": files, **told, **({"device": device} if weights and device != "cpu" else {})}


def check_weights(name: str, state: dict[str, str]) -> None:
    """Raise DataError unless the weights of a system are those of a fingerprint."""
    if weights_digest(name) != state["weights"]:
        raise changed(name)


def changed(name: str) -> DataError:
    return DataError(f"{name}: changed while it was restored; run this again when that is over")


def _encoder(name: str) -> dict[str, str]:
    """Of a model that is told a voice, the digest of the speaker encoder that finds it."""
    model, told = split_knowledge(name)
    voices = [read_description(folder)["config"].get("model", {}).get("voice") for folder in model_folders(model)]
    return {"encoder": _digest(find_model(SPEAKER_ENCODER) / WEIGHTS)} if any(voices) and NO_VOICE not in told else {}


def weights_digest(name: str) -> str:
    """Of a model's weights; of a family's weights and lists of training utterances; "" for a system without a model."""
    folders = model_folders(name)
    if not is_family(name):
        return _digest(folders[0] / WEIGHTS) if folders else ""
    lines = [f"{_digest(folder / WEIGHTS)} {_digest(folder / TRAIN_IDS)}\n" for folder in folders]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _digest(path: Path) -> str:
    of = path.stat()
    return _digest_of_version(path.resolve(), of.st_ino, of.st_size, of.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest_of_version(path: Path, *version: int) -> str:
    """As :func:`avsi.files.digest`, read once in a process for each version of a file."""
    return digest(path)
