"""Data sets and batches: clean log magnitudes, lost frames, visual features and phone labels of utterances."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..audio.activity import is_speech
from ..config import Config
from ..data.datadir import Utterance, read_datadir
from ..data.features import Features, load_features
from ..data.gap_files import check_gaps_cover, check_gaps_fit, read_gap_file
from ..data.gap_sampling import draw_in_speech, draw_random
from ..data.gaps import Gap, gap_spans, lost_frames
from ..data.phones import Lexicon, frames_needed, to_labels
from ..errors import DataError, GapError
from ..rng import generator
from ..timebase import to_samples
from .augmentation import augment


class Batch(NamedTuple):
    """Several utterances, padded at the end to the longest.

    Attributes:
        ids: their ids.
        log_spectrum: of the *clean* signal, shape (batch, n_frames, n_bins). Frames whose window touches no gap are the
            same in the damaged signal; the others must be hidden from the model by ``lost``.
        visual: shape (batch, n_frames, n_visual).
        lost: bool, shape (batch, n_frames); False in the padding.
        lengths: int64, shape (batch,): the number of frames of each utterance.
        labels: int64, shape (batch, n_labels): CTC labels, padded with blanks.
        label_lengths: int64, shape (batch,): the number of labels of each utterance.
    """

    ids: list[str]
    log_spectrum: Tensor
    visual: Tensor
    lost: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor


class SpeechData(Dataset):
    """The utterances of a data directory, without gaps."""

    def __init__(
        self, datadir: str | Path, config: Config, lexicon: Lexicon | None = None, augmented: bool = False
    ) -> None:
        """Raises DataError for an invalid directory and for words that are not in the lexicon; if the model has video
        input, also for videos without landmarks, and for a training set (``augmented``) without any.
        """
        self.config = config
        self.epoch = 0
        self.augmented = augmented
        self.utterances = read_datadir(datadir)
        self._labels: list[tuple[int, ...]] = [()] * len(self.utterances)
        if lexicon is not None:
            # A recogniser learns nothing of an utterance whose words are not known; an inpainter does.
            said = [u.words or config.model.kind == "recognizer" for u in self.utterances]
            self._labels = [
                tuple(to_labels(lexicon.transcribe(u), lexicon.phones)) if known else ()
                for u, known in zip(self.utterances, said, strict=True)
            ]
        self._cache: dict[int, Features] = {}
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

    def __getitem__(self, place: int | tuple[int, int]) -> tuple[str, Features, Tensor]:
        """(id, features, lost frames as bool of shape (n_frames,)).

        Args:
            place: the index of the utterance; or (index, how often it occurred before in this epoch), so that each time
                other random numbers are drawn for it.
        """
        index, repeat = place if isinstance(place, tuple) else (place, 0)
        utterance = self.utterances[index]
        features = self._cache.get(index)
        if features is None:
            features = load_features(utterance, self.config)._replace(labels=self._labels[index])
            if frames_needed(features.labels) > len(features.log_spectrum):
                raise DataError(
                    f"{utterance.id}: its {len(features.labels)} phones do not fit into its "
                    f"{len(features.log_spectrum)} frames; is its text that of a longer recording?"
                )
            if self.config.training.cache:
                self._cache[index] = features
        lost = self._lost(utterance, features.log_spectrum, repeat)
        if self.augmented:
            rng = self._generator(repeat, "augment", utterance.id)
            features = augment(features, self.config.augment, self.config.stft, rng, lost)
        return utterance.id, features, lost

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
            check_gaps_cover(self._gaps, self.utterances, gap_file)
            check_gaps_fit(self._gaps, self.utterances, gap_file, config.stft.sample_rate)

    def _lost(self, utterance: Utterance, log_spectrum: Tensor, repeat: int) -> Tensor:
        stft, settings = self.config.stft, self.config.gaps
        try:
            if self._gaps is None:
                rng = self._generator(repeat, utterance.id)
                draw = partial(draw_random, utterance.duration_s, settings, stft.sample_rate, rng)
                if settings.in_speech:
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


def collate(items: list[tuple[str, Features, Tensor]]) -> Batch:
    """Make a batch of items of a :class:`SpeechData`."""
    ids, features, lost = zip(*items, strict=True)

    def pad(tensors: Iterable[Tensor]) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(list(tensors), batch_first=True)

    return Batch(
        list(ids),
        pad(f.log_spectrum for f in features),
        pad(f.visual for f in features),
        pad(lost),
        torch.tensor([len(mask) for mask in lost]),
        pad(torch.tensor(f.labels, dtype=torch.int64) for f in features),
        torch.tensor([len(f.labels) for f in features]),
    )
