"""Data sets and batches: clean log magnitudes, lost frames, visual features and phone labels of utterances."""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from ..audio.activity import is_speech
from ..config import Config
from ..data.datadir import Utterance, read_datadir
from ..data.feature_files import FeatureFiles, stamp
from ..data.features import Features, load_features
from ..data.gap_files import check_gaps_cover, check_gaps_fit, read_gap_file
from ..data.gap_sampling import draw_from_end, draw_in_speech, draw_random
from ..data.gaps import Gap, gap_spans, lost_frames
from ..data.phones import BLANK, SILENCE_LABEL, Lexicon, frames_needed, to_labels, with_silences
from ..data.said import phones_at, words_at
from ..errors import AvsiWarning, DataError, GapError
from ..rng import generator
from ..timebase import to_samples
from .augmentation import augment
from .order import draw_order, sort_in_pools
from .partial_damage import draw_kept
from .text_variation import usual_lengths, vary_phones
from .told_voices import ToldVoices

Tensors = dict[str, Tensor]
HALVED = ("log_spectrum", "visual")  # kept in half precision where training.half_features


class Batch(NamedTuple):
    """Several utterances, padded at the end to the longest.

    Attributes:
        ids: their ids.
        log_spectrum: of the *clean* signal, shape (batch, n_frames, n_bins). Frames whose window touches no gap are the
            same in the damaged signal; the others must be hidden from the model by ``lost``.
        visual: shape (batch, n_frames, n_visual).
        lost: bool, shape (batch, n_frames); False in the padding.
        lengths: int64, shape (batch,): the number of frames of each utterance.
        labels: int64, shape (batch, n_labels): as in :class:`Features`, padded with 0.
        label_lengths: int64, shape (batch,): the number of labels of each utterance.
        word_at: int64, shape (batch, n_frames), as in :class:`Features`; None for a model that does not ask.
        said: float32, shape (batch, n_frames, 3), as in :class:`Features`; None for a model that does not ask.
        voice: float32, shape (batch, n_values), as in :class:`Features`; None for a model that does not ask.
        damage: bool, shape (batch, n_frames, n_kinds), as in :class:`Features`; None for a model that does not ask.
        contour: float32, shape (batch, n_frames), as in :class:`Features`, NaN in the padding; None for a model that
            does not ask.
        kept: float32, shape (batch, n_frames, n_bins), as in :class:`Features`, NaN in the padding; None for a model
            that does not ask.
    """

    ids: list[str]
    log_spectrum: Tensor
    visual: Tensor
    lost: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor
    word_at: Tensor | None = None
    said: Tensor | None = None
    voice: Tensor | None = None
    damage: Tensor | None = None
    contour: Tensor | None = None
    kept: Tensor | None = None


