"""Which excerpts a network restores in one run."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item", bound=tuple)


def in_batches(items: Iterable[Item], most_frames: int) -> Iterator[list[Item]]:
    """Lists of items that follow each other, each item beginning with an excerpt. The excerpts of a list, padded to the
    longest, have at most ``most_frames`` frames; a longer excerpt is alone.
    """
    batch: list[Item] = []
    rows = longest = 0
    for item in items:
        n_channels, n_frames, _ = item[0].log_spectrum.shape
        if batch and (rows + n_channels) * max(longest, n_frames) > most_frames:
            yield batch
            batch, rows, longest = [], 0, 0
        batch.append(item)
        rows, longest = rows + n_channels, max(longest, n_frames)
    if batch:
        yield batch
