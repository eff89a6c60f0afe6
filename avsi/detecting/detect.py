"""A recording in, what is wrong with it out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..audio.samples import to_float
from ..data.damage import KINDS, PICTURE, SURE, USUAL, Damage
from ..errors import ConfigError, MediaError
from ..media.sound_reading import Sound, open_sound
from ..media.sound_writing import BLOCK_SAMPLES
from ..media.time_stamps import MIN_JUMP_S, picture_jumps
from ..pretrained import TAGGER
from ..timebase import join_stretches, to_seconds
from . import clicks, clipping, repeats, silence, tones
from .channels import NEAR_S, over_channels
from .levels import LevelMeter, Levels
from .listener import Listener, load_listener

if TYPE_CHECKING:
    from ..video.tracks import Tracks

JUMP = "jump"
# The edge of a gap clicks, and is no click; a tone repeats itself.
STRONGER = {
    clicks.NAME: (silence.NAME, JUMP, repeats.NAME, tones.NAME, clipping.NAME),
    repeats.NAME: (tones.NAME,),
    silence.NAME: (JUMP,),
    clipping.NAME: (tones.NAME, "noise", "burst"),  # which were too loud
}
FINDERS: dict[str, Callable[[int], _Finder]] = {
    tones.NAME: tones.ToneFinder,
    repeats.NAME: repeats.RepeatFinder,
    clicks.NAME: clicks.ClickFinder,
    clipping.NAME: clipping.ClippingFinder,
}


def no_progress(items: Iterator, total: int, what: str) -> Iterator:
    return items


def detect_file(
    path: str | Path,
    kinds: Collection[str] | None = None,
    sure: float = SURE,
    from_first_sample: bool = False,
    progress: Callable = no_progress,
    tagger: str | Path | None = TAGGER,
    look: bool = True,
    video: str | Path | Tracks | None = None,
    face: int | None = None,
) -> list[Damage]:
    """What is wrong with a sound or video file, in the order of time; in the memory of a short one.

    Args:
        path: any sound or video file that libsndfile or FFmpeg reads.
        kinds: those of :data:`avsi.data.damage.KINDS` that are looked for; None: all but clicks.
        sure: from 0 to 1; what is less likely to be damage is left out.
        from_first_sample: times count from the first sample of the sound instead of being those that a player shows.
        progress: wraps the loops over the sound and the pictures, as :func:`avsi.program.progress` does.
        tagger: the model that finds what no rule can tell; None leaves that out.
        look: whether the tagger looks at the lips, which takes a quarter of a film's length.
        video: the speaker's face, or a video of it, where ``path`` has none; on the clock of its sound.
        face: which of several in the picture, as :func:`avsi.video.landmarks.track_each_stretch` counts them.

    Raises:
        MediaError: no such file, not a sound or video file, or samples that are not a number.
        ConfigError: a kind or a face that does not exist, or a confidence outside 0 to 1.
        ModelError: no such tagger.
    """
    check_asked(kinds, sure)
    listener = None if tagger is None else load_listener(tagger, look, video, face)
    with open_sound(path, progress) as sound:
        return detect_in(Path(path), sound, kinds, sure, from_first_sample, progress, listener)


detect = detect_file  # as `avsi.detect`


def detect_in(
    path: Path,
    sound: Sound,
    kinds: Collection[str] | None = None,
    sure: float = SURE,
    from_first_sample: bool = False,
    progress: Callable = no_progress,
    listener: Listener | None = None,
) -> list[Damage]:
    """As :func:`detect_file`, in a file that is open; what no rule can tell is found by ``listener``."""
    start_s = 0.0 if from_first_sample else sound.start_s
    kinds = USUAL if kinds is None else kinds
    if listener is None:
        heard = find_damage(sound, kinds, progress)
    else:
        # What outweighs another kind is listened for with it.
        asked = {*kinds, *(each for kind in kinds for each in STRONGER.get(kind, ()))}
        tracks = listener.see(path, sound, asked, progress)  # first, since a face may be asked for that is not there
        heard = find_damage(sound, {*USUAL, *kinds}, progress)
        heard = _outweighed(listener.listen(sound, asked, heard, tracks, progress))
    found = [_moved(damage, start_s) for damage in heard if damage.kind in kinds]
    if sound.path != path and JUMP in kinds:
        player_s = start_s - sound.start_s  # what the clock shows when a player starts
        found += [_moved(Damage(a, b, JUMP, 1.0, PICTURE), player_s) for a, b in picture_jumps(path)]
    return in_time([damage for damage in found if damage.sure >= sure])


def check_asked(kinds: Collection[str] | None, sure: float) -> None:
    """Raise ConfigError for a kind of damage that does not exist, or a confidence that is none."""
    for kind in kinds or ():
        if kind not in KINDS:
            raise ConfigError(f"kind '{kind}': no such damage; there are {', '.join(KINDS)}")
    if not 0 <= sure <= 1:
        raise ConfigError(f"sure {sure:g}: expected from 0 to 1")


class _Finder(Protocol):
    """What looks for one kind of damage in one channel."""

    def take(self, samples: np.ndarray) -> None: ...

    def finish(self, levels: Levels, channel: int | None) -> list[Damage]: ...


class _Rules:
    """All rules that are asked for, in one channel."""

    def __init__(self, rate: int, kinds: Collection[str]) -> None:
        self._rate = rate
        self._meter, self._runs = LevelMeter(rate, 1), silence.ConstantRuns(rate, 1)
        self._finders: list[_Finder] = [finder(rate) for kind, finder in FINDERS.items() if kind in kinds]

    def take(self, samples: np.ndarray) -> None:
        """Args: samples: the next ones of the channel, shape (n,), full scale 1.0."""
        self._meter.take(samples[:, None])
        self._runs.take(samples[:, None])
        for finder in self._finders:
            finder.take(samples)

    def finish(self, n_samples: int, channel: int) -> list[Damage]:
        levels, [runs] = Levels(self._meter.levels()[:, 0], self._meter.hop / self._rate), self._runs.finish()
        found = silence.find_silences(levels, self._meter.hop, runs, n_samples, self._rate, channel)
        return found + [each for finder in self._finders for each in finder.finish(levels, channel)]


def find_damage(sound: Sound, kinds: Collection[str] | None = None, progress: Callable = no_progress) -> list[Damage]:
    """What the rules find in the sound, however sure; in seconds from the first sample, in the order of time."""
    wanted = set(KINDS if kinds is None else kinds)
    # What outweighs another kind is looked for with it.
    looked = wanted | {kind for weaker in wanted & set(STRONGER) for kind in STRONGER[weaker]}
    # Up to where a channel differs from the first one, what is heard in that is heard in both.
    rules = [_Rules(sound.rate, looked)] * sound.channels
    n_blocks = math.ceil(sound.n_samples / BLOCK_SAMPLES)
    for start, block in progress(sound.blocks(), n_blocks, "looking for damage"):
        if not np.isfinite(block).all():
            at = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise MediaError(
                f"{sound.path}: the sound holds samples that are not a number, the first at "
                f"{to_seconds(at, sound.rate):.3f} s"
            )
        apart = [n for n in range(1, sound.channels) if not np.array_equal(block[:, n], block[:, 0])]
        for channel in apart:
            if rules[channel] is rules[0]:
                rules[channel] = copy.deepcopy(rules[0])
        for channel in [0, *(n for n in range(1, sound.channels) if rules[n] is not rules[0])]:
            rules[channel].take(to_float(block[:, channel]))
    by_channel = [rules[0].finish(sound.n_samples, 0)]
    for channel in range(1, sound.channels):
        if rules[channel] is rules[0]:
            by_channel.append([replace(damage, channel=channel) for damage in by_channel[0]])
        else:
            by_channel.append(rules[channel].finish(sound.n_samples, channel))
    duration_s = to_seconds(sound.n_samples, sound.rate)
    holes = [(to_seconds(a, sound.rate), to_seconds(b, sound.rate)) for a, b in sound.holes]
    jumps = [Damage(a, b, JUMP, 1.0, JUMP) for a, b in holes if b - a >= MIN_JUMP_S]
    found = _outweighed([*jumps, *over_channels(by_channel, duration_s)])
    return in_time([damage for damage in found if damage.kind in wanted])


def _outweighed(found: Sequence[Damage]) -> list[Damage]:
    """Without what is only a sign of something else: a silence in the place of a jump, a click at an edge."""
    by_kind: dict[str, list[tuple[float, float]]] = {}
    for damage in found:
        # What bursts out of a closure of the lips, too, is no click.
        if damage.sure >= SURE or damage.kind == silence.NAME:
            by_kind.setdefault(damage.kind, []).append((damage.start_s, damage.end_s))
    joined: dict[str, np.ndarray] = {kind: np.array(join_stretches(stretches)) for kind, stretches in by_kind.items()}
    kept = []
    for damage in found:
        near_s = NEAR_S if damage.kind == clicks.NAME else 0.0
        reached = (damage.start_s - near_s, damage.end_s + near_s)
        if not any(_overlaps(reached, joined.get(kind)) for kind in STRONGER.get(damage.kind, ())):
            kept.append(damage)
    return kept


def _overlaps(stretch: tuple[float, float], others: np.ndarray | None) -> bool:
    """Whether a stretch overlaps one of others, which are sorted and disjoint."""
    if others is None:
        return False
    number = int(np.searchsorted(others[:, 1], stretch[0], "right"))
    return number < len(others) and bool(others[number, 0] < stretch[1])


def in_time(found: Sequence[Damage]) -> list[Damage]:
    """In the order of time."""
    return sorted(found, key=lambda each: (each.start_s, each.end_s, each.kind, each.channel or 0))


def _moved(damage: Damage, by_s: float) -> Damage:
    start_s, end_s = round(damage.start_s + by_s, 6), round(damage.end_s + by_s, 6)
    return replace(damage, start_s=start_s, end_s=end_s)
