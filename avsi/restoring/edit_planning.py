"""Where a recording is opened so that other words can be said there, for how long, and when each phone is then said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..data.gaps import Gap
from ..data.phones import SILENCE_LABEL
from ..errors import DataError
from ..media.spliced_sound import Copy, Splice
from ..models.aligner import PhoneAligner
from ..timebase import join_stretches, to_samples, to_seconds
from ..words.aligner import slowness
from ..words.alignment import AlignedWord, Alignment, Phone
from ..words.changes import Change

# An edge lies this far into the silence beside the words, and in the middle of a shorter one.
MARGIN_S = 0.03
# Less silence is none: the edge then lies in the phone next to it, which is said anew from there on, since it changes
# with its neighbours. At most a third of that phone.
PAUSE_S, COARTICULATION_S = 0.04, 0.025
# Where less of the recording would stay between two gaps, it is said anew, too.
LEAST_BETWEEN_S = 0.08
# Into a gap that keeps its length, phones are squeezed or stretched by at most so much, where that is possible.
FASTEST, SLOWEST = 1 / 1.5, 1.5
MOST_WIDENED = 2  # words at each side that are said anew, to that end
# What is left of removed words in a gap that keeps its length: models hardly learn to make silence, so a pause of the
# recording is copied there, without this much at its ends, and only joined by the model.
PAUSE_END_S, JOIN_S, LEAST_COPIED_S = 0.05, 0.03, 0.05
PAUSE = ""  # in the place of a phone's label
Lengths = tuple[str, list[tuple[str, float]]]  # a word, and (label, length in seconds) of its phones


@dataclass(frozen=True)
class NewWord:
    """A word of the new transcript, as written, and the phones that it is said with."""

    text: str
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Edit:
    """One gap, and what is said in it.

    Attributes:
        kind: "replaced", "inserted" or "removed".
        before, words: what was said and what is said now, "" for nothing.
        was, now: the gap in the recording and in the edited one, on the clock of the alignment.
        splice: samples [start, stop) of the recording and how many take their place.
        start: the first of these in the edited recording.
        slowness: how many times as long as is usual for the speaker the phones are; 1 where no word is said.
        copies: of a pause, into the middle of the gap.
    """

    kind: str
    before: str
    words: str
    was: Gap
    now: Gap
    splice: Splice
    start: int
    slowness: float
    copies: tuple[Copy, ...] = ()

    @property
    def lost(self) -> list[tuple[int, int]]:
        """What is to be restored: samples [start, stop) of the edited recording."""
        stop = self.start + self.splice[2]
        if not self.copies:
            return [(self.start, stop)]
        last, _, count, _ = self.copies[-1]
        return [(self.start, self.copies[0][0]), (last + count, stop)]


@dataclass(frozen=True)
class EditPlan:
    """What :func:`plan_edits` gives.

    Attributes:
        edits: the gaps in the order of time.
        alignment: when the words are said in the edited recording.
        n_samples: of the edited recording.
    """

    edits: list[Edit]
    alignment: Alignment
    n_samples: int

    @property
    def splices(self) -> list[Splice]:
        return [edit.splice for edit in self.edits]

    @property
    def lost(self) -> list[tuple[int, int]]:
        """What is to be restored: samples [start, stop) of the edited recording."""
        return [span for edit in self.edits for span in edit.lost]

    @property
    def copies(self) -> list[Copy]:
        return [copy for edit in self.edits for copy in edit.copies]


@dataclass(frozen=True)
class _Spot:
    """A change and its place in the recording, in seconds from the first sample.

    Attributes:
        start_s, end_s: what the new words take the place of.
        open_s, close_s: the edges of the gap, which holds it.
        words: the new ones: text, and (label, usual length in seconds) of each phone.
    """

    change: Change
    start_s: float
    end_s: float
    open_s: float
    close_s: float
    words: list[Lengths]

    @property
    def usual_s(self) -> float:
        return sum(length_s for _, phones in self.words for _, length_s in phones)


def plan_edits(
    model: PhoneAligner,
    alignment: Alignment,
    new_words: Sequence[NewWord],
    changes: Sequence[Change],
    n_samples: int,
    rate: int,
    start_s: float = 0.0,
    keep_length: bool = False,
) -> EditPlan:
    """Plan a gap for each change; for one those that lie close together.

    The edges lie in the silence beside the changed words; where there is none, a little inside their neighbours. New
    phones are as long as is usual for the speaker: by the aligner's duration model, or else by its mean lengths and the
    speaker's mean rate. Where words are removed, the shorter of the silences beside them goes, too.

    With ``keep_length`` they are scaled into the place of the old ones. If they would be faster than ``FASTEST``, the
    silences beside it are taken, and then up to two words at each side, which are said anew, faster. If they would be
    slower than ``SLOWEST``, there is silence at both ends. In the place of removed words the longest pause of the
    recording is copied, if that is long enough, and otherwise silence is said to the model.

    Args:
        alignment: the words of the recording, without a gap; none where they are not known.
        new_words: all that are to be said.
        changes: between the words of the two, at least one.
        start_s: what the clock of the alignment, and that of the plan, shows at the first sample.

    Raises:
        DataError: phones that the model does not know.
    """
    unknown = {phone for word in new_words for phone in word.phones} - set(model.phones)
    if unknown:
        raise DataError(
            f"the model does not know the phones {', '.join(sorted(unknown))}, but {' '.join(model.phones)}"
        )
    words = [_shifted(word, -start_s) for word in alignment.words]
    if words:
        lengths = _all_lengths(model, words, new_words, changes, to_seconds(n_samples, rate))
    else:  # nothing joins the words of one place to those of another
        pieces = [new_words[each.new_start : each.new_stop] for each in changes]
        lengths = [of for piece in pieces for of in _all_lengths(model, [], piece, [Change(0, 0, 0, len(piece))], 0)]
    spots: list[_Spot] = []
    for change in changes:
        spot = _spot(change, words, lengths, to_seconds(n_samples, rate), keep_length)
        while spots and spot.open_s - spots[-1].close_s < LEAST_BETWEEN_S:
            joined = spots.pop().change.joined(spot.change)
            spot = _spot(joined, words, lengths, to_seconds(n_samples, rate), keep_length)
        spots.append(spot)
    pause = _longest_pause(words, spots, to_seconds(n_samples, rate)) if keep_length else None
    edits, said, taken, longer = [], list[AlignedWord](), 0, 0
    for spot in spots:
        start, stop = to_samples(spot.open_s, rate), to_samples(spot.close_s, rate)
        # Whole samples, rounded up: rounded down, the words after it could begin before those ahead of it end.
        needed = round((spot.usual_s - (spot.end_s - spot.start_s)) * rate, 3)
        more = 0 if keep_length else math.ceil(needed)
        before = words[spot.change.start : spot.change.stop]
        said += [_shifted(word, longer / rate) for word in words[taken : spot.change.start]]
        room_s = spot.end_s - spot.start_s + more / rate
        slow = room_s / spot.usual_s if spot.words else 1.0
        slow = min(slow, SLOWEST) if keep_length else slow
        begin_s = spot.start_s + longer / rate + (room_s - slow * spot.usual_s) / 2
        said += _spoken(spot.words, begin_s, slow)
        edit = Edit(
            spot.change.kind,
            " ".join(word.text for word in before),
            " ".join(text for text, _ in spot.words),
            Gap(start_s + start / rate, start_s + stop / rate),
            Gap(start_s + (start + longer) / rate, start_s + (stop + longer + more) / rate),
            (start, stop, stop - start + more),
            start + longer,
            slow,
            () if spot.words or pause is None else _copied(spot, pause, rate),
        )
        edits.append(edit)
        taken, longer = spot.change.stop, longer + more
    said += [_shifted(word, longer / rate) for word in words[taken:]]
    duration_s = start_s + to_seconds(n_samples + longer, rate)
    edited = Alignment(tuple(_shifted(word, start_s) for word in said), duration_s)
    return EditPlan(edits, edited, n_samples + longer)


def _all_lengths(
    model: PhoneAligner,
    words: Sequence[AlignedWord],
    new_words: Sequence[NewWord],
    changes: Sequence[Change],
    duration_s: float,
) -> list[Lengths]:
    """Of each word that is to be said its text, and (label, length in seconds) of its phones: as said now, or usual."""
    lengths = [(word.text, [(phone, math.nan) for phone in word.phones]) for word in new_words]
    stays, stop, new_stop = {-1: -1}, 0, 0  # which word of the recording a new one is; both ends stay, too
    for change in [*changes, Change(len(words), len(words), len(new_words), len(new_words))]:
        for old, new in zip(range(stop, change.start), range(new_stop, change.new_start), strict=True):
            lengths[new] = (new_words[new].text, [(phone.label, _length_s(phone)) for phone in words[old].phones])
            stays[new] = old
        stop, new_stop = change.stop, change.new_stop
    stays[len(new_words)] = len(words)
    ends_s = [0.0, *(word.end_s for word in words)]
    starts_s = [*(word.start_s for word in words), duration_s]
    said: list[tuple[str, float]] = []
    for new, (_, phones) in enumerate([*lengths, ("", [])]):
        here = stays.get(new)
        if here is not None and stays.get(new - 1) == here - 1:
            said.append((PAUSE, starts_s[here] - ends_s[here]))
        said += phones
    usual_s = iter(_usual_s(model, said, words))
    return [
        (
            text,
            [(label, usual if math.isnan(now) else now) for (label, now), usual in zip(phones, usual_s, strict=False)],
        )
        for text, phones in lengths
    ]


def _usual_s(model: PhoneAligner, said: list[tuple[str, float]], words: Sequence[AlignedWord]) -> list[float]:
    """How long each phone of a sentence usually is for the speaker, in seconds.

    Args:
        said: (label, length in seconds) of each phone, NaN where that is not known, and of the pauses whose length is.
    """
    frame_s = model.config.stft.hop_samples / model.config.stft.sample_rate
    label_of = {PAUSE: SILENCE_LABEL} | {phone: label for label, phone in enumerate(model.phones, start=1)}
    if model.durations is not None:
        # As in its training: without what is less than half a frame of pause.
        told = [(label, length_s / frame_s) for label, length_s in said if label != PAUSE or length_s >= frame_s / 2]
        mean, _ = model.durations.predict([label_of[label] for label, _ in told], [length for _, length in told])
        return [frame_s * math.exp(each) for (label, _), each in zip(told, mean, strict=True) if label != PAUSE]
    heard = [(label_of[phone.label], _length_s(phone) / frame_s) for word in words for phone in word.phones]
    slow = slowness(model, heard)
    return [frame_s * slow * math.exp(model.length_mean[label_of[label]]) for label, _ in said if label != PAUSE]


def _spot(
    change: Change,
    words: Sequence[AlignedWord],
    lengths: list[Lengths],
    duration_s: float,
    keep_length: bool,
    widened: int = 0,
) -> _Spot:
    """The place of a change, which was ``widened`` so many times; with ``keep_length`` one with enough room, if there
    is any.
    """
    before, after = words[: change.start], words[change.stop :]
    left_s, right_s = before[-1].end_s if before else 0.0, after[0].start_s if after else duration_s
    if change.start < change.stop:
        start_s, end_s = words[change.start].start_s, words[change.stop - 1].end_s
    elif change.at_s is not None:
        start_s = end_s = min(max(change.at_s, left_s), right_s)
    elif before and after:
        start_s = end_s = (left_s + right_s) / 2
    else:  # close to the words that are there
        beside_s = min(2 * MARGIN_S, (right_s - left_s) / 2)
        start_s = end_s = left_s + beside_s if before else right_s - beside_s
    new = lengths[change.new_start : change.new_stop]
    usual_s = sum(length_s for _, phones in new for _, length_s in phones)
    if keep_length and new and end_s - start_s < FASTEST * usual_s:
        missing_s = usual_s - (end_s - start_s)
        start_s, end_s = max(left_s, start_s - missing_s / 2), min(right_s, end_s + missing_s / 2)
        if end_s - start_s < FASTEST * usual_s and (before or after) and widened < MOST_WIDENED:
            wider = change.widened(len(before[-1:]), len(after[:1]))
            return _spot(wider, words, lengths, duration_s, keep_length, widened + 1)
    elif not new and not keep_length:
        # Of the silences beside what is removed, the shorter goes.
        if start_s - left_s < right_s - end_s:
            start_s = left_s + min(start_s - left_s, 2 * MARGIN_S)
        else:
            end_s = right_s - min(right_s - end_s, 2 * MARGIN_S)
    open_s = start_s - _margin_s(start_s - left_s, before[-1].phones[-1] if before else None)
    close_s = end_s + _margin_s(right_s - end_s, after[0].phones[0] if after else None)
    return _Spot(change, start_s, end_s, open_s, close_s, new)


def _longest_pause(
    words: Sequence[AlignedWord], spots: Sequence[_Spot], duration_s: float
) -> tuple[float, float] | None:
    """(start, end) in seconds of the middle of the longest stretch without a word or a gap; None if that is short."""
    taken = join_stretches([(w.start_s, w.end_s) for w in words] + [(spot.open_s, spot.close_s) for spot in spots])
    starts_s, ends_s = [*(start_s for start_s, _ in taken), duration_s], [0.0, *(end_s for _, end_s in taken)]
    length_s, begin_s = max((start_s - end_s, end_s) for start_s, end_s in zip(starts_s, ends_s, strict=True))
    pause = begin_s + PAUSE_END_S, begin_s + length_s - PAUSE_END_S
    return pause if pause[1] - pause[0] >= LEAST_COPIED_S else None


def _copied(spot: _Spot, pause: tuple[float, float], rate: int) -> tuple[Copy, ...]:
    """A pause, as often as it takes, in the place of removed words; nothing where there is not enough room. Every
    second one is backwards, so that each begins with the sample that the one before ends with.
    """
    here, stop = (to_samples(time_s, rate) for time_s in (spot.start_s + JOIN_S, spot.end_s - JOIN_S))
    first, last = (to_samples(time_s, rate) for time_s in pause)
    if stop - here < LEAST_COPIED_S * rate:
        return ()
    copies = []
    for number, at in enumerate(range(here, stop, last - first)):
        count, backwards = min(last - first, stop - at), number % 2 == 1
        copies.append((at, last - count if backwards else first, count, backwards))
    return tuple(copies)


def _margin_s(silence_s: float, neighbour: Phone | None) -> float:
    """How far beyond the changed words a gap begins or ends, by the silence beside them and the phone behind that."""
    if silence_s >= PAUSE_S:
        return min(MARGIN_S, silence_s / 2)
    return silence_s + (min(COARTICULATION_S, _length_s(neighbour) / 3) if neighbour else 0.0)


def _spoken(words: list[Lengths], begin_s: float, slow: float) -> list[AlignedWord]:
    """Words, said one after the other from a time on, ``slow`` times as long as their lengths."""
    said = []
    for text, lengths in words:
        phones = []
        for label, length_s in lengths:
            phones.append(Phone(label, begin_s, begin_s + slow * length_s))
            begin_s += slow * length_s
        said.append(AlignedWord(text, phones[0].start_s, phones[-1].end_s, None, tuple(phones)))
    return said


def _shifted(word: AlignedWord, by_s: float) -> AlignedWord:
    phones = tuple(replace(phone, start_s=phone.start_s + by_s, end_s=phone.end_s + by_s) for phone in word.phones)
    return replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s, phones=phones)


def _length_s(phone: Phone) -> float:
    return phone.end_s - phone.start_s
