"""One recording, as it was found: its files, who speaks, and what is said."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recording:
    """A recording whose speaker is known.

    Attributes:
        id: speaker, ``_`` and a name.
        sound: where its sound is read; may be the video.
        words: its transcript; empty without one.
        transcript_note: why there are no words though there is a transcript; "" where that is not so.
        late_s: how much later its sound comes than its picture shows.
        as_it_is: one utterance, which is neither cut nor trimmed.
        span_s: the part of the sound that counts (start, stop), for one that is taken as it is; None for all.
        video_start_s: where in the video's own sound the first sample of ``sound`` lies.
    """

    id: str
    speaker: str
    sound: Path
    video: Path | None = None
    words: tuple[str, ...] = ()
    transcript_note: str = ""
    late_s: float = 0.0
    as_it_is: bool = False
    span_s: tuple[float, float] | None = None
    video_start_s: float = 0.0
