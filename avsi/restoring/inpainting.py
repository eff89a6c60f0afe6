"""One recording in, restored sound out, of any rate, channel count and length."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..audio.phase import fill_gaps, keep_reliable, paste
from ..audio.samples import from_float, resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..data.gaps import Gap, gap_spans, lost_frames, lost_samples
from ..errors import AvsiWarning, FaceError, GapError, MediaError, ModelError
from ..media.video_reading import video_info
from ..models.inpainter import BLSTMInpainter
from ..models.store import load_model
from ..pretrained import AUDIO_ONLY, DEFAULT
from ..timebase import convert_span, frame_centres_s, to_seconds
from ..video.landmarks import join_stretches, track_face
from ..video.motion import visual_features
from ..video.tracks import Tracks
from .excerpts import Excerpt, Span, plan_excerpts

# The share of a gap in which the face must be seen for the video to be believed.
MIN_SEEN = 0.5
# With less sound than this around its gaps, a model has hardly anything to go by.
MIN_AROUND_S = 0.5
WITHOUT_FACE = "restored from the sound alone"


@dataclass(frozen=True)
class RestoredExcerpt:
    """What :meth:`Inpainter.restore_excerpt` gives.

    Attributes:
        samples: at the model's rate, shape (n_samples, n_channels), float64; outside the gaps near those that went in.
        log_spectrum: natural log magnitude that the model made, shape (n_channels, n_frames, n_bins).
        lost: the frames that were lost, shape (n_frames,), bool.
        audio_only: for each of the gaps asked for, why the video was not used; "" where it was or none is needed.
    """

    samples: np.ndarray
    log_spectrum: torch.Tensor
    lost: torch.Tensor
    audio_only: list[str]


class Inpainter:
    """Restores gaps with a model, and with an audio-only one where the first would need a face that is not there."""

    def __init__(self, model: BLSTMInpainter, audio_only: BLSTMInpainter | None = None) -> None:
        """``model`` may be anything with its ``config`` and ``restore_spectrum``, such as a baseline.

        Raises:
            ModelError: an audio-only model that needs a face, or works on another kind of spectrogram.
        """
        if audio_only is not None and audio_only.config.model.video:
            raise ModelError("the model that is to take over without a face needs one itself; name an audio-only model")
        if audio_only is not None and audio_only.config.stft != model.config.stft:
            raise ModelError(
                "the audio-only model works on another kind of spectrogram (stft) than the model it stands in for"
            )
        self.model = model
        self.audio_only = audio_only

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = DEFAULT, audio_only: str | Path | None = AUDIO_ONLY
    ) -> Inpainter:
        """Load a pretrained or self-trained model, and the audio-only one that takes over without a face.

        Raises:
            ModelError: no such model, a damaged one, or one that does not restore.
        """
        model = load_model(name_or_path, "inpainter")
        needs_other = model.config.model.video and audio_only is not None
        return cls(model, load_model(audio_only, "inpainter") if needs_other else None)

    def inpaint(
        self,
        samples: np.ndarray,
        rate: int,
        gaps: list[Gap],
        video: str | Path | Tracks | None = None,
        face: int | None = None,
    ) -> np.ndarray:
        """Restore the gaps of a recording.

        Args:
            samples: shape (n_samples,) or (n_samples, n_channels); float (full scale 1.0), int16, int32 or 8 bit. What
                they hold inside the gaps is not looked at.
            rate: in Hz.
            gaps: in seconds from the first sample on; (start, end) pairs will do.
            video: a video of the speaker, the first sample of whose own sound (or, without sound, its first picture)
                belongs to the first sample; or the landmarks of one.
            face: which of several in the video, as :func:`avsi.video.landmarks.track_face` counts them.

        Returns:
            A copy with the gaps filled: same shape and type, every sample outside the gaps unchanged. A gap of a
            channel that is silent around it stays silent.

        Raises:
            GapError: gaps that do not fit the recording.
            MediaError: samples that are not numbers, or a video that cannot be read.
            FaceError: the model needs a face, none is there, and there is no audio-only model.
            ConfigError: a face of a number that is not there.
        """
        samples = np.asarray(samples)
        if samples.ndim not in (1, 2):
            raise MediaError(f"samples of shape {samples.shape}: expected (n_samples,) or (n_samples, n_channels)")
        if not len(samples):
            raise MediaError("the recording holds no samples")
        if rate <= 0 or rate != int(rate):
            raise MediaError(f"a rate of {rate} Hz: expected a whole number above 0")
        rate = int(rate)
        gaps = [gap if isinstance(gap, Gap) else Gap(*gap) for gap in gaps]
        restored = samples.copy()
        columns = restored.reshape(len(samples), -1)
        excerpts = plan_excerpts(gap_spans(gaps, len(samples), rate), len(samples), rate)
        tracks = self.follow_face(video, excerpts, rate, face)
        for excerpt in excerpts:
            for start, patch in self.patches(columns[excerpt.start : excerpt.stop].copy(), excerpt, rate, tracks):
                columns[start : start + len(patch)] = patch
        return restored

    def follow_face(
        self,
        video: str | Path | Tracks | None,
        excerpts: list[Excerpt],
        rate: int,
        face: int | None = None,
        progress: Callable = lambda items, total, what: items,
    ) -> Tracks | None:
        """The face in all excerpts of a recording, followed once; None where there is no video or the model needs none.

        Args:
            video, face: as in :meth:`inpaint`.
            progress: wraps the loop over the frames, as :func:`avsi.program.progress` does.
        """
        if video is None or isinstance(video, Tracks) or not self.model.config.model.video:
            return video if isinstance(video, Tracks) else None
        stretches = join_stretches([(to_seconds(each.start, rate), to_seconds(each.stop, rate)) for each in excerpts])
        total = round(sum(stop_s - start_s for start_s, stop_s in stretches) * video_info(video).fps)
        try:
            return track_face(
                video, progress=lambda items: progress(items, total, "faces"), face=face, stretches=stretches
            )
        except FaceError:
            return Tracks(np.zeros(0), np.zeros((0, 68, 2), np.float32))

    def patches(
        self, samples: np.ndarray, excerpt: Excerpt, rate: int, tracks: Tracks | None
    ) -> list[tuple[int, np.ndarray]]:
        """The restored samples of an excerpt's gaps.

        Args:
            samples: those of the excerpt, shape (n_samples, n_channels).
            tracks: the face, on the clock of the recording; None where there is no video.

        Returns:
            For each of its own gaps (first sample in the recording, samples of shape (n, n_channels) in the type that
            came in).
        """
        inside = [(start - excerpt.start, stop - excerpt.start) for start, stop in excerpt.lost]
        floats = to_float(samples)
        lost = lost_samples(inside, len(floats))
        floats[lost] = 0
        bad = np.flatnonzero(~np.isfinite(floats).all(axis=1))
        if len(bad):
            at = excerpt.told(excerpt.start + int(bad[0]), rate)
            raise MediaError(
                f"the sound holds samples that are not a number, the first at {at:.3f} s, outside the gaps"
            )
        model_rate = self.model.config.stft.sample_rate
        coarse = resample(floats, rate, model_rate)
        spans = [convert_span(*span, rate, model_rate) for span in inside]
        own = [
            convert_span(start - excerpt.start, stop - excerpt.start, rate, model_rate) for start, stop in excerpt.own
        ]
        spans = [(start, min(stop, len(coarse))) for start, stop in spans]
        tracks, problem = _around(tracks, to_seconds(excerpt.start, rate), to_seconds(excerpt.stop, rate))
        restored = self.restore_excerpt(coarse, spans, own, tracks, problem)
        around_s = to_seconds(len(lost) - int(lost.sum()), rate)
        for (start, stop), reason in zip(excerpt.own, restored.audio_only, strict=True):
            where = f"gap {excerpt.told(start, rate):.2f}-{excerpt.told(stop, rate):.2f} s"
            if reason:
                warnings.warn(f"{where}: {reason}; {WITHOUT_FACE}", AvsiWarning, stacklevel=3)
            if around_s < MIN_AROUND_S:
                warnings.warn(
                    f"{where}: only {around_s:.2f} s of sound are left around it to restore it from; expect little",
                    AvsiWarning,
                    stacklevel=3,
                )
        fine = resample(restored.samples, model_rate, rate)[: len(floats)]
        pasted = np.stack([paste(x, y, inside, rate) for x, y in zip(floats.T, fine.T, strict=True)], axis=1)
        return [
            (start, from_float(pasted[start - excerpt.start : stop - excerpt.start], samples.dtype))
            for start, stop in excerpt.own
        ]

    def restore_excerpt(
        self, samples: np.ndarray, lost: list[Span], own: list[Span], tracks: Tracks | None, problem: str = ""
    ) -> RestoredExcerpt:
        """The core: a stretch of sound at the model's rate, its gaps, and the face.

        Args:
            samples: shape (n_samples, n_channels), float, at ``model.config.stft.sample_rate``.
            lost: its gaps in samples.
            own: those among them for which the face must be seen.
            tracks: the face, on the clock of the samples; None where it is not known, for the reason in ``problem``.
        """
        stft = self.model.config.stft
        signal = torch.from_numpy(np.ascontiguousarray(samples.T, dtype=np.float32))
        gone = torch.from_numpy(lost_samples(lost, len(samples)))
        signal = signal.masked_fill(gone, 0)
        log_spectrum = log_magnitude(spectrum(signal, stft), stft)
        n_frames = log_spectrum.shape[1]
        gone_frames = torch.from_numpy(lost_frames(lost, n_frames, stft))
        if gone_frames.all():
            raise GapError("the gaps leave nothing around them to restore them from: every STFT frame touches one")
        visual, problems = self._look(n_frames, own, tracks, problem)
        blind = [span for span, reason in zip(own, problems, strict=True) if reason]
        predicted = log_spectrum
        if len(blind) < len(own):
            predicted = self.model.restore_spectrum(log_spectrum, visual, gone_frames)
        if blind:
            heard = self.audio_only.restore_spectrum(log_spectrum, torch.zeros(n_frames, 0), gone_frames)
            only = gone_frames if len(blind) == len(own) else torch.from_numpy(lost_frames(blind, n_frames, stft))
            predicted = keep_reliable(predicted, heard, only)
        estimates = []
        for channel, spectrum_ in zip(signal, predicted, strict=True):
            if channel.any():
                channel = fill_gaps(channel, gone, spectrum_, gone_frames, stft)
            estimates.append(channel)
        estimate = torch.stack(estimates, dim=1).numpy().astype(np.float64)
        return RestoredExcerpt(estimate, predicted, gone_frames, problems)

    def _look(
        self, n_frames: int, own: list[Span], tracks: Tracks | None, problem: str
    ) -> tuple[torch.Tensor, list[str]]:
        """The visual features, and for each gap why they are of no use there: "" where they are, or where none are
        needed.

        Raises:
            FaceError: a gap without a face, and no audio-only model.
        """
        config = self.model.config
        if not config.model.video:
            return torch.zeros(n_frames, 0), [""] * len(own)
        if tracks is None or not tracks.found.any():
            features, problems = np.zeros((n_frames, 0), np.float32), [problem or "no face is seen"] * len(own)
        else:
            features, seen = visual_features(tracks, n_frames, config.stft, config.visual)
            centres_s, frame_s = frame_centres_s(n_frames, config.stft), 1 / config.visual.fps
            pictured = (centres_s >= tracks.time_s[0] - frame_s) & (centres_s <= tracks.time_s[-1] + frame_s)
            usable = seen & pictured & ~np.isnan(features).any(axis=1)
            shares = [usable[lost_frames([span], n_frames, config.stft)].mean() for span in own]
            problems = ["" if share >= MIN_SEEN else f"the face is seen in {share:.0%} of it" for share in shares]
        if any(problems) and self.audio_only is None:
            reason = next(filter(None, problems))
            raise FaceError(
                f"{reason}, and the model needs a face; give a video that shows the speaker, or an audio-only model"
            )
        return torch.from_numpy(features), problems


def _around(tracks: Tracks | None, start_s: float, stop_s: float) -> tuple[Tracks | None, str]:
    """A face in a stretch of a recording, its clock starting with the stretch; or None and the reason."""
    if tracks is None:
        return None, "there is no video"
    tracks = tracks.between(start_s, stop_s)
    if not tracks.found.any():
        return None, "no face is seen in the video around it"
    return Tracks(tracks.time_s - start_s, tracks.points), ""
