"""Arrays in, restored arrays out: a recording of any rate, channel count and length."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..audio.phase import keep_reliable, paste, within_scale
from ..audio.samples import from_float, resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..config import AdaptConfig
from ..data.datadir import Timed
from ..data.gaps import Gap, gap_spans, lost_frames, lost_samples
from ..data.said import phones_at, timed_within
from ..errors import FaceError, GapError, MediaError, ModelError
from ..media.video_reading import video_info
from ..models.corrector import SpectrumCorrector
from ..models.device import AUTO, choose_device
from ..models.refiner import SpectrumRefiner
from ..models.store import load_model
from ..pretrained import AUDIO_ONLY, CORRECTOR, DEFAULT, REFINER, SPEAKER_ENCODER
from ..timebase import convert_span, join_stretches, to_seconds
from ..video.landmarks import track_each_stretch
from ..video.tracks import Tracks
from ..words.alignment import Alignment, timed_phones
from .adapted import Adaptation, adaptation_of, check_voice
from .arguments import check_takes_words, checked_recording
from .batches import in_batches
from .channels import plan_restoration
from .excerpts import DamagedExcerpt, Excerpt, RestoredExcerpt, Span
from .faces import face_around, look
from .gap_notes import tell_of_gap
from .keeping import Kept, corrected, filled, load_corrector
from .refining import check_refiner, load_refiner, refined
from .reliable import Source
from .spectrum_restorer import SpectrumRestorer, restore_spectra
from .voice_input import check_takes_voice, load_encoder_of, told_voices
from .voices import Voice, VoiceEncoder

# What a network on a GPU restores in one run, with the padding: it bounds the memory.
BATCH_FRAMES = 8000
# How much of a recording is compared to the voice that a model was adapted to.
COMPARED_FRAMES = 10000


class Inpainter:
    """Restores gaps with a model, and with an audio-only one where the first would need a face that is not there."""

    def __init__(
        self,
        model: SpectrumRestorer,
        audio_only: SpectrumRestorer | None = None,
        batch_frames: int = 0,
        adaptation: Adaptation | None = None,
        name: str = "",
        refiner: SpectrumRefiner | None = None,
        encoder: VoiceEncoder | None = None,
    ) -> None:
        """Without ``batch_frames``, a network restores one excerpt in a run.

        A batch rounds otherwise than its parts, and the phase search makes quite other samples, as near to the
        spectrum, of one that differs in the last bit: what fills a gap would depend on the other gaps.

        Args:
            batch_frames: how many frames, with the padding, a network restores in one run.
            adaptation: what one of the models was adapted to; other voices are then told of.
            name: of the model, for lists of what was restored.
            refiner: what gives the restored spectra the fine structure of recorded ones. Its ``draw``, an attribute of
                the inpainter, numbers what it may make of them; 0 at first.
            encoder: what finds whose voice is heard, for models and refiners that are told; without it they are not.

        Raises:
            ModelError: an audio-only model that needs a face, or works on another kind of spectrogram.
        """
        if audio_only is not None and audio_only.config.model.video:
            raise ModelError("the model that is to take over without a face needs one itself; name an audio-only model")
        if audio_only is not None and audio_only.config.stft != model.config.stft:
            raise ModelError(
                "the audio-only model works on another kind of spectrogram (stft) than the model it stands in for"
            )
        if audio_only is not None and audio_only.config.model.text:
            phones = [getattr(each, "phones", ()) for each in (model, audio_only)]
            if model.config.model.text and phones[0] != phones[1]:
                raise ModelError("the audio-only model knows other phones than the model it stands in for")
        check_refiner(refiner, model)
        self.model = model
        self.audio_only = audio_only
        self.batch_frames = batch_frames
        self.adaptation = adaptation
        self.name = name
        self.refiner = refiner
        self.draw = 0
        self.kept: Kept | None = None
        self.corrector: SpectrumCorrector | None = None
        self.encoder = encoder

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT,
        audio_only: str | Path | None = AUDIO_ONLY,
        device: str = AUTO,
        refiner: str | Path | None = REFINER,
        encoder: str | Path = SPEAKER_ENCODER,
    ) -> Inpainter:
        """Load a pretrained or self-trained model, the audio-only one that takes over without a face, and the refiner.

        Args:
            device: where the networks compute, as :func:`avsi.models.device.choose_device` takes it. On a GPU they
                restore several excerpts in one run.
            refiner: None does not refine what is restored. The pretrained one is left out, with a warning, for a model
                of another kind of spectrogram.
            encoder: the speaker encoder of a model that is told whose voice is heard.

        Raises:
            ModelError: no such model, a damaged one, one that does not restore, a refiner of another kind of
                spectrogram, or another encoder than the model's.
            ConfigError: no such device.
        """
        place = choose_device(device)
        model = load_model(name_or_path, "inpainter").to(place)
        other = None
        if model.config.model.video and audio_only is not None:
            # A model that knows what is said, or the voice, knows it without a face, too; another one need not.
            is_told = model.config.model.text or model.config.model.voice
            is_own = is_told and model.config.model.audio and audio_only == AUDIO_ONLY
            other = model.without_face() if is_own else load_model(audio_only, "inpainter").to(place)
        at_once = 0 if place.type == "cpu" else BATCH_FRAMES
        refining = load_refiner(refiner, model, name_or_path)
        refining = refining and refining.to(place)
        heard_by = load_encoder_of([model, other, refining], encoder)
        name = Path(name_or_path).name
        return cls(model, other, at_once, adaptation_of(name_or_path), name, refining, heard_by)

    def with_draw(self, draw: int) -> Inpainter:
        """The same with another number of what the refiner makes."""
        other = copy.copy(self)
        other.draw = draw
        return other

    def with_kept(self, kept: Kept | None, corrector: str | Path | None = CORRECTOR) -> Inpainter:
        """The same, which keeps a part of the sound in the gaps; by that what is restored beside it is corrected."""
        other = copy.copy(self)
        other.kept = kept
        other.corrector = None if kept is None else load_corrector(corrector, self.model)
        return other

    def adapt(
        self,
        samples: np.ndarray,
        rate: int,
        gaps: list[Gap],
        video: str | Path | Tracks | None = None,
        face: int | None = None,
        settings: AdaptConfig | None = None,
        progress: Callable = lambda items, total, what: items,
    ) -> Inpainter:
        """A new inpainter, adapted to the speaker of a recording; arguments and errors as of :meth:`inpaint`, and as
        :func:`avsi.restoring.adapting.adapt`. The list of gaps may be empty.

        Returns:
            Its ``adaptation`` says what that gained.
        """
        from .adapting import adapt

        samples, rate, gaps = checked_recording(samples, rate, gaps)
        columns = samples.reshape(len(samples), -1)
        spans = gap_spans(gaps, len(samples), rate, n_channels=columns.shape[1]) if gaps else []
        video = Path(video) if isinstance(video, str) else video
        source = Source("the recording", len(samples), rate, lambda a, b: columns[a:b], spans, video, face)
        return adapt(self, [source], settings, progress)

    def inpaint(
        self,
        samples: np.ndarray,
        rate: int,
        gaps: list[Gap],
        video: str | Path | Tracks | None = None,
        face: int | None = None,
        alignment: Alignment | None = None,
        voice: Voice | None = None,
    ) -> np.ndarray:
        """Restore the gaps of a recording.

        Args:
            samples: shape (n_samples,) or (n_samples, n_channels); float (full scale 1.0), int16, int32 or 8 bit. What
                they hold inside the gaps is not looked at.
            rate: in Hz.
            gaps: in seconds from the first sample on; (start, end) pairs will do.
            video: a video of the speaker, the first sample of whose own sound (or, without sound, its first picture)
                belongs to the first sample; or the landmarks of one.
            face: which of several in the video, as :func:`avsi.video.landmarks.track_each_stretch` counts them.
            alignment: what is said when, as :func:`avsi.align_file` finds it, for a model that takes that.
            voice: the speaker's, for a model that takes that; by default that of what is heard around the gaps, as far
                as that is enough.

        Returns:
            A copy with the gaps filled: same shape and type, every sample outside the gaps unchanged. A gap of some
            channels follows from another one that holds the same sound; one of a silent channel stays silent.

        Raises:
            GapError: gaps that do not fit the recording.
            MediaError: samples that are not numbers, or a video that cannot be read.
            FaceError: the model needs a face, none is there, and there is no audio-only model.
            ConfigError: a face of a number that is not there.
            ModelError: an alignment or a voice, but the model does not take that.
            DataError: phones that the model does not know.
        """
        check_takes_words(self, alignment)
        check_takes_voice(self, voice)
        samples, rate, gaps = checked_recording(samples, rate, gaps)
        damaged, restored = samples.reshape(len(samples), -1), samples.copy()
        columns, read = restored.reshape(damaged.shape), lambda start, stop: damaged[start:stop]
        plan = plan_restoration(gaps, read, len(samples), rate, damaged.shape[1])
        plan.tell()
        tracks = self.follow_face(video, plan.excerpts, rate, face)
        stretches = ((each.of(read(each.start, each.stop)).copy(), each) for each in plan.excerpts)
        made = self.patches(stretches, rate, tracks, timed_phones(alignment), voice)
        for start, patch in plan.patches(made, read, rate, self.kept):
            columns[start : start + len(patch)] = patch
        return restored

    def follow_face(
        self,
        video: str | Path | Tracks | None,
        excerpts: list[Excerpt],
        rate: int,
        face: int | None = None,
        progress: Callable = lambda items, total, what: items,
    ) -> list[Tracks | None]:
        """The face in each excerpt of a recording, in one pass; None where there is no video or the model needs none.

        Args:
            video, face: as in :meth:`inpaint`.
            progress: wraps the loop over the frames, as :func:`avsi.program.progress` does.
        """
        if video is None or isinstance(video, Tracks) or not self.model.config.model.video:
            return [video if isinstance(video, Tracks) else None] * len(excerpts)
        stretches = [(to_seconds(each.start, rate), to_seconds(each.stop, rate)) for each in excerpts]
        length_s = sum(stop_s - start_s for start_s, stop_s in join_stretches(stretches))
        total = round(length_s * video_info(video).fps)
        return [*track_each_stretch(video, stretches, lambda items: progress(items, total, "faces"), face)]

    def patches(
        self,
        stretches: Iterable[tuple[np.ndarray, Excerpt]],
        rate: int,
        tracks: list[Tracks | None],
        phones: Sequence[Timed] | None = None,
        voice: Voice | None = None,
    ) -> Iterator[tuple[int, np.ndarray]]:
        """The restored samples of the gaps of a recording's excerpts, of which several are restored in one batch.

        Args:
            stretches: the samples of an excerpt, shape (n_samples, n_channels), of the channels that it restores, and
                the excerpt.
            tracks: for each excerpt the face, on the clock of the recording; None where there is no video.
            phones: those of the recording; None where it is not known what is said.
            voice: as in :meth:`inpaint`.

        Returns:
            For each of an excerpt's own gaps (first sample in the recording, samples of shape (n, n_channels) in the
            type that came in).
        """
        prepared = (
            (*self._prepare(samples, excerpt, rate, track, phones, voice), samples.dtype, excerpt)
            for (samples, excerpt), track in zip(stretches, tracks, strict=True)
        )
        heard: list[torch.Tensor] = []
        for batch in in_batches(prepared, self.batch_frames):
            if self.adaptation and sum(map(len, heard)) < COMPARED_FRAMES:
                heard += [one.log_spectrum[:, ~one.lost].amax(dim=0) for one, *_ in batch]
            restored = self.restore_excerpts([prepared for prepared, *_ in batch])
            for (_, damaged, floats, dtype, excerpt), one in zip(batch, restored, strict=True):
                inside = excerpt.within(excerpt.lost)
                around_s = to_seconds(len(floats) - sum(stop - start for start, stop in inside), rate)
                for (start, stop), reason in zip(excerpt.own, one.audio_only, strict=True):
                    where = f"gap {excerpt.told(start, rate):.2f}-{excerpt.told(stop, rate):.2f} s"
                    unadapted = bool(self.adaptation and self.adaptation.of == "model")
                    tell_of_gap(where, reason, phones is not None, unadapted, around_s)
                fine = resample(one.samples, self.model.config.stft.sample_rate, rate)[: len(floats)]
                pasted = np.stack([paste(x, y, inside, rate) for x, y in zip(floats.T, fine.T, strict=True)], axis=1)
                if self.kept:
                    pasted = self.kept.mix(damaged, pasted, rate)
                full = max(1.0, float(np.abs(floats).max(initial=0.0)))  # floats may be louder
                for (start, _), (first, last) in zip(excerpt.own, excerpt.within(excerpt.own), strict=True):
                    yield start, from_float(within_scale(pasted, first, last, full), dtype)
        if self.adaptation:
            check_voice(self.adaptation, heard, self.model.config.stft)

    def _prepare(
        self,
        samples: np.ndarray,
        excerpt: Excerpt,
        rate: int,
        tracks: Tracks | None,
        phones: Sequence[Timed] | None,
        voice: Voice | None,
    ) -> tuple[DamagedExcerpt, np.ndarray, np.ndarray]:
        """(what is restored, at the model's rate; samples as floats, (n_samples, n_channels); these, 0 in the gaps)."""
        inside = excerpt.within(excerpt.lost)
        damaged = to_float(samples)
        floats = damaged.copy()
        floats[lost_samples(inside, len(floats))] = 0
        read = damaged if self.kept else floats
        bad = np.flatnonzero(~np.isfinite(read).all(axis=1))
        if len(bad):
            at = excerpt.told(excerpt.start + int(bad[0]), rate)
            raise MediaError(
                f"the sound holds samples that are not a number, the first at {at:.3f} s"
                + ", outside the gaps" * (self.kept is None)
            )
        model_rate = self.model.config.stft.sample_rate
        coarse = resample(read, rate, model_rate)
        spans = [convert_span(*span, rate, model_rate) for span in inside]
        own = [convert_span(*span, rate, model_rate) for span in excerpt.within(excerpt.own)]
        spans = [(start, min(stop, len(coarse))) for start, stop in spans]
        start_s, stop_s = to_seconds(excerpt.start, rate), to_seconds(excerpt.stop, rate)
        tracks, problem = face_around(tracks, start_s, stop_s)
        phones = timed_within(phones, start_s, stop_s)
        prepared = self.prepare_excerpt(coarse, spans, own, tracks, problem, phones, voice)
        return replace(prepared, place=excerpt.start), damaged, floats

    def prepare_excerpt(
        self,
        samples: np.ndarray,
        lost: list[Span],
        own: list[Span],
        tracks: Tracks | None,
        problem: str = "",
        phones: Sequence[Timed] | None = None,
        voice: Voice | None = None,
    ) -> DamagedExcerpt:
        """Check a stretch of sound at the model's rate, its gaps, and the face, and make of them what is restored.

        Args:
            samples: shape (n_samples, n_channels), float, at ``model.config.stft.sample_rate``.
            lost: its gaps in samples.
            own: those among them for which the face must be seen.
            tracks: the face, on the clock of the samples; None where it is not known, for the reason in ``problem``.
            phones: on the same clock; None where it is not known what is said.
            voice: as in :meth:`inpaint`.

        Raises:
            GapError: gaps that leave nothing.
            FaceError: a gap without a face, and no audio-only model.
        """
        stft = self.model.config.stft
        damaged = torch.from_numpy(np.ascontiguousarray(samples.T, dtype=np.float32))
        gone = torch.from_numpy(lost_samples(lost, len(samples)))
        signal = damaged.masked_fill(gone, 0)
        log_spectrum = log_magnitude(spectrum(signal, stft), stft)
        n_frames = log_spectrum.shape[1]
        gone_frames = torch.from_numpy(lost_frames(lost, n_frames, stft))
        if gone_frames.all():
            raise GapError("the gaps leave nothing around them to restore them from: every STFT frame touches one")
        visual, problems = look(self.model.config, n_frames, own, tracks, problem)
        if any(problems) and self.audio_only is None:
            raise FaceError(
                f"{next(filter(None, problems))}, and the model needs a face; give a video that shows the speaker, or "
                "an audio-only model"
            )
        said = phones_at(phones, n_frames, stft, getattr(self.model, "phones", ()))
        voices = told_voices(self.encoder, log_spectrum, gone_frames, voice)
        kept = None if self.kept is None else self.kept.kept_of(spectrum(damaged, stft), gone_frames, stft)
        return DamagedExcerpt(signal, gone, log_spectrum, gone_frames, visual, said, voices, kept, own, problems)

    def restore_excerpt(self, *prepared_from: Any, **further: Any) -> RestoredExcerpt:
        """One excerpt, prepared and restored: arguments and errors as of :meth:`prepare_excerpt`."""
        return self.restore_excerpts([self.prepare_excerpt(*prepared_from, **further)])[0]

    def restore_excerpts(self, excerpts: list[DamagedExcerpt]) -> list[RestoredExcerpt]:
        """The core: restore excerpts, all in one run of each network."""
        stft = self.model.config.stft
        predicted = [excerpt.log_spectrum for excerpt in excerpts]
        seeing = [n for n, excerpt in enumerate(excerpts) if not all(excerpt.audio_only)]
        blind = [n for n, excerpt in enumerate(excerpts) if any(excerpt.audio_only)]
        inputs = [excerpts[n].inputs() for n in seeing]
        for n, seen in zip(seeing, restore_spectra(self.model, inputs), strict=True):
            predicted[n] = seen
        inputs = [excerpts[n].inputs(with_face=False) for n in blind]
        for n, audio_only in zip(blind, restore_spectra(self.audio_only, inputs), strict=True):
            one = excerpts[n]
            only = one.lost
            if n in seeing:
                spans = [span for span, reason in zip(one.own, one.audio_only, strict=True) if reason]
                only = torch.from_numpy(lost_frames(spans, len(only), stft))
            predicted[n] = keep_reliable(predicted[n], audio_only, only)
        predicted = corrected(self.corrector, predicted, excerpts, stft)
        predicted = refined(self.refiner, predicted, excerpts, self.draw, self.encoder)
        return [
            RestoredExcerpt(filled(one, log_spectrum, stft), log_spectrum, one.lost, one.audio_only)
            for one, log_spectrum in zip(excerpts, predicted, strict=True)
        ]
