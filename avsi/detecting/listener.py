"""What judges damage that no rule can tell: a tagger that hears the sound, and sees the lips where there are some."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.damage import SURE, Damage
from ..errors import ConfigError
from ..media.sound_reading import Sound
from ..media.video_reading import has_picture, video_info
from ..pretrained import TAGGER
from ..timebase import to_seconds
from . import clipping, silence, tones
from .channels import by_channels, is_missed
from .odds import joined

if TYPE_CHECKING:
    from ..models.tagger import Tagger
    from ..video.tracks import Tracks
    from .tagging import Tags

SILENT = ("silence", "level")  # what it may call a silence
# By logistic regression, as in silence.py and tagging.py: log odds by the rule, and by the tagger, and a constant.
SILENCE_AND_TAGGER, TONE_AND_TAGGER = (0.986, 0.343, -1.68), (0.84, 0.74, 3.0)
HEARD = ("silence", "level", "noise", "burst")  # kinds that it is asked about; of all others rules know more
BY_CHANNEL = ("level", "noise", "burst")  # what it looks for in each channel; silences of channels are for rules

JUDGED = silence.NAME, tones.NAME  # what rules find and the tagger has a say in
MOST_SILENT = 0.9  # of a recording: beside longer damage nothing is left to compare it with


@dataclass(frozen=True)
class Listener:
    """A tagger and where it sees the speaker.

    Attributes:
        look: whether it looks at the picture of a film.
        video: the face, or a video of it, where the recording itself has none; on the clock of its sound.
        face: which of several, as :func:`avsi.video.landmarks.track_each_stretch` counts them.
    """

    tagger: Tagger
    look: bool = True
    video: Path | Tracks | None = None
    face: int | None = None

    def see(self, path: Path, sound: Sound, kinds: Collection[str], progress: Callable) -> Tracks | None:
        """The face throughout a recording, on the clock of the sound; None where it is not looked at, or is no help
        with the ``kinds`` that are looked for.

        Args:
            progress: as in :func:`.detect.detect_file`.

        Raises:
            ConfigError: a face that is not there.
        """
        video = self.video or (path if sound.path != path and has_picture(path) else None)
        if self.face is not None and video is None:
            raise ConfigError(f"{path}: face {self.face} is asked for, but there is no picture")
        if video is None or not self.look or not set(kinds) & {*HEARD, *JUDGED}:
            return None
        return self._follow_face(video, sound, progress)

    def listen(
        self,
        sound: Sound,
        kinds: Collection[str],
        heard: Sequence[Damage],
        tracks: Tracks | None,
        progress: Callable,
    ) -> list[Damage]:
        """What rules found in a recording, silences and tones judged anew, and what it finds beside that; in seconds
        from the first sample.

        Args:
            kinds: those that are looked for.
            heard: what rules found, however sure.
            tracks: as :meth:`see` gives them.
            progress: as in :func:`.detect.detect_file`.
        """
        from .tagging import tag

        wanted = set(kinds) & set(HEARD)
        if not (wanted or set(kinds) & set(JUDGED)) or not sound.n_samples:
            return [*heard]
        tags, *by_channel = tag(sound, tracks, self.tagger, _known(heard), progress)
        most_s = MOST_SILENT * to_seconds(sound.n_samples, sound.rate)
        judged = [each if each.end_s - each.start_s > most_s else _judged(each, tags) for each in heard]
        return [*judged, *self._find(sound, tags, by_channel, _known(judged), wanted)]

    def _find(
        self, sound: Sound, tags: Tags, by_channel: Sequence[Tags], known: Sequence[Damage], kinds: Collection[str]
    ) -> list[Damage]:
        """What is found beside what is known, in the mean of the channels and, unless they are the same, in each."""
        from .tagging import find_tagged

        found = find_tagged(sound, tags, self.tagger, known, kinds)
        if not by_channel:
            return found
        own = list[list[Damage]]()
        for channel, its in enumerate(by_channel):
            known_here = [each for each in known if each.channel in (None, channel)]
            events = find_tagged(sound.channel(channel), its, self.tagger, known_here, {*kinds} & {*BY_CHANNEL})
            told = [replace(each, channel=channel) for each in events]
            own.append([each for each in told if each.kind != "level" or is_missed(sound, each)])
        thresholds = {kind: self.tagger.thresholds[kind] for kind in HEARD}
        return by_channels(found, [[its.goes_on(each, thresholds) for its in by_channel] for each in found], own)

    def _follow_face(self, video: Path | Tracks, sound: Sound, progress: Callable) -> Tracks:
        from ..video.landmarks import track_each_stretch
        from ..video.tracks import Tracks

        if isinstance(video, Tracks):
            return video
        duration_s = to_seconds(sound.n_samples, sound.rate)
        total = round(duration_s * video_info(video).fps)
        [tracks] = track_each_stretch(
            video, [(0.0, duration_s)], lambda items: progress(items, total, "faces"), self.face
        )
        return tracks


def _judged(damage: Damage, tags: Tags) -> Damage:
    """What a rule found, as sure as rule and tagger are together."""
    if damage.channel is not None:  # it hears the other channels, too
        return damage
    if damage.kind == silence.NAME:
        return replace(damage, sure=joined((damage.sure, tags.chance_at_edges(damage, SILENT)), SILENCE_AND_TAGGER))
    if damage.kind == tones.NAME:
        return replace(damage, sure=joined((damage.sure, tags.chance_of(damage, tones.NAME)), TONE_AND_TAGGER))
    return damage


def _known(found: Sequence[Damage]) -> list[Damage]:
    """What need not be looked for any more; where tops are flat there may be something loud."""
    return [damage for damage in found if damage.sure >= SURE and damage.kind != clipping.NAME]


def load_listener(
    name_or_path: str | Path = TAGGER,
    look: bool = True,
    video: str | Path | Tracks | None = None,
    face: int | None = None,
) -> Listener:
    """A listener with a trained tagger. Raises ModelError where there is none of that name."""
    from ..models.store import load_model

    tagger = load_model(name_or_path, "tagger")
    return Listener(tagger.eval(), look, Path(video) if isinstance(video, str) else video, face)
