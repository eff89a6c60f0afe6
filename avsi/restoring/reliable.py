"""What of a recording can be learned from: its reliable sound near the gaps, where somebody speaks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from ..audio.samples import resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..config import StftConfig
from ..data.gaps import Gap, gap_spans
from ..errors import ConfigError, GapError, MediaError
from ..media.sound_reading import open_sound
from ..media.video_reading import has_picture
from ..timebase import frame_centres_s, frames_within, join_stretches, to_frames, to_samples, to_seconds
from ..training.losses import third_octaves
from ..training.stretches import MIN_STRETCH_S
from ..video.tracks import LEFT_EYE, RIGHT_EYE, Tracks
from .detection import find_gaps
from .excerpts import Span

# A recording is read in parts of this length, and of a long one those nearest to the gaps.
PART_S = 10.0
# Speech is what lies at most this much below the loudest twentieth of a recording.
SPEECH_DB = 25.0
LOUDEST = 0.95
# The lips are still where their opening deviates by less than this over a second, in distances of the eyes: of nine
# people who talk it did by 0.02 and more.
STILL_MOUTH = 0.01
MOUTH_WINDOW_S = 1.0
INNER_LIPS = (62, 66)  # the middle of the upper and of the lower one, among the 68 points
# Sound further away from speech than this is not learned from.
AROUND_SPEECH_S = 1.0


@dataclass(frozen=True, eq=False)
class Source:
    """A recording to adapt to.

    Attributes:
        name: what people call it, such as its file's name.
        read: (first sample, the one after the last) -> samples, shape (n, n_channels).
        gaps: in samples, sorted and disjoint.
        video: the face of who speaks, as :meth:`Inpainter.inpaint` takes it.
        face: which of several in it.
    """

    name: str
    n_samples: int
    rate: int
    read: Callable[[int, int], np.ndarray]
    gaps: list[Span]
    video: Path | Tracks | None = None
    face: int | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """Reliable sound of a recording that was read.

    Attributes:
        start, stop: in samples of the recording.
        samples: the mean of the channels at the model's rate, float32, shape (n_frames * hop_samples,).
        log_spectrum: their natural log magnitude, shape (n_frames, n_bins); without the frames that reach beyond the
            piece.
        first_frame_s: when the first of them begins, in seconds of the recording.
    """

    source: Source
    start: int
    stop: int
    samples: torch.Tensor
    log_spectrum: torch.Tensor
    first_frame_s: float


@contextlib.contextmanager
def open_source(path: Path, gaps: list[Gap] | None, face: int | None = None) -> Iterator[Source]:
    """A file as a source; its gaps are at a player's times, and None finds them.

    Raises:
        MediaError: not a sound or video file.
        GapError: gaps that do not fit.
        ConfigError: a face of a file without a picture.
    """
    with open_sound(path) as sound:
        if gaps is None:
            gaps = find_gaps(path, sound)
        try:
            spans = gap_spans(gaps, sound.n_samples, sound.rate, sound.start_s, sound.channels) if gaps else []
        except GapError as error:
            raise GapError(f"{path}: {error}") from error
        video = path if sound.path != path and has_picture(path) else None
        if face is not None and video is None:
            raise ConfigError(f"{path}: face {face} is asked for, but there is no picture")
        yield Source(path.name, sound.n_samples, sound.rate, sound.read, spans, video, face)


def share_out(sources: Sequence[Source], longest_s: float) -> list[float]:
    """How many seconds of each recording are read at most, so that they are ``longest_s`` together: what short ones do
    not need goes to the others, and none gets less than can be learned from.
    """
    shares_s = [0.0] * len(sources)
    lengths_s = [to_seconds(source.n_samples, source.rate) for source in sources]
    for done, number in enumerate(np.argsort(lengths_s, kind="stable").tolist()):
        shares_s[number] = min(lengths_s[number], max(longest_s / (len(sources) - done), 3 * MIN_STRETCH_S))
        longest_s -= shares_s[number]
    return shares_s


def plan_parts(gaps: list[Span], n_samples: int, rate: int, longest_s: float) -> list[Span]:
    """The reliable parts of a recording in the order of time, at most ``longest_s`` together: those nearest to the
    gaps, or spread evenly where there are none.
    """
    edges = [0, *(edge for span in gaps for edge in span), n_samples]
    part, shortest = to_samples(min(PART_S, longest_s), rate), to_samples(MIN_STRETCH_S, rate)
    parts: list[Span] = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= shortest:
            cuts = np.linspace(start, stop, -(-(stop - start) // part) + 1).astype(int).tolist()
            parts += pairwise(cuts)
    most = int(longest_s * rate / part)
    if sum(stop - start for start, stop in parts) > longest_s * rate:
        if gaps:
            away = [min(max(start - b, a - stop, 0) for a, b in gaps) for start, stop in parts]
            chosen = np.argsort(away, kind="stable")
        else:
            chosen = np.unique(np.linspace(0, len(parts) - 1, max(1, most)).astype(int))
        enough = np.cumsum([parts[n][1] - parts[n][0] for n in chosen]) <= longest_s * rate
        parts = [parts[n] for n in sorted(chosen[enough])]
    return join_stretches(parts)


def read_pieces(source: Source, stft: StftConfig, longest_s: float) -> list[Piece]:
    """The reliable sound of a recording where somebody speaks. No sample of a gap is read.

    Raises:
        MediaError: samples that are not a number.
    """
    pieces = []
    for start, stop in plan_parts(source.gaps, source.n_samples, source.rate, longest_s):
        samples = to_float(source.read(start, stop)).mean(axis=1)
        bad = np.flatnonzero(~np.isfinite(samples))
        if len(bad):
            at = to_seconds(start + int(bad[0]), source.rate)
            raise MediaError(f"{source.name}: holds samples that are not a number, the first {at:.3f} s from its start")
        coarse = torch.from_numpy(resample(samples, source.rate, stft.sample_rate).astype(np.float32))
        first, last = frames_within(0, len(coarse), stft)
        log_spectrum = log_magnitude(spectrum(coarse, stft), stft)[first:last]
        if len(log_spectrum):
            first_frame_s = to_seconds(start, source.rate) + first * stft.hop_samples / stft.sample_rate
            inside = coarse[first * stft.hop_samples : last * stft.hop_samples]
            pieces.append(Piece(source, start, stop, inside, log_spectrum, first_frame_s))
    return pieces


def speech_frames(log_spectra: list[torch.Tensor], stft: StftConfig) -> list[torch.Tensor]:
    """Where somebody speaks in the pieces of one recording, by loudness alone; bool, each of shape (n_frames,)."""
    if not log_spectra:
        return []
    power_db = [10 * torch.log10(torch.exp(2 * each).sum(dim=1)) for each in log_spectra]
    silence_db = 10 * np.log10(stft.n_bins * (2 * stft.log_floor) ** 2)
    sound = torch.cat(power_db)
    sound = sound[sound > silence_db]
    if not len(sound):
        return [torch.zeros(len(each), dtype=torch.bool) for each in log_spectra]
    loud = torch.quantile(sound, LOUDEST)
    return [(each > loud - SPEECH_DB) & (each > silence_db) for each in power_db]


def near(chosen: torch.Tensor, avoided: torch.Tensor, stft: StftConfig) -> list[Span]:
    """The runs of frames that lie near chosen ones and are not to be avoided, as far as they are long enough to be
    learned from; as frames [first, last).
    """
    reach = to_frames(AROUND_SPEECH_S, stft)
    around = torch.nn.functional.max_pool1d(chosen[None].float(), 2 * reach + 1, 1, reach)[0] > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], (around & ~avoided).numpy(), [False]])))
    shortest = to_frames(MIN_STRETCH_S, stft)
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def still_mouth(tracks: Tracks | None, n_frames: int, stft: StftConfig) -> torch.Tensor:
    """Where a face is seen whose lips do not move: what is heard there is said by somebody else. Bool, (n_frames,).

    Args:
        tracks: the face, its clock starting with the first frame; None where it is not known.
    """
    still = torch.zeros(n_frames, dtype=torch.bool)
    if tracks is None or tracks.found.sum() < 2:
        return still
    points = tracks.points.astype(np.float64)
    eyes = np.linalg.norm(points[:, RIGHT_EYE].mean(axis=1) - points[:, LEFT_EYE].mean(axis=1), axis=1)
    opening = np.linalg.norm(points[:, INNER_LIPS[0]] - points[:, INNER_LIPS[1]], axis=1) / np.nanmedian(eyes)
    for frame, centre_s in enumerate(frame_centres_s(n_frames, stft)):
        a, b = np.searchsorted(tracks.time_s, [centre_s - MOUTH_WINDOW_S / 2, centre_s + MOUTH_WINDOW_S / 2])
        seen = opening[a:b]
        still[frame] = bool(b - a > 1 and not np.isnan(seen).any() and seen.std() < STILL_MOUTH)
    return still


def timbre_of(log_spectra: list[torch.Tensor], stft: StftConfig) -> np.ndarray:
    """How a voice and its microphone sound on the whole: the mean level of speech in third-octave bands, in dB above
    the mean of the bands; shape (15,). NaN without speech.
    """
    speech = [each[chosen] for each, chosen in zip(log_spectra, speech_frames(log_spectra, stft), strict=True)]
    power = torch.exp(2 * torch.cat(speech)) @ third_octaves(stft)
    mean_db = 10 * torch.log10(power + stft.log_floor**2).mean(dim=0)
    return (mean_db - mean_db.mean()).numpy()
