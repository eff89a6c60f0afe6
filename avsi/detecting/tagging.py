"""Damage that no rule can tell, found by a tagger: probabilities by frame, and the events that these make."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..audio.samples import resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..config import StftConfig
from ..data.damage import Damage
from ..media.sound_reading import Sound
from ..models.tagger import TAGGED, Tagger
from ..timebase import n_frames, to_frames, to_samples
from ..video.motion import visual_features
from ..video.tracks import Tracks
from .odds import log_odds

# What is tagged at once, and what is heard around it. 3 s are a whole number of frames, and of samples at any rate.
PART_S, AROUND_S = 30, 3
KEEP = 0.5  # an event goes on while its probability is above this share of what it needs to begin
JOIN_S = 0.06  # events of a kind that are this close are one
SHORTEST_S = 0.06  # shorter events are no damage, but for clicks
SEEN = 0.5  # the share of an event in which the lips must be seen to have had a say
# An edge is moved by at most so much to where the level changes most, between so long a time before and after it.
REACH_S, BESIDE_S, BLOCK_S = 0.02, 0.008, 0.002
LEAST_STEP = 1.0  # of the natural log of the power: weaker ones say nothing
EDGE_S = 0.12  # of a silence, that tells what it is: in the middle of a long one speech is far
# By logistic regression over events in speech of 100 speakers, damaged, and whole in many kinds of rooms: log odds of
# the mean probability, step at the weaker edge, log of the number of frames, and a constant. Drop-outs, which look like
# soft speech and like pauses, are told only when surer.
IS_DAMAGE = {
    "silence": (2.3, 0.0, 0.0, -4.3),
    "level": (1.18, -0.2, 0.84, -4.2),
    "noise": (2.6, 1.19, -1.44, -1.1),
    "burst": (1.75, 1.68, 3.77, -14.8),
}
QUIET = ("silence", "level")  # softer inside than outside; the others are louder


@dataclass(frozen=True)
class Tags:
    """What a tagger thinks of each frame of a recording.

    Attributes:
        chances: the probabilities of :data:`.TAGGED`, shape (n_frames, n_kinds).
        seen: in which frames the lips are seen, bool, shape (n_frames,).
        frame_s: how far frames lie apart.
    """

    chances: np.ndarray
    seen: np.ndarray
    frame_s: float

    def frames(self, damage: Damage) -> slice:
        """Those of a stretch, at least one."""
        first = min(round(damage.start_s / self.frame_s), len(self.chances) - 1)
        return slice(first, max(round(damage.end_s / self.frame_s), first + 1))

    def chance_of(self, damage: Damage, kind: str) -> float:
        """How likely a stretch is one kind of damage, on the average."""
        return float(self.chances[self.frames(damage), TAGGED.index(kind)].mean())

    def chance_at_edges(self, damage: Damage, kinds: Collection[str]) -> float:
        """How likely it is one of these kinds of damage just behind its start or before its end, whichever is more."""
        at = self.chances[self.frames(damage)][:, [TAGGED.index(kind) for kind in kinds]]
        chances, n_edge = 1 - np.prod(1 - at, axis=1), max(1, round(EDGE_S / self.frame_s))
        return float(max(chances[:n_edge].mean(), chances[-n_edge:].mean()))

    def goes_on(self, damage: Damage, thresholds: Mapping[str, float]) -> bool:
        """Whether a stretch is so likely one of these kinds of damage that an event of that kind would go on in it.

        Args:
            thresholds: from which probability on an event begins, by kind.
        """
        return any(self.chance_of(damage, kind) >= KEEP * chance for kind, chance in thresholds.items())


def tag(
    sound: Sound,
    tracks: Tracks | None,
    tagger: Tagger,
    known: Sequence[Damage] = (),
    progress: Callable = lambda items, total, what: items,
) -> list[Tags]:
    """Have a tagger listen to a recording, in the memory of a short one: to the mean of the channels, then, unless they
    are all the same, to each of them.

    Args:
        tracks: the face, on the clock of the sound; None where there is none.
        known: damage that was found otherwise, in seconds from the first sample: it tells nothing of the recording's
            level.
        progress: wraps the loop over the parts of the recording.
    """
    stft, parts = tagger.config.stft, [*tag_parts(sound, tracks, tagger, known, progress)]
    # Of a part in which the channels are the same, the mean tells what there is to tell of each.
    count = max(len(chances) for chances, _ in parts)
    whole = [np.concatenate([chances[n if len(chances) > 1 else 0] for chances, _ in parts]) for n in range(count)]
    seen = np.concatenate([seen for _, seen in parts])
    return [Tags(chances, seen, stft.hop_samples / stft.sample_rate) for chances in whole]


def find_tagged(
    sound: Sound, tags: Tags, tagger: Tagger, known: Sequence[Damage] = (), kinds: Collection[str] = TAGGED
) -> list[Damage]:
    """The damage that a tagger finds in a recording.

    Args:
        known: damage that was found otherwise, in seconds from the first sample: it is not reported again.
        kinds: those that are looked for; what is more likely another one hides none of these.

    Returns:
        Sorted, not overlapping, in seconds from the first sample.
    """
    touched = frames_of(known, 0.0, len(tags.chances), tagger.config.stft)
    chances = np.where(touched[:, None], 0, tags.chances)
    found = []
    for event in (each for kind in TAGGED if kind in kinds for each in find_events(chances, kind, tagger)):
        by = "tagger+face" if tags.seen[tags.frames(event)].mean() >= SEEN else "tagger"
        refined, step = refine_edges(sound, event)
        if refined.end_s > refined.start_s:
            found.append(replace(refined, sure=likely(event, step, tags.frame_s), seen_by=by))
    return apart(found)


def likely(event: Damage, step: float, frame_s: float) -> float:
    """How likely an event is damage.

    Args:
        event: with its mean probability.
        step: how much the level changes at the weaker of its edges, see :func:`moved_edge`.
    """
    if event.kind not in IS_DAMAGE:
        return event.sure
    n_frames = (event.end_s - event.start_s) / frame_s
    facts = (float(log_odds(event.sure)), step, math.log(max(n_frames, 1)), 1.0)
    return round(1 / (1 + math.exp(-sum(a * b for a, b in zip(IS_DAMAGE[event.kind], facts, strict=True)))), 4)


def tag_parts(
    sound: Sound, tracks: Tracks | None, tagger: Tagger, known: Sequence[Damage], progress: Callable
) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    """For each part of a recording, the probabilities of :data:`.TAGGED`, shape (n_frames, n_kinds), in the mean of the
    channels and, unless they are the same, in each of them; and in which frames the lips are seen, bool, shape
    (n_frames,).
    """
    stft = tagger.config.stft
    starts = range(0, sound.n_samples, PART_S * sound.rate)
    for start in progress(starts, len(starts), "listening"):
        begin = max(0, start - AROUND_S * sound.rate)
        stop = min(start + (PART_S + AROUND_S) * sound.rate, sound.n_samples)
        samples = to_float(sound.read(begin, stop))
        heard = [(samples.mean(axis=1), [*known])]
        if (samples != samples[:, :1]).any():
            heard += [(each, [one for one in known if one.channel in (None, n)]) for n, each in enumerate(samples.T)]
        begin_s = begin / sound.rate
        first = n_frames((start - begin) // sound.rate * stft.sample_rate, stft)
        own = slice(first, first + n_frames(PART_S * stft.sample_rate, stft))
        count = n_frames(-(-len(samples) * stft.sample_rate // sound.rate), stft)
        visual = np.zeros((count, 0), np.float32)
        face = tracks.excerpt(begin_s, stop / sound.rate) if tracks is not None and tagger.config.model.video else None
        if face is not None and face.found.any():
            visual, _ = visual_features(face, count, stft, tagger.config.visual)
        chances = list[np.ndarray]()
        for each, damage in heard:
            counts = torch.from_numpy(~frames_of(damage, begin_s, count, stft))
            wave = torch.from_numpy(resample(each, sound.rate, stft.sample_rate).astype(np.float32))
            with torch.inference_mode():
                log_spectrum = log_magnitude(spectrum(wave, stft), stft)
                scores = tagger(log_spectrum[None], torch.from_numpy(visual)[None], counts[None])[0]
            chances.append(scores.sigmoid()[own].numpy())
        seen = ~np.isnan(visual).any(axis=1) if visual.shape[1] else np.zeros(count, bool)
        yield chances, seen[own]


def frames_of(damage: Sequence[Damage], begin_s: float, count: int, stft: StftConfig) -> np.ndarray:
    """The frames of a stretch from ``begin_s`` on that damage touches; bool, shape (count,)."""
    touched, frame_s = np.zeros(count, bool), stft.hop_samples / stft.sample_rate
    for each in damage:
        first, last = (each.start_s - begin_s) / frame_s, (each.end_s - begin_s) / frame_s
        touched[max(0, int(np.floor(first))) : max(0, int(np.ceil(last)))] = True
    return touched


def find_events(chances: np.ndarray, kind: str, tagger: Tagger) -> list[Damage]:
    """The stretches of one kind of damage, by two thresholds.

    Args:
        chances: probabilities, shape (n_frames, len(TAGGED)).
    """
    stft, threshold = tagger.config.stft, tagger.thresholds[kind]
    frame_s = stft.hop_samples / stft.sample_rate
    chance = chances[:, TAGGED.index(kind)]
    joined = list[list[int]]()
    for first, last in stretches(chance >= threshold * KEEP):
        if chance[first:last].max() < threshold:
            continue
        if joined and first - joined[-1][1] < to_frames(JOIN_S, stft):
            joined[-1][1] = last
        else:
            joined.append([first, last])
    shortest = 1 if kind == "click" else to_frames(SHORTEST_S, stft)
    return [
        Damage(first * frame_s, last * frame_s, kind, round(float(chance[first:last].mean()), 4))
        for first, last in joined
        if last - first >= shortest
    ]


def stretches(here: np.ndarray) -> list[tuple[int, int]]:
    """Where a mask of shape (n,) is True: [first, last)."""
    edges = np.flatnonzero(np.diff(here.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def apart(events: Sequence[Damage]) -> list[Damage]:
    """Events that do not overlap: of those that do, the surest stays."""
    kept = list[Damage]()
    for event in sorted(events, key=lambda each: each.sure, reverse=True):
        if all(event.end_s <= each.start_s or event.start_s >= each.end_s for each in kept):
            kept.append(event)
    return sorted(kept)


def refine_edges(sound: Sound, event: Damage) -> tuple[Damage, float]:
    """An event with its edges moved to where the level of the sound changes most, near by; and how much it changes at
    the weaker one, in natural logs of the power.
    """
    step = 1 if event.kind in QUIET else -1
    start_s, at_start = moved_edge(sound, event.start_s, -step)
    end_s, at_end = moved_edge(sound, event.end_s, step)
    duration_s = sound.n_samples / sound.rate
    refined = replace(event, start_s=max(0.0, start_s), end_s=min(end_s, duration_s))
    return refined, min(at_start, at_end)


def moved_edge(sound: Sound, edge_s: float, step: int) -> tuple[float, float]:
    """Where near an edge the level rises (``step`` 1) or falls (-1) most, of the sound or of its high tones; the edge
    itself where it hardly changes; and by how much.
    """
    block = max(1, to_samples(BLOCK_S, sound.rate))
    beside, reach = round(BESIDE_S / BLOCK_S), round(REACH_S / BLOCK_S)
    middle = to_samples(edge_s, sound.rate)
    begin = middle - (reach + beside) * block
    if begin < 1 or begin + 2 * (reach + beside) * block > sound.n_samples:
        return edge_s, LEAST_STEP
    samples = to_float(sound.read(begin - 1, begin + 2 * (reach + beside) * block)).mean(axis=1)
    best = (LEAST_STEP, edge_s)
    for each in (samples[1:], np.diff(samples)):
        level = np.log(np.square(each).reshape(-1, block).mean(axis=1) + 1e-10)
        sums = np.concatenate([[0.0], np.cumsum(level)])
        at = np.arange(beside, len(level) - beside + 1)
        change = step * (sums[at + beside] - 2 * sums[at] + sums[at - beside]) / beside
        place = int(np.argmax(change))
        best = max(best, (float(change[place]), (begin + int(at[place]) * block) / sound.rate))
    return best[1], best[0]
