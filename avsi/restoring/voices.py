"""Whose voice is heard in recordings: a vector for each, and whether two are of one person."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.activity import is_speech
from ..audio.samples import resample, to_float
from ..audio.stft import log_magnitude, spectrum
from ..config import SpeakerEncoderConfig
from ..data.gaps import Gap, gap_spans, lost_frames, lost_samples
from ..detecting.silence import zero_runs
from ..errors import AvsiWarning, ConfigError, DataError, GapError, MediaError, ModelError
from ..files import digest
from ..media.sound_reading import Sound, open_sound
from ..models.device import AUTO, choose_device
from ..models.speaker_encoder import SpeakerEncoder
from ..models.store import WEIGHTS, find_model, load_model
from ..pretrained import SPEAKER_ENCODER
from ..timebase import convert_span, join_stretches, n_frames, to_samples, to_seconds

# Of less speech than this nothing is decided, and of less than the second with a warning.
LEAST_SPEECH_S, LITTLE_SPEECH_S = 1.0, 3.0
# A voice is not taken from more sound than this at once: it must fit into memory.
LONGEST_S = 600.0
LEVEL = 0.05  # root mean square to which sound is brought, so that a louder recording gives the same voice
TOLERANCE_S = 0.0005  # beyond the end of a file: times are typed with three decimals


class Reference(NamedTuple):
    """A file, or a stretch of one, in seconds; None where it begins or ends with the file."""

    path: Path
    start_s: float | None = None
    end_s: float | None = None

    def __str__(self) -> str:
        return str(self.path) if self.start_s is None else f"{self.path}@{self.start_s:g}:{self.end_s:g}"


@dataclass(frozen=True, eq=False)
class Voice:
    """Whose voice is heard in a recording.

    Attributes:
        vector: of length 1, float32, shape (n_values,).
        speech_s: seconds of speech, without pauses, that it was taken from.
        encoder: a digest of the weights that made it; vectors of others cannot be compared with it.
        halves: how alike (cosine) the first and the second half of the speech are; None where each is too short.
    """

    vector: np.ndarray = field(repr=False)
    speech_s: float
    encoder: str
    halves: float | None = None

    def alike(self, other: Voice) -> float:
        """The cosine of both vectors, from -1 to 1. Raises ModelError for voices of two encoders."""
        if self.encoder != other.encoder:
            raise ModelError(
                f"voices of two speaker encoders, {self.encoder} and {other.encoder}: they cannot be compared; take "
                "both with the same one"
            )
        return float(self.vector @ other.vector)


@dataclass(frozen=True, eq=False)
class VoiceEncoder:
    """A speaker encoder that is ready to be used.

    Attributes:
        digest: of its weights.
    """

    model: SpeakerEncoder
    digest: str

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path = SPEAKER_ENCODER, device: str = AUTO) -> VoiceEncoder:
        """Raises ModelError for no speaker encoder, and ConfigError for a device that is not there."""
        model = load_model(name_or_path, "speaker_encoder").to(choose_device(device))
        return cls(model, digest(find_model(name_or_path) / WEIGHTS))

    @property
    def threshold(self) -> float:
        """From which cosine on two voices are taken for one person's."""
        return self._settings.threshold

    @property
    def window_s(self) -> float:
        """How much speech one vector is made of; the voice of more is their mean."""
        return self._settings.window_s

    @property
    def n_values(self) -> int:
        """Of each vector."""
        return self._settings.values

    @property
    def _settings(self) -> SpeakerEncoderConfig:
        model = self.model.config.model
        assert isinstance(model, SpeakerEncoderConfig)
        return model


def parse_reference(text: str) -> Reference:
    """From ``FILE``, or ``FILE@START:END`` in seconds; where the text is a file's whole name, it is that file. Raises
    ConfigError for a stretch that is none.
    """
    found = re.fullmatch(r"(.+)@([^@/]*?):([^@/]*)", text)
    try:
        is_file = not found or Path(text).is_file()
    except OSError:  # such as a name that is too long
        is_file = False
    if not found or is_file:
        return Reference(Path(text))
    try:
        start_s, end_s = float(found[2]), float(found[3])
    except ValueError:
        start_s = end_s = math.nan
    if not 0 <= start_s < end_s < math.inf:
        raise ConfigError(f"'{text}': expected FILE@START:END in seconds, such as {found[1]}@0.80:4.60")
    return Reference(Path(found[1]), start_s, end_s)


def voice_of(samples: np.ndarray, rate: int, gaps: Sequence[Gap], encoder: VoiceEncoder) -> Voice:
    """The voice in a recording.

    Args:
        samples: shape (n_samples,) or (n_samples, n_channels), of any type; the mean of the channels counts.
        gaps: what is not to be heard, in seconds from the first sample.

    Raises:
        DataError: no speech outside the gaps; or more sound than fits into memory.
        GapError: gaps that do not fit.
        MediaError: samples that are not a number.
    """
    spans = gap_spans(list(gaps), len(samples), rate, n_channels=samples[:1].size) if gaps else []
    return _voice_of(samples, rate, spans, encoder)


