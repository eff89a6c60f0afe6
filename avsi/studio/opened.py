"""A clip as the tasks need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.sound_reading import Sound
from ..timebase import to_seconds

if TYPE_CHECKING:
    from ..video.tracks import Tracks
    from .faces import FaceCache
    from .worker import Teller


@dataclass(frozen=True)
class Opened:
    """
    Attributes:
        film: where the face is seen; None of a sound file.
        faces: the folder of its :class:`FaceCache`.
        face: which of several, counted from the left; None takes the largest.
        name: what people call it.
    """

    path: Path
    sound: Sound
    film: Path | None
    faces: Path
    face: int | None = None
    name: str = ""

    @property
    def length_s(self) -> float:
        return to_seconds(self.sound.n_samples, self.sound.rate)

    def look(self, teller: Teller, stretches: Sequence[tuple[float, float]]) -> FaceCache | None:
        """The face in some stretches, in seconds from the first sample; None where there is no picture."""
        from .faces import FaceCache

        if self.film is None:
            return None
        faces = FaceCache(self.faces, self.face, self.name)
        faces.look(self.film, stretches, lambda share: teller.step("looking at the face", share))
        return faces

    def whole_face(self, teller: Teller) -> Tracks | None:
        """The face throughout; None where none is seen."""
        faces = self.look(teller, [(0.0, self.length_s)])
        tracks = faces and faces.between(0.0, self.length_s)
        return tracks if tracks and tracks.found.any() else None
