"""A recording and its transcript -> the times of its words."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..audio.samples import resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..data.gaps import Gap, gap_spans, lost_frames, lost_samples
from ..errors import AvsiWarning, ConfigError, DataError, FaceError, MediaError
from ..media.sound_reading import Sound, open_sound
from ..media.video_reading import has_picture, video_info
from ..models.aligner import PhoneAligner
from ..models.device import AUTO, choose_device
from ..models.store import load_model
from ..pretrained import ALIGNER, DURATIONS
from ..timebase import convert_span, to_samples, to_seconds
from ..video.landmarks import track_face
from ..video.motion import n_features, visual_features
from ..video.tracks import Tracks
from ..words.aligner import Aligned, align_frames, fit_of_words
from ..words.alignment import AlignedWord, Alignment, Phone
from ..words.captions import Caption
from ..words.pronouncing import pronounce
from ..words.transcript import spoken_words
from .detection import find_gaps

# The search for the words of a longer stretch would take minutes, and gigabytes.
LONGEST_S = 120.0
# Captions that lie close to each other are aligned together, as long as they last no longer than this.
TOGETHER_S = 30.0
# How far beyond its own times the words of a caption are looked for: captions are set for reading.
AROUND_CAPTION_S = 0.5
# A word is doubted that fits worse than this, in nats, as of fit_of_words. Of right words of unseen speakers it is one
# in twenty, whether they are heard or, in a gap, seen.
LEAST_FIT = -2.1
# So many doubts, or this share of the words, are one: the transcript is another.
MANY_DOUBTS, MOST_DOUBTED = 3, 1 / 3
# So many phones or more in a gap are doubted where they would last longer or shorter than usual by this factor.
FEWEST_PHONES, STRANGE = 4, 2.0


def load_aligner(name_or_path: str | Path = ALIGNER, device: str = AUTO) -> PhoneAligner:
    """A model that finds words; with the pretrained duration model, if they know the same phones. Raises ModelError and
    ConfigError as :meth:`.Inpainter.from_pretrained`.
    """
    model, durations = load_model(name_or_path, "aligner"), load_model(DURATIONS, "durations")
    if durations.phones == model.phones and durations.config.stft == model.config.stft:
        model.durations = durations
    return model.to(choose_device(device))


def align_file(
    path: Path,
    captions: Sequence[Caption],
    load: Callable[[], PhoneAligner],
    gaps: Sequence[Gap] | None = (),
    pronunciations: Mapping[str, tuple[str, ...]] | None = None,
    video: Path | None = None,
    face: int | None = None,
    from_first_sample: bool = False,
    progress: Callable = lambda items, total, what: items,
    find: Callable[[Path, Sound, bool], list[Gap]] = find_gaps,
) -> Alignment:
    """Align a transcript with a sound or video file; what does not fit is told of in warnings.

    Args:
        captions: what is said, in the order of time; those with times are looked for there.
        load: what loads the model, once the files are found to be good.
        gaps: where the sound is lost; None has them found by ``find``.
        pronunciations: the user's own, as :func:`.pronounce` takes them.
        video, face, from_first_sample: as in :func:`avsi.restoring.recordings.inpaint_file`; all times, also those of
            captions, count so.
        progress: wraps the loop over the frames of a video, as :func:`avsi.program.progress` does.
        find: as :func:`.detection.find_gaps`.

    Raises:
        MediaError, GapError, ConfigError: as :func:`avsi.restoring.recordings.inpaint_file`.
        DataError: words without a pronunciation, or that do not fit into the recording, or a stretch too long.
    """
    with open_sound(path) as sound:
        if gaps is None:
            gaps = find(path, sound, from_first_sample)
        if video is None and sound.path != path and has_picture(path):
            video = path
        if face is not None and video is None:
            raise ConfigError(f"{path}: face {face} is asked for, but there is no picture; name a --video")
        start_s = 0.0 if from_first_sample else sound.start_s
        return align_in(path, sound, captions, load, gaps, pronunciations, video, face, start_s, progress)


def align_in(
    path: Path,
    sound: Sound,
    captions: Sequence[Caption],
    load: Callable[[], PhoneAligner],
    gaps: Sequence[Gap] = (),
    pronunciations: Mapping[str, tuple[str, ...]] | None = None,
    video: Path | Tracks | None = None,
    face: int | None = None,
    start_s: float = 0.0,
    progress: Callable = lambda items, total, what: items,
) -> Alignment:
    """As :func:`align_file`, in a file that is open.

    Args:
        video: the face, or a video of it, on the clock of the sound.
        start_s: what the clock of all times shows at the first sample.
    """
    lost = gap_spans(list(gaps), sound.n_samples, sound.rate, start_s, sound.channels) if gaps else []
    stretches = _stretches(path, captions, pronunciations or {}, sound, start_s)
    model = load()
    tracks = video if isinstance(video, Tracks) else None
    if isinstance(video, str | Path) and model.config.model.video:
        n_pictures = video_info(video).n_frames
        try:
            tracks = track_face(video, progress=lambda items: progress(items, n_pictures, "faces"), face=face)
        except FaceError as error:
            warnings.warn(f"{error}; the words are found by the sound alone", AvsiWarning, stacklevel=3)
    found: list[AlignedWord] = []
    for start, stop, spoken in progress(stretches, len(stretches), "words"):
        first_s, last_s = to_seconds(start, sound.rate), to_seconds(stop, sound.rate)
        excerpt = align_excerpt(
            model,
            to_float(sound.read(start, stop)).mean(axis=1),
            sound.rate,
            [each.pronunciations for each in spoken],
            [(max(a, start) - start, min(b, stop) - start) for a, b in lost if a < stop and b > start],
            None if tracks is None else tracks.excerpt(first_s, last_s),
        )
        words = _timed(model, excerpt.aligned, spoken, start_s + first_s, start_s + last_s)
        for doubt in _doubts(model, excerpt, spoken, words):
            warnings.warn(doubt, AvsiWarning, stacklevel=3)
        if unseen := _in_unseen_gaps(excerpt, spoken, words):
            warnings.warn(
                f"no face is seen where {_few(unseen)} said, in a gap: the usual lengths of phones say when",
                AvsiWarning,
                stacklevel=3,
            )
        found += words
    return Alignment(tuple(found), start_s + to_seconds(sound.n_samples, sound.rate))


@dataclass(frozen=True)
class AlignedExcerpt:
    """What :func:`align_excerpt` gives.

    Attributes:
        lost: the frames that touch a gap, bool, shape (n_frames,).
        seen: those in which a face is seen, bool, shape (n_frames,).
    """

    aligned: Aligned
    lost: torch.Tensor
    seen: torch.Tensor


@dataclass(frozen=True)
class _Spoken:
    """A word as it is said: what is written as one, such as "$3.50", may be several.

    Attributes:
        number: of the written word in its stretch, from 0 on.
    """

    number: int
    written: str
    pronunciations: Sequence[Sequence[str]]


def align_excerpt(
    model: PhoneAligner,
    samples: np.ndarray,
    rate: int,
    words: Sequence[Sequence[Sequence[str]]],
    lost: Sequence[tuple[int, int]] = (),
    tracks: Tracks | None = None,
) -> AlignedExcerpt:
    """Align words with a stretch of sound.

    Args:
        samples: shape (n_samples,), float, full scale 1.0; what they hold inside the gaps is not looked at.
        words: as in :func:`.align_frames`.
        lost: the gaps, in samples.
        tracks: the face, its clock starting with the first sample; None where there is none.

    Raises:
        MediaError: samples that are not a number.
        DataError: as :func:`.align_frames`.
    """
    stft = model.config.stft
    samples = np.where(lost_samples(list(lost), len(samples)), 0.0, samples)
    if not np.isfinite(samples).all():
        raise MediaError("the sound holds samples that are not a number, outside the gaps")
    coarse = torch.from_numpy(resample(samples, rate, stft.sample_rate).astype(np.float32))
    log_spectrum = log_magnitude(spectrum(coarse, stft), stft)
    spans = [convert_span(*span, rate, stft.sample_rate) for span in lost]
    gone = torch.from_numpy(lost_frames(spans, len(log_spectrum), stft))
    visual = torch.full((len(log_spectrum), n_features(model.config.visual) * model.config.model.video), math.nan)
    if tracks is not None and tracks.found.any() and model.config.model.video:
        visual = torch.from_numpy(visual_features(tracks, len(log_spectrum), stft, model.config.visual)[0])
    seen = ~visual.isnan().all(dim=1) if model.config.model.video else torch.zeros_like(gone)
    return AlignedExcerpt(align_frames(model, log_spectrum, visual, gone, words), gone, seen)


def _timed(
    model: PhoneAligner, aligned: Aligned, spoken: list[_Spoken], start_s: float, stop_s: float
) -> list[AlignedWord]:
    """The written words of a stretch that lasts from ``start_s`` to ``stop_s``."""
    phones: dict[int, list[Phone]] = {}
    confidences = [
        confidence for each, confidence in zip(aligned.segments, aligned.confidence, strict=True) if each.word >= 0
    ]
    timed = zip(aligned.words, aligned.timed_phones(model), confidences, strict=True)
    for word, (at_s, length_s, label), confidence in timed:
        phone = Phone(label, start_s + at_s, min(start_s + at_s + length_s, stop_s), confidence)
        phones.setdefault(spoken[word].number, []).append(phone)
    written = {each.number: each.written for each in spoken}
    words = []
    for number, own in phones.items():
        confidence = float(np.average([p.confidence for p in own], weights=[p.end_s - p.start_s for p in own]))
        words.append(AlignedWord(written[number], own[0].start_s, own[-1].end_s, confidence, tuple(own)))
    return words


def _doubts(
    model: PhoneAligner, excerpt: AlignedExcerpt, spoken: list[_Spoken], words: list[AlignedWord]
) -> Iterator[str]:
    """What does not fit: a word and what is heard or seen, or the words in a gap and its length."""
    segments = excerpt.aligned.segments
    doubted: dict[str, str] = {}
    for place, fit in fit_of_words(excerpt.aligned, excerpt.seen | ~excerpt.lost).items():
        if fit < LEAST_FIT:
            word = words[spoken[place].number]
            lost = any(excerpt.lost[each.start : each.stop].any() for each in segments if each.word == place)
            doubted[f"'{word.text}' at {word.start_s:.2f}-{word.end_s:.2f} s"] = "seen" if lost else "heard"
    if len(doubted) > MANY_DOUBTS and len(doubted) > MOST_DOUBTED * len(words):
        yield (
            f"{len(doubted)} of {len(words)} words do not fit what is heard or seen; is it the transcript of this "
            "recording, and in English?"
        )
    else:
        for name, how in doubted.items():
            yield f"{name} does not fit what is {how}; is it the right word?"
    frames = np.array([each.stop - each.start for each in segments])
    of_word = np.array([-1 if each.word < 0 else spoken[each.word].number for each in segments])
    inside = np.array([bool(excerpt.lost[each.start : each.stop].all()) for each in segments]) & (of_word >= 0)
    for number in np.flatnonzero(inside & ~np.append(False, inside[:-1])):
        stop = number + int(np.argmin(np.append(inside[number:], False)))
        usual = sum(float(model.length_mean[each.label].exp()) for each in segments[number:stop])
        slowness = frames[number:stop].sum() / usual / excerpt.aligned.slowness
        if stop - number >= FEWEST_PHONES and not 1 / STRANGE <= slowness <= STRANGE:
            first, last = words[of_word[number]], words[of_word[stop - 1]]
            yield (
                f"the words from '{first.text}' to '{last.text}', in the gap at {first.start_s:.2f}-"
                f"{last.end_s:.2f} s, have {slowness:.1f} of the time that this speaker usually needs for them; are "
                "they all that is said there, and is the gap right?"
            )


def _few(words: list[str]) -> str:
    """The first of some words, and how many more there are, as the subject of a sentence."""
    more = f" and {len(words) - 1} more are" if len(words) > 1 else " is"
    return f"'{words[0]}'{more}"


def _in_unseen_gaps(excerpt: AlignedExcerpt, spoken: list[_Spoken], words: list[AlignedWord]) -> list[str]:
    """The words of which a phone lies in a gap without a face."""
    blind = excerpt.lost & ~excerpt.seen
    numbers = {
        spoken[each.word].number
        for each in excerpt.aligned.segments
        if each.word >= 0 and blind[each.start : each.stop].all()
    }
    return [words[number].text for number in sorted(numbers)]


def _stretches(
    path: Path,
    captions: Sequence[Caption],
    pronunciations: Mapping[str, tuple[str, ...]],
    sound: Sound,
    start_s: float,
) -> list[tuple[int, int, list[_Spoken]]]:
    """(first sample, the one after the last, words) of what is aligned at once: one caption that has times, or the
    whole recording.

    Raises:
        DataError: words without a pronunciation, all of them named; a stretch that is too long; a caption outside the
            recording.
    """
    length_s = to_seconds(sound.n_samples, sound.rate)
    for caption in captions:
        if caption.start_s is not None and not start_s - AROUND_CAPTION_S < caption.start_s < start_s + length_s:
            raise DataError(
                f"{path}: a caption at {caption.start_s:.2f} s lies outside the sound, which lasts {length_s:.2f} s"
            )
    words = [spoken_words(caption.text, pronunciations) for caption in captions]
    all_spoken = [each for of_caption in words for word in of_caption for each in word.spoken]
    if unused := [word for word in pronunciations if word not in all_spoken]:
        warnings.warn(f"--pronounce {unused[0]}: the transcript has no such word", AvsiWarning, stacklevel=3)
    known = iter(pronounce(all_spoken, pronunciations))
    stretches, taken = [], 0
    for begin_s, end_s, count in _windows(captions, start_s, length_s):
        of_stretch = itertools.chain(*words[taken : taken + count])
        taken += count
        spoken = [
            _Spoken(number, word.written, variants)
            for number, word in enumerate(of_stretch)
            for variants in itertools.islice(known, len(word.spoken))
        ]
        start, stop = to_samples(begin_s, sound.rate), min(to_samples(end_s, sound.rate), sound.n_samples)
        if stop - start > LONGEST_S * sound.rate:
            raise DataError(
                f"{path}: {(stop - start) / sound.rate:.0f} s are too long to find words in at once (at most "
                f"{LONGEST_S:g} s); give a transcript with times, such as an .srt file"
            )
        stretches.append((start, stop, spoken))
    return stretches


def _windows(captions: Sequence[Caption], start_s: float, length_s: float) -> list[tuple[float, float, int]]:
    """(start, end, number of captions) of the stretches, in seconds from the first sample: captions with the sound
    around them, those whose surroundings overlap together; where that would become too long, they are parted in the
    middle between two captions that do not overlap themselves.
    """
    windows: list[tuple[float, float, int]] = []
    last_end_s = 0.0
    for caption in captions:
        if caption.start_s is None or caption.end_s is None:
            return [(0.0, length_s, len(captions))]
        said_s, ended_s = caption.start_s - start_s, caption.end_s - start_s
        begin_s, end_s = max(said_s - AROUND_CAPTION_S, 0.0), min(ended_s + AROUND_CAPTION_S, length_s)
        if windows and begin_s < windows[-1][1]:
            first_s, before_s, count = windows.pop()
            if said_s < last_end_s or end_s - first_s <= TOGETHER_S:
                windows.append((first_s, max(before_s, end_s), count + 1))
            else:
                middle_s = (last_end_s + said_s) / 2
                windows += [(first_s, middle_s, count), (middle_s, end_s, 1)]
        else:
            windows.append((begin_s, end_s, 1))
        last_end_s = max(last_end_s, ended_s)
    return windows
