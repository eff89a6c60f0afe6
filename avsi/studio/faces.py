"""The faces in stretches of a film, each of which is looked at once, whatever asks for it and how often."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import AvsiWarning
from ..files import write_npz
from ..media.video_reading import video_info
from ..timebase import join_stretches
from ..video.tracks import Tracks

PIECE_S = 20.0  # what is kept at once of a long stretch
Stretch = tuple[float, float]


class FaceCache:
    """Files in a folder, one for each stretch that was looked at, with all faces that it shows; times as of
    :class:`Tracks`.
    """

    def __init__(self, folder: Path, face: int | None = None, name: str = "") -> None:
        """
        Args:
            folder: of a film.
            face: which of several people, counted from the left over all that was looked at; None takes the largest of
                each stretch.
            name: of the film, in messages.
        """
        self.folder, self.face, self.name = folder, face, name
        self._counted: tuple[list[tuple[Stretch, Path]], Tracks] | None = None

    def known(self) -> list[tuple[Stretch, Path]]:
        files = [(file.stem.split("_"), file) for file in self.folder.glob("*_*.npz")]
        return sorted(((int(start) / 1000, int(stop) / 1000), file) for (start, stop), file in files)

    def missing(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """What of some stretches was not looked at, in pieces, to the millisecond."""
        wanted = join_stretches((np.floor(a * 1000) / 1000, np.ceil(b * 1000) / 1000) for a, b in stretches)
        left: list[Stretch] = []
        for start_s, stop_s in wanted:
            for (known_s, until_s), _ in self.known():
                if known_s < stop_s and until_s > start_s:
                    if known_s > start_s:
                        left.append((start_s, known_s))
                    start_s = max(start_s, until_s)
            if start_s < stop_s:
                left.append((start_s, stop_s))
        pieces = [(a, b, np.linspace(a, b, int(np.ceil((b - a) / PIECE_S)) + 1)) for a, b in left]
        return [(float(a), float(b)) for *_, edges in pieces for a, b in pairwise(edges)]

    def look(self, film: Path, stretches: Sequence[Stretch], tell: Callable[[float], None]) -> None:
        """Look at what is missing; ``tell`` gets the share of it that is done."""
        from ..video.landmarks import faces_in, largest

        pieces = self.missing(stretches)
        if not pieces:
            return
        total, seen = sum(stop_s - start_s for start_s, stop_s in pieces) * video_info(film).fps, 0

        def counted(items: Iterable) -> Iterator:
            nonlocal seen
            for item in items:
                seen += 1
                tell(min(seen / max(total, 1), 1.0))
                yield item

        self.folder.mkdir(parents=True, exist_ok=True)
        for piece in pieces:
            times_s, faces = faces_in(film, piece, counted)
            with warnings.catch_warnings():
                if self.face:  # nothing is to be said of the largest
                    warnings.simplefilter("ignore", AvsiWarning)
                points = largest(self.name or film, piece, times_s, faces).points
            start, stop = (round(time_s * 1000) for time_s in piece)
            every = np.array(faces, np.float32).reshape(len(faces), len(times_s), 68, 2)
            write_npz(self.folder / f"{start}_{stop}.npz", time_s=np.array(times_s), largest=points, faces=every)

    def between(self, start_s: float, stop_s: float) -> Tracks:
        """The face in a stretch, as far as that was looked at.

        Raises:
            ConfigError: a face of a number that is not there.
        """
        if self.face:
            return self._person(self.face).between(start_s, stop_s)
        times_s, points = [np.zeros(0)], [np.zeros((0, 68, 2), np.float32)]
        for (known_s, until_s), file in self.known():
            if known_s < stop_s and until_s > start_s:
                with np.load(file) as held:
                    times_s.append(held["time_s"])
                    points.append(held["largest"])
        return Tracks(np.concatenate(times_s), np.concatenate(points)).between(start_s, stop_s)

    def _person(self, face: int) -> Tracks:
        """One of those seen in all known stretches, which are counted anew when more were looked at: so a number means
        the same person in all of them.
        """
        from ..video.landmarks import person

        known = self.known()
        if self._counted is None or self._counted[0] != known:
            seen = []
            for _, file in known:
                with np.load(file) as held:
                    seen.append((held["time_s"], list(held["faces"])))
            if any(faces for _, faces in seen):
                tracks = person(f"{self.name}, where it was looked at so far", seen, face)
            else:
                times_s = np.concatenate([np.zeros(0), *(times_s for times_s, _ in seen)])
                tracks = Tracks(times_s, np.full((len(times_s), 68, 2), np.nan, np.float32))
            self._counted = known, tracks
        return self._counted[1]