class SpeechData(Dataset):
    """The utterances of a data directory, without gaps."""

    def __init__(
        self, datadir: str | Path, config: Config, lexicon: Lexicon | None = None, augmented: bool = False
    ) -> None:
        """Raises DataError for an invalid directory and for words that are not in the lexicon; if the model has video
        input, also for videos without landmarks, and for a training set (``augmented``) without any; if it is told the
        voice, as :class:`.ToldVoices`.
        """
        self.config = config
        self.epoch = 0
        self.augmented = augmented
        self.utterances = self._usable(read_datadir(datadir), datadir)
        self._labels: list[tuple[int, ...]] = [()] * len(self.utterances)
        if lexicon is not None:
            # An inpainter alone learns something of an utterance whose words are not known.
            restores = config.model.restores
            self._labels = [() if restores and not u.words else self._labels_of(u, lexicon) for u in self.utterances]
        self.inventory = lexicon.phones if lexicon else ()
        if config.model.text:
            self.usual_lengths = usual_lengths(self.utterances, self.inventory, config.stft)
        self.voices = ToldVoices(self.utterances, config, datadir) if config.model.voice else None
        self._in_memory: dict[int, Tensors] = {}
        self._place: str | FeatureFiles = "none" if config.training.cache in ("none", "disk") else "memory"
        if config.model.video:
            unseen = [utterance for utterance in self.utterances if utterance.landmarks is None]
            none_seen = augmented and len(unseen) == len(self.utterances)
            missing = [u.id for u in unseen if u.video or none_seen]
            if missing:
                raise DataError(
                    f"{datadir}: {len(missing)} of {len(self.utterances)} clips have no landmarks, such as {missing[0]}"
                    "; run data_prep.landmarks, or leave them out (data_prep.landmarks --drop)"
                )

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def batch_size(self) -> int:
        return self.config.training.batch_size

    def order(self, rng: np.random.Generator, step: int) -> list[tuple[int, int]]:
        """The places of one epoch of training, in a random order; ``step`` of them are a step of all processes."""
        speakers, filmed = [u.speaker for u in self.utterances], [u.is_filmed for u in self.utterances]
        pairs = draw_order(speakers, filmed, self.config.training, rng)
        pool_steps = self.config.training.sort_steps
        if pool_steps <= 1:
            return pairs
        return sort_in_pools(pairs, [u.duration_s for u in self.utterances], step, pool_steps, rng)

    def __getitem__(self, place: int | tuple[int, int]) -> tuple[str, Features, Tensor]:
        """(id, features, lost frames as bool of shape (n_frames,)).

        Args:
            place: the index of the utterance; or (index, how often it occurred before in this epoch), so that each time
                other random numbers are drawn for it.
        """
        index, repeat = place if isinstance(place, tuple) else (place, 0)
        utterance = self.utterances[index]
        features = Features(**self._tensors(index), labels=self._labels[index])
        if self._frames_needed(features.labels) > len(features.log_spectrum):
            raise DataError(
                f"{utterance.id}: its {sum(label != BLANK for label in features.labels)} phones do not fit into "
                f"its {len(features.log_spectrum)} frames; is its text that of a longer recording?"
            )
        lost = self._lost(utterance, features.log_spectrum, repeat)
        if self.augmented:
            rng = self._generator(repeat, "augment", utterance.id)
            features = augment(features, self.config.augment, self.config.stft, rng, lost)
            if features.said is not None:
                rng = self._generator(repeat, "text", utterance.id)
                said = vary_phones(features.said, lost, self.usual_lengths, self.config.augment, self.config.stft, rng)
                features = features._replace(said=said)
        if self.config.gaps.partial:
            # In validation the same in every run.
            names = ("partial", utterance.id)
            rng = self._generator(repeat, *names) if self.augmented else generator(0, *names)
            kept = draw_kept(features.log_spectrum, lost, self.config.gaps.partial, self.config.stft, rng)
            features = features._replace(kept=kept)
        if self.voices is not None:
            features = features._replace(voice=self._voice(self.voices, utterance, repeat))
        return utterance.id, features, lost

    def make(self, index: int) -> Tensors:
        """What can be kept of an utterance, computed from its files."""
        tensors = self._made(self.utterances[index])
        halved = HALVED if self.config.training.half_features else ()
        return {name: tensor.half() if name in halved else tensor for name, tensor in tensors.items()}

    def keep(self, place: str | FeatureFiles) -> None:
        """Keep what :meth:`make` makes in "memory", nowhere ("none"), or in files, which must be there."""
        self._place = place

    def files_in(self, folder: Path) -> FeatureFiles:
        """The files, there or not, that hold what :meth:`make` makes."""
        return FeatureFiles(folder, self._made_by(), [self._made_of(utterance) for utterance in self.utterances])

    def _tensors(self, index: int) -> Tensors:
        """What :meth:`make` makes, from where it is kept, in full precision."""
        if isinstance(self._place, FeatureFiles):
            tensors = self._place.read(index)
        else:
            tensors = self._in_memory.get(index) or self.make(index)
            if self._place == "memory" and get_worker_info() is None:  # workers end with the epoch
                self._in_memory[index] = tensors
        return {name: tensor.float() if tensor.dtype == torch.half else tensor for name, tensor in tensors.items()}

    def _usable(self, utterances: list[Utterance], datadir: str | Path) -> list[Utterance]:
        """Those that can be learned from."""
        return utterances

    def _made(self, utterance: Utterance) -> Tensors:
        values = self._load(utterance)._asdict()
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def _made_by(self) -> list[object]:
        """The settings that :meth:`make` depends on, as JSON takes them."""
        model, visual = self.config.model, asdict(self.config.visual)
        inventory = self.inventory if model.text else ()
        half = self.config.training.half_features
        return [asdict(self.config.stft), visual if model.video else {}, model.text, inventory, half]

    def _made_of(self, utterance: Utterance) -> list[object]:
        """What it depends on of an utterance."""
        landmarks = utterance.landmarks if self.config.model.video else None
        archive = stamp(landmarks.rpartition(":")[0]) if landmarks else []
        return [stamp(utterance.wav), landmarks, archive, utterance.phones if self.config.model.text else ()]

    def _load(self, utterance: Utterance) -> Features:
        features = load_features(utterance, self.config)
        if not self.config.model.text:
            return features
        try:
            n_frames = len(features.log_spectrum)
            return features._replace(
                said=phones_at(utterance.phones or None, n_frames, self.config.stft, self.inventory)
            )
        except DataError as error:
            raise DataError(f"{utterance.id}: {error}") from error

    def _labels_of(self, utterance: Utterance, lexicon: Lexicon) -> tuple[int, ...]:
        return tuple(to_labels(lexicon.transcribe(utterance), lexicon.phones))

    def _frames_needed(self, labels: tuple[int, ...]) -> int:
        return frames_needed(labels)

    def _voice(self, voices: ToldVoices, utterance: Utterance, repeat: int) -> Tensor:
        """In validation the same in every run."""
        if not self.augmented:
            return voices.draw(utterance, generator(0, "voice", utterance.id))
        return voices.draw(utterance, self._generator(repeat, "voice", utterance.id), self.config.augment.voice_hidden)

    def _generator(self, repeat: int, *names: str) -> np.random.Generator:
        return generator(self.config.training.seed, self.epoch, *names, *([repeat] if repeat else []))

    def _lost(self, utterance: Utterance, log_spectrum: Tensor, repeat: int) -> Tensor:
        return torch.zeros(len(log_spectrum), dtype=torch.bool)


