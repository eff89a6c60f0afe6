"""What a speaker encoder learns from: windows of several speakers' speech, and the loss that tells them apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..audio.activity import is_speech
from ..audio.mel import sped_up
from ..config import Config, SpeakerEncoderConfig
from ..data.datadir import Utterance
from ..data.features import Features
from ..errors import DataError
from ..metrics.equal_errors import Trials
from ..models.speaker_encoder import band_filters, to_bands, without_mean
from ..timebase import to_frames
from .dataset import SpeechData

STAY = 0.5  # the share of speakers who are not made others, where augment.speaker_speed makes some
LEAST_SHARPNESS = 1e-6


class SpeakerData(SpeechData):
    """Windows of the speech of a data directory's speakers, several of each after each other.

    Of a training set windows are drawn at random, of each speaker equally many; a speaker then may speak at another
    speed and pitch, in all windows of a batch alike. Else the windows are always the same, and the whole set is one
    batch. ``log_spectrum`` of an item are the bands of a window without the recording's mean, of shape
    (window_frames, n_mels).
    """

    def __init__(self, datadir: str | Path, config: Config, augmented: bool = False) -> None:
        """Raises DataError for an invalid directory, and for fewer speakers than are told apart at once."""
        super().__init__(datadir, config, None, augmented)
        assert isinstance(config.model, SpeakerEncoderConfig)
        self._filters = band_filters(config)
        self._window_frames = to_frames(config.model.window_s, config.stft)
        self._windows = config.training.speaker_windows  # of a speaker
        self._of_speaker: dict[str, list[int]] = {}
        for index, utterance in enumerate(self.utterances):
            self._of_speaker.setdefault(utterance.speaker, []).append(index)
        self._at_once = config.training.batch_size // self._windows
        needed = self._at_once if augmented else 2
        if len(self._of_speaker) < needed:
            raise DataError(
                f"{datadir}: has {len(self._of_speaker)} speakers, expected {needed} or more "
                "(training.batch_size / training.speaker_windows in training, 2 else)"
            )

    def __len__(self) -> int:
        return len(self.utterances) if self.augmented else len(self._of_speaker) * self._windows

    @property
    def batch_size(self) -> int:
        return super().batch_size if self.augmented else len(self)

    def order(self, rng: np.random.Generator, step: int) -> list[tuple[int, int]]:
        """(index of the utterance, how many windows of its speaker come before) of each window; no speaker is twice in
        a batch, of which a step has one for each process.
        """
        speakers = list(self._of_speaker)
        in_a_round = len(speakers) // self._at_once  # batches in which each speaker is once, but for a few left over
        before: Counter[str] = Counter()
        places = []
        for batch in range(max(1, (self.config.training.epoch_utterances or len(self)) // self.batch_size)):
            if batch % in_a_round == 0:
                round_ = rng.permutation(len(speakers))
            first = batch % in_a_round * self._at_once
            for speaker in (speakers[place] for place in round_[first : first + self._at_once]):
                utterances = self._of_speaker[speaker]
                for which in np.resize(rng.permutation(len(utterances)), self._windows).tolist():
                    places.append((utterances[which], before[speaker]))
                    before[speaker] += 1
        return places

    def __getitem__(self, place: int | tuple[int, int]) -> tuple[str, Features, Tensor]:
        if isinstance(place, int):
            return self._fixed(*divmod(place, self._windows))
        index, number = place
        utterance = self.utterances[index]
        _, features, _ = super().__getitem__((index, number))
        bands = features.log_spectrum
        speed = self._speed(utterance, number // self._windows)
        if speed != 1:
            bands = sped_up(bands, speed, self.config.stft)
        return self._window(utterance, bands, self._generator(number, "window", utterance.id).random())

    def _fixed(self, which_speaker: int, number: int) -> tuple[str, Features, Tensor]:
        """Window ``number`` of a speaker: of as many utterances, and as far apart, as there are."""
        utterances = list(self._of_speaker.values())[which_speaker]
        used = min(len(utterances), self._windows)
        index = utterances[number % used * len(utterances) // used]
        rounds = -(-self._windows // used)
        _, features, _ = super().__getitem__((index, 0))
        where = number // used / (rounds - 1) if rounds > 1 else 0.5
        return self._window(self.utterances[index], features.log_spectrum, where)

    def _speed(self, utterance: Utterance, group: int) -> float:
        rng = self._generator(group, "speed", utterance.speaker)
        stays, share = rng.random() < STAY, rng.uniform(-1, 1)
        return 1 if stays else 1 + self.config.augment.speaker_speed * share

    def _window(self, utterance: Utterance, bands: Tensor, where: float) -> tuple[str, Features, Tensor]:
        """The item of the window that begins at a share of the places that it may have; too short speech is
        repeated.
        """
        surplus = len(bands) - self._window_frames
        places = round(max(surplus, 0) * where) + torch.arange(self._window_frames)
        window = without_mean(bands)[places % len(bands)]
        none = torch.zeros(len(window), dtype=torch.bool)
        return utterance.id, Features(window, window.new_zeros(len(window), 0)), none

    def _load(self, utterance: Utterance) -> Features:
        """The bands of speech alone."""
        features = super()._load(utterance)
        speech = is_speech(features.log_spectrum, self.config.stft, self.config.normalise)
        bands = to_bands(features.log_spectrum[speech], self._filters, self.config.stft)
        return features._replace(log_spectrum=bands, visual=features.visual[speech])

    def _made_by(self) -> list[object]:
        return [*super()._made_by(), "bands", list(self._filters.shape), asdict(self.config.normalise)]


def ge2e_loss(vectors: Tensor, speakers: Sequence[str], sharpness: Tensor) -> Tensor:
    """The generalised end-to-end loss with a softmax (Wan et al., 2018, equations 6 and 9): each vector should be
    nearest to the centroid of its speaker's other vectors.

    Args:
        vectors: of length 1, shape (n, n_values), of two or more speakers.
        sharpness: what cosines are multiplied by before the softmax, shape (); their offset would change nothing.

    Returns:
        The mean negative log likelihood, natural logarithm, shape (); without vectors alone of their speaker.
    """
    own = _memberships(vectors, speakers)
    sums, counts = own.T @ vectors, own.sum(dim=0)
    cosines = vectors @ normalize(sums, dim=1).T
    others = normalize(own @ sums - vectors, dim=1)
    cosines = torch.where(own.bool(), (vectors * others).sum(dim=1, keepdim=True), cosines)
    scores = (sharpness.clamp_min(LEAST_SHARPNESS) * cosines).log_softmax(dim=1)
    told = own @ counts > 1
    return -(scores * own).sum(dim=1)[told].mean()


def errors_of(vectors: Tensor, speakers: Sequence[str]) -> float:
    """The equal error rate over all pairs of vectors of length 1."""
    own = _memberships(vectors, speakers)
    one, two = torch.triu_indices(len(own), len(own), 1, device=own.device)
    cosines, same = (vectors[one] * vectors[two]).sum(dim=1), (own[one] * own[two]).sum(dim=1) > 0
    return Trials(cosines.cpu().numpy(), same.cpu().numpy()).equal_errors().rate


def _memberships(vectors: Tensor, speakers: Sequence[str]) -> Tensor:
    """1 where a vector is a speaker's, else 0; shape (n, n_speakers)."""
    _, which = np.unique(speakers, return_inverse=True)
    return torch.nn.functional.one_hot(torch.from_numpy(which)).to(vectors)
