"""What is wrong with a recording, where, and of what kind."""

from __future__ import annotations

from dataclasses import dataclass

# What each kind of damage is, in the words of `avsi detect`.
KINDS = {
    "silence": "nothing at all is heard: zeros, a constant, or what a codec makes of them",
    "jump": "time stamps skip: sound or picture is missing",
    "repeat": "the same sound again: a packet that was played twice or more",
    "clipping": "flat tops: louder than could be recorded",
    "tone": "a steady tone, such as a bleep over a word",
    "click": "a few milliseconds of crackling",
    "level": "much softer than the speech around",
    "burst": "a short loud sound over the speech: a cough, a door",
    "noise": "noise over the speech: wind, hiss, traffic",
    "unknown": "damage of another kind",
}
# What is looked for where nobody says. A rule takes one click of ten, and the bursts of a t or a k near by for more.
USUAL = tuple(kind for kind in KINDS if kind != "click")
SURE = 0.5  # what is less likely to be damage is not told by default
PICTURE = "picture"  # in the place of what found damage: pictures are missing, and the sound goes on


@dataclass(frozen=True, order=True)
class Damage:
    """A damaged stretch of a recording.

    Attributes:
        start_s, end_s: in seconds, on the clock of whoever hands it over.
        kind: one of :data:`KINDS`.
        sure: from 0 to 1, how likely this is damage at all; exact rules give 1.
        seen_by: what found it: a rule's name, or ``tagger``; with ``+face`` where the lips had a say.
        channel: from 0 on; None where all channels have it.
    """

    start_s: float
    end_s: float
    kind: str
    sure: float = 1.0
    seen_by: str = ""
    channel: int | None = None

    @property
    def label(self) -> str:
        """What labels say: its kind, and its channel where only one has it, as :func:`.channels_told` reads it."""
        return self.kind + (f" (channel {self.channel + 1})" if self.channel is not None else "")