class InpaintingData(SpeechData):
    """The utterances of a data directory with gaps from a file, or with random gaps, new in each epoch.

    Random gaps depend only on the seed, the epoch and the utterance's id, and not on the order of utterances, the
    number of workers or whether the run was resumed.
    """

    def __init__(
        self,
        datadir: str | Path,
        config: Config,
        gap_file: str | Path | None = None,
        lexicon: Lexicon | None = None,
        augmented: bool = False,
    ) -> None:
        """Raises DataError as :class:`SpeechData`, and for an invalid gap file, an utterance without gaps, and gaps
        of an unknown utterance or outside their utterance.
        """
        super().__init__(datadir, config, lexicon, augmented)
        self._gaps: dict[str, list[Gap]] | None = None
        if gap_file:
            self._gaps = read_gap_file(gap_file)
            check_gaps_cover(self._gaps, read_datadir(datadir), gap_file)
            check_gaps_fit(self._gaps, self.utterances, gap_file, config.stft.sample_rate)

    def _lost(self, utterance: Utterance, log_spectrum: Tensor, repeat: int) -> Tensor:
        stft, settings = self.config.stft, self.config.gaps
        try:
            if self._gaps is None:
                rng = self._generator(repeat, utterance.id)
                draw = partial(draw_random, utterance.duration_s, settings, stft.sample_rate, rng)
                if settings.from_end and rng.random() < settings.from_end:
                    gaps = draw_from_end(utterance.duration_s, stft.sample_rate, rng)
                elif settings.in_speech:
                    speech = is_speech(log_spectrum, stft, self.config.normalise).numpy()
                    gaps = draw_in_speech(draw, speech, settings, stft)
                else:
                    gaps = draw()
            else:
                gaps = self._gaps[utterance.id]
            spans = gap_spans(gaps, to_samples(utterance.duration_s, stft.sample_rate), stft.sample_rate)
        except GapError as error:
            raise DataError(f"{utterance.id}: {error}") from error
        return torch.from_numpy(lost_frames(spans, len(log_spectrum), stft))


