"""Training tasks: the model of each kind, its data sets and its losses."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..audio.phase import keep_reliable
from ..audio.texture import harmonics_of, texture_of
from ..config import Config
from ..data.phones import Lexicon
from ..data.stats import Stats
from ..errors import ConfigError, DataError
from ..models.aligner import PhoneAligner
from ..models.corrector import SpectrumCorrector
from ..models.durations import DurationModel
from ..models.inpainter import BLSTMInpainter
from ..models.painter import Painter
from ..models.recognizer import PhoneRecognizer
from ..models.refiner import SpectrumRefiner, Told
from ..models.speaker_encoder import SpeakerEncoder
from ..models.spectrum_inpainter import SpectrumInpainter
from ..models.store import load_model
from ..models.tagger import Tagger
from .aligning import align, follow, spread_evenly
from .dataset import AligningData, Batch, InpaintingData, SpeechData, TimedData
from .durations import duration_loss
from .losses import ctc_loss, masked_loss, stoi_losses, texture_loss
from .refining import RefiningData, most_lost, restored_by
from .speakers import SpeakerData, errors_of, ge2e_loss
from .tagging import TaggingData

POSITIVE_WEIGHT = 2.0  # of damaged frames, which are few, beside the others
PITCH_HIDDEN = 0.1  # of the utterances that a refiner learns from
SHARP_WEIGHT = 0.1  # of the loss on the lost bins of a refined spectrum, beside that of its texture
Model = (
    SpectrumInpainter
    | SpectrumRefiner
    | SpectrumCorrector
    | PhoneRecognizer
    | PhoneAligner
    | DurationModel
    | SpeakerEncoder
    | Tagger
)
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class LossTerm:
    """One loss on one batch.

    Attributes:
        value: a mean, shape ().
        weight: its factor in the sum that is minimised.
        count: the number of values averaged.
    """

    name: str
    value: Tensor
    weight: float
    count: int


class Restored(NamedTuple):
    """What a model makes of a batch.

    Attributes:
        true: natural log magnitudes, shape (batch, n_frames, n_bins).
        target, predicted: normalised ones, same shape.
        mean, std: by which they are normalised, as of :meth:`NormalisedModel.normalise`.
        lost: bool, shape (batch, n_frames).
        lengths: int64, shape (batch,): frames that are no padding.
        kept: natural log magnitude of the reliable bins of lost frames, NaN elsewhere; None where there are none.
    """

    true: Tensor
    target: Tensor
    predicted: Tensor
    mean: Tensor
    std: Tensor
    lost: Tensor
    lengths: Tensor
    kept: Tensor | None = None


class Task(ABC, Generic[ModelT]):
    """A model to train, its data sets and its losses, of which the first is the validation loss."""

    lexicon: Lexicon | None
    model: ModelT
    train_set: SpeechData
    valid_set: SpeechData

    def begin_epoch(self, epoch: int, model: ModelT) -> None:
        """Prepare for an epoch, of which ``model`` is what the earlier ones have trained."""

    @abstractmethod
    def losses(self, model: ModelT, batch: Batch) -> list[LossTerm]:
        """The losses that are minimised together, on one batch."""


class Inpainting(Task[SpectrumInpainter]):
    """Restoring the lost frames; multi-task models minimise ``J_inpaint + ctc_weight * J_CTC`` (Morrone et al., 2021).

    The validation loss is that on the lost bins alone, so that models with and without phones can be compared.
    """

    def __init__(self, config: Config, stats: Stats) -> None:
        self._settings = config.training
        knows_phones = config.model.ctc or config.model.text
        self.lexicon = Lexicon.read(config.data.lexicon) if knows_phones else None
        network = Painter if config.model.kind == "painter" else BLSTMInpainter
        self.model = network(config, stats, self.lexicon.phones if self.lexicon else ())
        self.train_set = InpaintingData(config.data.train, config, config.data.train_gaps or None, self.lexicon, True)
        self.valid_set = InpaintingData(config.data.valid, config, config.data.valid_gaps, self.lexicon)
        if self.train_set.voices is not None and self.valid_set.voices is not None:
            self.model.voices_by = self.train_set.voices.by
            if self.valid_set.voices.by != self.model.voices_by:
                raise DataError(
                    f"{config.data.valid}: its voices are of the speaker encoder {self.valid_set.voices.by}, those of "
                    f"{config.data.train} of {self.model.voices_by}; python -m data_prep.voice_vectors makes others"
                )

    def losses(self, model: SpectrumInpainter, batch: Batch) -> list[LossTerm]:
        return self.restore(model, batch)[1]

    def restore(self, model: SpectrumInpainter, batch: Batch) -> tuple[Restored, list[LossTerm]]:
        """What a model makes of a batch, and all its losses."""
        restored, hidden = restore(model, batch)
        terms = losses_of(restored, model.config)
        said = batch.label_lengths > 0  # what was said is not known of every utterance
        if model.config.model.ctc:
            on_phones = hidden.new_zeros(())
            if said.any():
                scores = model.to_phones(hidden[said])
                on_phones = ctc_loss(scores, batch.lengths[said], batch.labels[said], batch.label_lengths[said])
            terms.append(LossTerm("ctc", on_phones, self._settings.ctc_weight, int(said.sum())))
        return restored, terms


def restore(model: SpectrumInpainter, batch: Batch) -> tuple[Restored, Tensor]:
    """What a model makes of a batch, and what it makes that of, as of :meth:`SpectrumInpainter.encode`."""
    target, mean, std = model.normalise(batch.log_spectrum, batch.lost, batch.lengths)
    hidden = model.encode(target, batch.visual, batch.lost, batch.lengths, batch.said, batch.voice)
    predicted = model.decode(hidden, target, batch.lost, batch.lengths)
    return Restored(batch.log_spectrum, target, predicted, mean, std, batch.lost, batch.lengths), hidden


def losses_of(restored: Restored, config: Config) -> list[LossTerm]:
    """The losses on the lost frames, that on the lost bins first."""
    lost = restored.lost if restored.kept is None else restored.lost[..., None] & restored.kept.isnan()
    on_gaps = masked_loss(restored.predicted, restored.target, lost, config.training.loss)
    return [LossTerm("gaps", on_gaps, 1.0, int(restored.lost.sum())), *on_bands(restored, config)]


def on_bands(restored: Restored, config: Config) -> list[LossTerm]:
    """The loss of intelligibility, where it counts."""
    if not config.training.stoi_weight:
        return []
    made = restored.predicted * restored.std + restored.mean
    made = keep_reliable(restored.true, made, restored.lost, restored.kept)
    each = stoi_losses(made, restored.true, restored.lost, restored.lengths, config.stft)
    value = each.mean() if len(each) else restored.predicted.new_zeros(())
    return [LossTerm("stoi", value, config.training.stoi_weight, len(each))]


class Refining(Task[SpectrumRefiner]):
    """Making of what another model restored something that is as sharp as recorded speech.

    The validation loss is that of the texture.
    """

    lexicon = None

    def __init__(self, config: Config, stats: Stats) -> None:
        if not config.training.restorer:
            raise ConfigError("training.restorer: names nothing; expected a trained model, to refine its predictions")
        self._settings = config.training
        self._restorer = load_model(config.training.restorer, "inpainter")
        restorer = self._restorer.config
        if restorer.stft != config.stft:
            raise ConfigError(f"training.restorer: {config.training.restorer} works on another spectrogram (stft)")
        self.model = SpectrumRefiner(config, stats)
        seen = replace(config, model=restorer.model, visual=restorer.visual)  # what the other model is shown
        lexicon = Lexicon.read(config.data.lexicon) if restorer.model.text else None
        if lexicon and lexicon.phones != self._restorer.phones:
            raise DataError(f"{config.data.lexicon}: has other phones than {config.training.restorer}")
        with_pitch = config.model.pitch
        self.train_set = RefiningData(
            config.data.train, seen, config.data.train_gaps or None, lexicon, with_pitch, augmented=True
        )
        self.valid_set = RefiningData(config.data.valid, seen, config.data.valid_gaps, lexicon, with_pitch)
        if config.model.voice:
            if not restorer.model.voice:
                raise ConfigError(
                    f"model.voice: a refiner is told the voice where {config.training.restorer} is, which takes none"
                )
            if config.model.voice_values != restorer.model.voice_values:
                raise ConfigError(
                    f"model.voice_values: {config.model.voice_values}, expected {restorer.model.voice_values}, as many "
                    f"as {config.training.restorer} takes"
                )
            self.model.voices_by = self._restorer.voices_by
        for data, where in ((self.train_set, config.data.train), (self.valid_set, config.data.valid)):
            if data.voices is not None and data.voices.by != self._restorer.voices_by:
                raise DataError(
                    f"{where}: its voices are of another speaker encoder than {config.training.restorer} takes"
                )

    def losses(self, model: SpectrumRefiner, batch: Batch) -> list[LossTerm]:
        return self.restore(model, batch)[1]

    def restore(self, model: SpectrumRefiner, batch: Batch) -> tuple[Restored, list[LossTerm]]:
        """What a model makes of a batch, and all its losses."""
        smooth = restored_by(self._restorer, batch)
        target, mean, std = model.normalise(batch.log_spectrum, batch.lost, batch.lengths)
        smooth, *_ = model.normalise(smooth, batch.lost, batch.lengths)
        window = most_lost(batch.lost, batch.lengths)
        true, target, smooth, lost = (window.of(each) for each in (batch.log_spectrum, target, smooth, batch.lost))
        stft = model.config.stft
        seeded = None if model.training else torch.Generator(true.device).manual_seed(0)
        contour, harmonics = None, None
        if batch.contour is not None:
            contour = window.of(batch.contour)
            if model.training:  # it may be unknown in use, too
                hidden = torch.rand(len(contour), 1, device=contour.device) < PITCH_HIDDEN
                contour = contour.masked_fill(hidden, torch.nan)
            begin = torch.rand(len(contour), device=true.device, generator=seeded)
            harmonics = harmonics_of(contour.cpu(), begin.cpu(), stft).to(true.device) / std
        sharp, amount = model(smooth, lost, Told(batch.voice, contour, harmonics))
        noise = torch.randn(2, len(true), true.shape[1] * stft.hop_samples, device=true.device, generator=seeded)
        one, other = sharp + amount * texture_of(noise, stft) / std
        restored = Restored(true, target, one, mean, std, lost, window.lengths)
        terms = [
            LossTerm("texture", texture_loss(one, other, target, lost, stft), 1.0, int(lost.sum())),
            # By these, noise is wrong whatever it is like.
            LossTerm("gaps", masked_loss(sharp, target, lost, self._settings.loss), SHARP_WEIGHT, int(lost.sum())),
            *on_bands(restored._replace(predicted=sharp), model.config),
        ]
        return restored, terms


class Correcting(Task[SpectrumCorrector]):
    """Correcting what another model restored by what is reliable in the gaps. The validation loss is that on the lost
    bins.
    """

    lexicon = None

    def __init__(self, config: Config, stats: Stats) -> None:
        if not config.training.restorer:
            raise ConfigError("training.restorer: names nothing; expected a trained model, to correct its predictions")
        self._restorer = load_model(config.training.restorer, "inpainter")
        restorer = self._restorer.config
        if restorer.stft != config.stft:
            raise ConfigError(f"training.restorer: {config.training.restorer} works on another spectrogram (stft)")
        if restorer.model.text or restorer.model.voice:
            raise ConfigError(
                f"training.restorer: {config.training.restorer} is told words or the voice; name a model that is not"
            )
        self.model = SpectrumCorrector(config, stats)
        seen = replace(config, model=restorer.model, visual=restorer.visual)  # what the other model is shown
        self.train_set = InpaintingData(config.data.train, seen, config.data.train_gaps or None, augmented=True)
        self.valid_set = InpaintingData(config.data.valid, seen, config.data.valid_gaps)

    def losses(self, model: SpectrumCorrector, batch: Batch) -> list[LossTerm]:
        return self.restore(model, batch)[1]

    def restore(self, model: SpectrumCorrector, batch: Batch) -> tuple[Restored, list[LossTerm]]:
        """What a model makes of a batch, and all its losses."""
        assert batch.kept is not None
        target, mean, std = model.normalise(batch.log_spectrum, batch.lost, batch.lengths)
        smooth, *_ = model.normalise(restored_by(self._restorer, batch), batch.lost, batch.lengths)
        corrected = model(smooth, batch.lost, (batch.kept - mean) / std)
        made = Restored(batch.log_spectrum, target, corrected, mean, std, batch.lost, batch.lengths, batch.kept)
        return made, losses_of(made, model.config)


class Recognition(Task[PhoneRecognizer]):
    """Recognising the phones of clean utterances without gaps."""

    def __init__(self, config: Config, stats: Stats) -> None:
        self.lexicon = Lexicon.read(config.data.lexicon)
        self.model = PhoneRecognizer(config, stats, self.lexicon.phones)
        self.train_set = SpeechData(config.data.train, config, self.lexicon, True)
        self.valid_set = SpeechData(config.data.valid, config, self.lexicon)

    def losses(self, model: PhoneRecognizer, batch: Batch) -> list[LossTerm]:
        scores = model(batch.log_spectrum, batch.lengths)
        on_phones = ctc_loss(scores, batch.lengths, batch.labels, batch.label_lengths)
        return [LossTerm("ctc", on_phones, 1.0, len(batch.ids))]


class Aligning(Task[PhoneAligner]):
    """Saying which phone is spoken in each frame, also where the sound is lost.

    Only words are known, and the times of some. In the first epoch of random weights their phones are spread evenly;
    then those of each batch are aligned by the model of the epoch's start, which hears all of the sound (Viterbi
    training).
    """

    def __init__(self, config: Config, stats: Stats) -> None:
        self.lexicon = Lexicon.read(config.data.lexicon)
        self.model = PhoneAligner(config, stats, self.lexicon.phones)
        self.train_set = AligningData(config.data.train, config, config.data.train_gaps or None, self.lexicon, True)
        self.valid_set = AligningData(config.data.valid, config, config.data.valid_gaps, self.lexicon)
        self._knows_nothing = not config.training.init
        self._teacher: PhoneAligner | None = None

    def begin_epoch(self, epoch: int, model: PhoneAligner) -> None:
        self._teacher = None if self._knows_nothing and epoch == 0 else copy.deepcopy(model).eval()

    def losses(self, model: PhoneAligner, batch: Batch) -> list[LossTerm]:
        places = align(self._teacher, batch) if self._teacher else spread_evenly(model, batch)
        if model.training:
            follow(model, batch, places)
        known = places >= 0
        said = batch.labels.gather(1, places.clamp_min(0))
        log_probs = model(batch.log_spectrum, batch.visual, batch.lost, batch.lengths)
        each = -log_probs.gather(2, said[..., None])[..., 0]
        return [LossTerm("phones", each[known].mean(), 1.0, int(known.sum()))]


class Durations(Task[DurationModel]):
    """Saying how long the phones last that are lost."""

    def __init__(self, config: Config, stats: Stats) -> None:
        self.lexicon = Lexicon.read(config.data.lexicon)
        self.model = DurationModel(config, stats, self.lexicon.phones)
        self.train_set = TimedData(config.data.train, config, config.data.train_gaps or None, self.lexicon, True)
        self.valid_set = TimedData(config.data.valid, config, config.data.valid_gaps, self.lexicon)

    def losses(self, model: DurationModel, batch: Batch) -> list[LossTerm]:
        value, count = duration_loss(model, batch)
        return [LossTerm("lengths", value, 1.0, count)]


class TellingSpeakers(Task[SpeakerEncoder]):
    """Telling speakers apart. The validation loss is that on windows which stay the same; beside it is their equal
    error rate.
    """

    def __init__(self, config: Config, stats: Stats) -> None:
        self.lexicon = None
        self.model = SpeakerEncoder(config)
        self.train_set = SpeakerData(config.data.train, config, True)
        self.valid_set = SpeakerData(config.data.valid, config)
        self._speaker_of = {u.id: u.speaker for data in (self.train_set, self.valid_set) for u in data.utterances}

    def losses(self, model: SpeakerEncoder, batch: Batch) -> list[LossTerm]:
        speakers = [self._speaker_of[id_] for id_ in batch.ids]
        vectors = model(batch.log_spectrum).float()
        terms = [LossTerm("ge2e", ge2e_loss(vectors, speakers, model.sharpness), 1.0, len(speakers))]
        if not model.training:
            terms.append(LossTerm("eer", vectors.new_tensor(errors_of(vectors, speakers)), 0.0, len(speakers)))
        return terms


class TaggingDamage(Task[Tagger]):
    """Saying which frames are damaged, and in which way."""

    def __init__(self, config: Config, stats: Stats) -> None:
        self.lexicon = None
        self.model = Tagger(config, stats)
        self.train_set = TaggingData(config.data.train, config, True)
        self.valid_set = TaggingData(config.data.valid, config)

    def losses(self, model: Tagger, batch: Batch) -> list[LossTerm]:
        assert batch.damage is not None
        scores = model(batch.log_spectrum, batch.visual, lengths=batch.lengths)
        inside = torch.arange(scores.shape[1], device=scores.device) < batch.lengths[:, None]
        weight = scores.new_tensor(POSITIVE_WEIGHT)
        value = binary_cross_entropy_with_logits(
            scores[inside], batch.damage[inside].to(scores.dtype), pos_weight=weight
        )
        return [LossTerm("damage", value, 1.0, int(inside.sum()))]


def make_task(config: Config, stats: Stats) -> Task[Any]:
    """The task for the config's kind of model. Raises DataError for missing or invalid data sets or lexicon."""
    tasks: dict[str, Callable[[Config, Stats], Task[Any]]] = {
        "inpainter": Inpainting,
        "painter": Inpainting,
        "refiner": Refining,
        "corrector": Correcting,
        "recognizer": Recognition,
        "aligner": Aligning,
        "durations": Durations,
        "speaker_encoder": TellingSpeakers,
        "tagger": TaggingDamage,
    }
    return tasks[config.model.kind](config, stats)
