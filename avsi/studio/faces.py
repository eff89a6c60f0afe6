"""The face in stretches of a film, each of which is looked at once, whatever asks for it and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..files import write_npz
from ..media.video_reading import video_info
from ..timebase import join_stretches
from ..video.tracks import Tracks

PIECE_S = 20.0  # what is kept at once of a long stretch
Stretch = tuple[float, float]


class FaceCache:
    """Files of landmarks in a folder, one for each stretch that was looked at; times as of :class:`Tracks`."""

    def __init__(self, folder: Path, face: int | None = None) -> None:
        """
        Args:
            folder: of all faces of a film.
            face: which of several, as :func:`avsi.video.landmarks.track_each_stretch` takes it.
        """
        self.folder, self.face = folder / str(face or "largest"), face

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
        from ..video.landmarks import track_each_stretch

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
        # Several people are counted over all pieces together; the largest face is found in each by itself.
        for together in [pieces] if self.face else [[piece] for piece in pieces]:
            for piece, tracks in zip(together, track_each_stretch(film, together, counted, self.face), strict=True):
                start, stop = (round(time_s * 1000) for time_s in piece)
                write_npz(self.folder / f"{start}_{stop}.npz", time_s=tracks.time_s, points=tracks.points)

    def between(self, start_s: float, stop_s: float) -> Tracks:
        """The face in a stretch, as far as that was looked at."""
        times_s, points = [np.zeros(0)], [np.zeros((0, 68, 2), np.float32)]
        for (known_s, until_s), file in self.known():
            if known_s < stop_s and until_s > start_s:
                with np.load(file) as held:
                    times_s.append(held["time_s"])
                    points.append(held["points"].reshape(-1, 68, 2))
        return Tracks(np.concatenate(times_s), np.concatenate(points)).between(start_s, stop_s)