def voice_of_file(
    reference: str | Path | Reference,
    encoder: VoiceEncoder,
    gaps: Sequence[Gap] = (),
    from_first_sample: bool = False,
) -> Voice:
    """The voice in a file or a stretch of it; runs of digital silence are never heard. Warnings tell of little speech
    and of halves that sound like two people.

    Args:
        reference: as :func:`parse_reference` takes it.
        gaps: what else is not to be heard, as a player shows its times.
        from_first_sample: all times count from the first sample instead.

    Raises:
        MediaError: not a sound or video file.
        ConfigError: a stretch outside the file.
        DataError: no speech, too little of it, or more sound than fits into memory.
        GapError: gaps that do not fit.
    """
    reference = reference if isinstance(reference, Reference) else parse_reference(str(reference))
    with open_sound(reference.path) as sound:
        start_s = 0.0 if from_first_sample else sound.start_s
        try:
            lost = gap_spans(list(gaps), sound.n_samples, sound.rate, start_s, sound.channels) if gaps else []
        except GapError as error:
            raise GapError(f"{reference.path}: {error}") from error
        start, stop = _stretch(reference, sound, start_s)
        if stop - start > to_samples(LONGEST_S, sound.rate):
            raise DataError(
                f"{reference}: lasts {to_seconds(stop - start, sound.rate):.0f} s, expected {LONGEST_S:g} s at most; "
                f"name a stretch, such as {reference.path}@0:60"
            )
        spans = [(max(a, start) - start, min(b, stop) - start) for a, b in join_stretches([*lost, *zero_runs(sound)])]
        try:
            voice = _voice_of(
                sound.read(start, stop), sound.rate, [span for span in spans if span[0] < span[1]], encoder
            )
        except (DataError, MediaError) as error:
            raise type(error)(f"{reference}: {error}") from error
    _check_enough(voice, reference, encoder)
    return voice


def _stretch(reference: Reference, sound: Sound, start_s: float) -> tuple[int, int]:
    """In samples."""
    if reference.start_s is None or reference.end_s is None:
        return 0, sound.n_samples
    end_s = start_s + to_seconds(sound.n_samples, sound.rate)
    if reference.start_s < start_s - TOLERANCE_S or reference.end_s > end_s + TOLERANCE_S:
        raise ConfigError(f"{reference}: outside the sound, which plays from {start_s:.3f} to {end_s:.3f} s")
    start, stop = (to_samples(time_s - start_s, sound.rate) for time_s in (reference.start_s, reference.end_s))
    return max(start, 0), min(max(stop, start + 1), sound.n_samples)


def voice_of_frames(log_spectrum: Tensor, encoder: VoiceEncoder) -> Voice:
    """The voice in frames of one recording, or of several of one speaker, joined.

    Args:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins); the frames that are reliable.

    Raises:
        DataError: no speech among them.
    """
    stft, limits = encoder.model.config.stft, encoder.model.config.normalise
    # What is near the floor of the log everywhere is no sound.
    heard = log_spectrum[(log_spectrum > math.log(stft.log_floor) + limits.silence_nats).any(dim=1)]
    if not len(heard):
        raise DataError("no speech: it is silent")
    speech = heard[is_speech(heard, stft, limits)]
    frame_s, middle, halves = stft.hop_samples / stft.sample_rate, len(speech) // 2, None
    if middle * frame_s >= LITTLE_SPEECH_S:
        halves = float(encoder.model.embed(speech[:middle]) @ encoder.model.embed(speech[middle:]))
    return Voice(encoder.model.embed(speech).cpu().numpy(), len(speech) * frame_s, encoder.digest, halves)


def _voice_of(samples: np.ndarray, rate: int, spans: list[tuple[int, int]], encoder: VoiceEncoder) -> Voice:
    """As :func:`voice_of`, with the gaps in samples."""
    stft = encoder.model.config.stft
    sound = to_float(samples)
    sound = sound.mean(axis=1) if sound.ndim == 2 else sound
    sound = np.where(lost_samples(spans, len(sound)), 0.0, sound)  # what a gap holds is not even heard for the level
    if not np.isfinite(sound).all():
        raise MediaError("holds samples that are not a number")
    coarse = resample(sound, rate, stft.sample_rate)
    lost = lost_frames(
        [convert_span(*span, rate, stft.sample_rate) for span in spans], n_frames(len(coarse), stft), stft
    )
    level = math.sqrt(np.mean(np.square(coarse))) if len(coarse) else 0.0
    if not level:
        raise DataError("no speech: it is silent")
    levelled = torch.from_numpy((coarse * (LEVEL / level)).astype(np.float32))
    log_spectrum = log_magnitude(spectrum(levelled, stft), stft)[torch.from_numpy(~lost)]
    return voice_of_frames(log_spectrum.to(encoder.model.filters.device), encoder)


def _check_enough(voice: Voice, reference: Reference, encoder: VoiceEncoder) -> None:
    """Raise DataError for too little speech; warn of little, and of two halves that sound like two people."""
    if voice.speech_s < LEAST_SPEECH_S:
        raise DataError(
            f"{reference}: holds {voice.speech_s:.2f} s of speech, expected {LEAST_SPEECH_S:g} s or more to tell whose "
            "voice it is"
        )
    if voice.speech_s < LITTLE_SPEECH_S:
        told = f"holds {voice.speech_s:.1f} s of speech; less than {LITTLE_SPEECH_S:g} s often tells voices wrongly"
        warnings.warn(f"{reference}: {told}", AvsiWarning, stacklevel=3)
    if voice.halves is not None and voice.halves < encoder.threshold:
        warnings.warn(
            f"{reference}: the first and the second half sound like two people ({voice.halves:.2f} alike, expected "
            f"{encoder.threshold:.2f} or more)",
            AvsiWarning,
            stacklevel=3,
        )
