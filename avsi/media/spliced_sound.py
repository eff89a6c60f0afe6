"""A sound in which some spans have another length: as it lies in its file around them; silence, or copies, within."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from .sound_reading import Sound
from .sound_writing import BLOCK_SAMPLES

Splice = tuple[int, int, int]  # samples [start, stop) of the recording, and how many take their place
Copy = tuple[int, int, int, bool]  # first sample here, first sample in the file, number of samples, whether backwards


@dataclass(frozen=True)
class SplicedSound(Sound):
    """What :func:`spliced` gives.

    Attributes:
        kept: all that is as in the file.
    """

    kept: tuple[Copy, ...] = ()

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        stop = self.n_samples if stop is None else min(stop, self.n_samples)
        samples = np.zeros((stop - start, self.channels), self.dtype)
        for here, there, count, backwards in self.kept:
            first, last = max(start, here), min(stop, here + count)
            if first < last and backwards:
                copied = super().read(there + here + count - last, there + here + count - first)[::-1]
                samples[first - start : last - start] = copied
            elif first < last:
                samples[first - start : last - start] = super().read(there + first - here, there + last - here)
        return samples

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, self.n_samples, BLOCK_SAMPLES):
            yield start, self.read(start, start + BLOCK_SAMPLES)


def spliced(sound: Sound, splices: Sequence[Splice], copies: Sequence[Copy] = ()) -> SplicedSound:
    """A sound of which spans are replaced by silence of other lengths, which may be the same.

    Args:
        splices: sorted, disjoint.
        copies: what other parts of the recording are put into these spans.
    """
    kept, here, there = list[Copy](), 0, 0
    for start, stop, length in [*splices, (sound.n_samples, sound.n_samples, 0)]:
        kept.append((here, there, start - there, False))
        here, there = here + start - there + length, stop
    same = {field.name: getattr(sound, field.name) for field in fields(sound)}
    return SplicedSound(**same | {"n_samples": here, "kept": (*kept, *copies)})
