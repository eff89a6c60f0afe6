"""A recording and its transcript -> the times of its words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..audio.samples import resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..data.gaps import Gap, gap_spans, lost_frames, lost_samples
from ..errors import ConfigError, DataError, MediaError
from ..media.sound_reading import Sound, open_sound
from ..media.video_reading import has_picture, video_info
from ..models.aligner import PhoneAligner
from ..timebase import convert_span, to_samples, to_seconds
from ..video.landmarks import track_face
from ..video.motion import n_features, visual_features
from ..video.tracks import Tracks
from ..words.aligner import Aligned, align_frames
from ..words.alignment import AlignedWord, Alignment, Phone
from ..words.pronouncing import pronounce
from .detection import find_silences

if TYPE_CHECKING:
    from ..words.transcript import Caption

# The search for the words of a longer stretch would take minutes.
LONGEST_S = 300.0
# How far beyond its own times the words of a caption are looked for: captions are set for reading.
AROUND_CAPTION_S = 0.5


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
) -> Alignment:
    """Align a transcript with a sound or video file; what does not fit is told of in warnings.

    Args:
        captions: what is said, in the order of time; those with times are looked for there.
        load: what loads the model, once the files are found to be good.
        gaps: where the sound is lost; None finds the runs of digital silence.
        pronunciations: the user's own, as :func:`.pronounce` takes them.
        video, face, from_first_sample: as in :func:`avsi.restoring.recordings.inpaint_file`; all times, also those of
            captions, count so.
        progress: wraps the loop over the frames of a video, as :func:`avsi.program.progress` does.

    Raises:
        MediaError, GapError, ConfigError: as :func:`avsi.restoring.recordings.inpaint_file`.
        DataError: words without a pronunciation, or that do not fit into the recording, or a stretch too long.
    """
    with ExitStack() as stack:
        sound = stack.enter_context(open_sound(path))
        start_s = 0.0 if from_first_sample else sound.start_s
        if gaps is None:
            gaps = [Gap(start_s + gap.start_s, start_s + gap.end_s) for gap in find_silences(sound)]
        lost = gap_spans(list(gaps), sound.n_samples, sound.rate, start_s) if gaps else []
        if video is None and sound.path != path and has_picture(path):
            video = path
        if face is not None and video is None:
            raise ConfigError(f"{path}: face {face} is asked for, but there is no picture; name a --video")
        spoken = _spoken(captions, pronunciations or {})
        stretches = list(_stretches(captions, sound, start_s, path))
        model = load()
        tracks = None
        if video is not None and model.config.model.video:
            n_pictures = video_info(video).n_frames
            tracks = track_face(video, progress=lambda items: progress(items, n_pictures, "faces"), face=face)
        found: list[AlignedWord] = []
        for start, stop, n_written in stretches:
            first_s, last_s = to_seconds(start, sound.rate), to_seconds(stop, sound.rate)
            inside = [(max(a, start) - start, min(b, stop) - start) for a, b in lost if a < stop and b > start]
            there = [each for each in spoken if len(found) <= each.number < len(found) + n_written]
            aligned, _ = align_excerpt(
                model,
                to_float(sound.read(start, stop)).mean(axis=1),
                sound.rate,
                [each.pronunciations for each in there],
                inside,
                None if tracks is None else tracks.excerpt(first_s, last_s),
            )
            found += _timed(model, aligned, there, start_s + first_s)
    return Alignment(tuple(found), start_s + to_seconds(sound.n_samples, sound.rate))


@dataclass(frozen=True)
class _Spoken:
    """A word as it is said: what is written as one, such as "$3.50", may be several.

    Attributes:
        number: of the written word in the whole transcript, from 0 on.
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
) -> tuple[Aligned, torch.Tensor]:
    """Align words with a stretch of sound.

    Args:
        samples: shape (n_samples,), float, full scale 1.0; what they hold inside the gaps is not looked at.
        words: as in :func:`.align_frames`.
        lost: the gaps, in samples.
        tracks: the face, its clock starting with the first sample; None where there is none.

    Returns:
        Their frames; and which of those are lost, bool, shape (n_frames,).
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
    return align_frames(model, log_spectrum, visual, gone, words), gone


def _timed(model: PhoneAligner, aligned: Aligned, spoken: list[_Spoken], start_s: float) -> list[AlignedWord]:
    """The written words, with times in seconds."""
    frame_s = model.config.stft.hop_samples / model.config.stft.sample_rate
    phones: dict[int, list[Phone]] = {}
    for segment, confidence in zip(aligned.segments, aligned.confidence, strict=True):
        if segment.word >= 0:
            name = model.phones[segment.label - 1]
            phone = Phone(name, start_s + segment.start * frame_s, start_s + segment.stop * frame_s, confidence)
            phones.setdefault(spoken[segment.word].number, []).append(phone)
    written = {each.number: each.written for each in spoken}
    return [
        AlignedWord(written[number], own[0].start_s, own[-1].end_s, _mean_confidence(own), tuple(own))
        for number, own in phones.items()
    ]


def _mean_confidence(phones: list[Phone]) -> float:
    """Each phone weighs by its length."""
    return sum(p.confidence * (p.end_s - p.start_s) for p in phones) / sum(p.end_s - p.start_s for p in phones)


def _spoken(captions: Sequence[Caption], pronunciations: Mapping[str, tuple[str, ...]]) -> list[_Spoken]:
    """Raises DataError for words without a pronunciation, all of them named."""
    written = [word for caption in captions for word in caption.words]
    known = iter(pronounce([each for word in written for each in word.spoken], pronunciations))
    return [
        _Spoken(number, word.written, variants)
        for number, word in enumerate(written)
        for variants in itertools.islice(known, len(word.spoken))
    ]


def _stretches(captions: Sequence[Caption], sound: Sound, start_s: float, path: Path) -> Iterator[tuple[int, int, int]]:
    """(first sample, the one after the last, number of words) of what is aligned at once: one caption that has times,
    or the whole recording.

    Raises:
        DataError: a stretch too long, or captions that lie outside the recording.
    """
    for caption in captions:
        start, stop = 0, sound.n_samples
        if caption.start_s is not None and caption.end_s is not None:
            start = max(to_samples(caption.start_s - AROUND_CAPTION_S - start_s, sound.rate), 0)
            stop = min(to_samples(caption.end_s + AROUND_CAPTION_S - start_s, sound.rate), sound.n_samples)
            if stop <= start:
                raise DataError(
                    f"{path}: a caption from {caption.start_s:.2f} to {caption.end_s:.2f} s lies outside the "
                    f"recording, which lasts {to_seconds(sound.n_samples, sound.rate):.2f} s"
                )
        if stop - start > LONGEST_S * sound.rate:
            raise DataError(
                f"{path}: {(stop - start) / sound.rate:.0f} s are too long to find words in at once (at most "
                f"{LONGEST_S:g} s); give a transcript with times, such as an .srt file"
            )
        yield start, stop, len(caption.words)