class AligningData(InpaintingData):
    """As :class:`InpaintingData`, with silences between the words, and the times of words where they are known.
    Utterances without words are left out, and a warning says how many.
    """

    def _usable(self, utterances: list[Utterance], datadir: str | Path) -> list[Utterance]:
        said = [utterance for utterance in utterances if utterance.words]
        if not said:
            raise DataError(f"{datadir}: no utterance has words in its text: there is nothing to align")
        _tell_left_out(len(utterances) - len(said), len(utterances), "words", datadir)
        return said

    def _load(self, utterance: Utterance) -> Features:
        features = super()._load(utterance)
        return features._replace(word_at=words_at(utterance, len(features.log_spectrum), self.config.stft))

    def _made_by(self) -> list[object]:
        return [*super()._made_by(), "word_at"]

    def _made_of(self, utterance: Utterance) -> list[object]:
        return [*super()._made_of(utterance), utterance.words, utterance.alignment]

    def _labels_of(self, utterance: Utterance, lexicon: Lexicon) -> tuple[int, ...]:
        try:
            return tuple(with_silences(lexicon.in_words(utterance), lexicon.phones))
        except ValueError as error:
            raise DataError(f"{utterance.id}: {error} in {lexicon.path}") from error

    def _frames_needed(self, labels: tuple[int, ...]) -> int:
        return sum(label != SILENCE_LABEL for label in labels)


class TimedData(InpaintingData):
    """As :class:`InpaintingData`; utterances whose phones have no times are left out, and a warning says how many."""

    def _usable(self, utterances: list[Utterance], datadir: str | Path) -> list[Utterance]:
        timed = [utterance for utterance in utterances if utterance.phones]
        if not timed:
            raise DataError(f"{datadir}: no utterance has phones with times; python -m data_prep.align finds them")
        _tell_left_out(len(utterances) - len(timed), len(utterances), "phones with times", datadir)
        return timed


def _tell_left_out(count: int, total: int, what: str, datadir: str | Path) -> None:
    if count:
        missing = f"{count} of {total} utterances have no {what}"
        warnings.warn(f"{datadir}: {missing}, and are left out", AvsiWarning, stacklevel=5)


def make_batch(data: SpeechData, places: Sequence[int | tuple[int, int]]) -> Batch:
    """Make a batch of the items at some places of a :class:`SpeechData`."""
    return collate([data[place] for place in places])


def collate(items: list[tuple[str, Features, Tensor]]) -> Batch:
    """Make a batch of items of a :class:`SpeechData`."""
    ids, features, lost = zip(*items, strict=True)

    def pad(tensors: Iterable[Tensor], value: float = 0.0) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(list(tensors), batch_first=True, padding_value=value)

    return Batch(
        list(ids),
        pad(f.log_spectrum for f in features),
        pad(f.visual for f in features),
        pad(lost),
        torch.tensor([len(mask) for mask in lost]),
        pad(torch.tensor(f.labels, dtype=torch.int64) for f in features),
        torch.tensor([len(f.labels) for f in features]),
        None if features[0].word_at is None else pad(f.word_at for f in features if f.word_at is not None),
        None if features[0].said is None else pad(f.said for f in features if f.said is not None),
        None if features[0].voice is None else torch.stack([f.voice for f in features if f.voice is not None]),
        None if features[0].damage is None else pad(f.damage for f in features if f.damage is not None),
        None if features[0].contour is None else pad((f.contour for f in features if f.contour is not None), math.nan),
        None if features[0].kept is None else pad((f.kept for f in features if f.kept is not None), math.nan),
    )
