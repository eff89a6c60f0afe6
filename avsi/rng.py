"""Random numbers that depend only on a seed and on names."""

import hashlib

import numpy as np


def generator(seed: int, *names: object) -> np.random.Generator:
    """A separate generator for each seed and names, such as an epoch and an utterance id; the same on every machine."""
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
