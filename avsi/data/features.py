"""The features of an undamaged utterance: log magnitudes, visual features and phone labels."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..audio.stft import log_magnitude, spectrum
from ..config import Config
from ..media.sound_reading import read_mono
from ..video.motion import n_features, visual_features
from .datadir import Utterance


class Features(NamedTuple):
    """The features of an undamaged utterance.

    Attributes:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins).
        visual: shape (n_frames, n_visual), NaN where no face was found for too long, or throughout if the utterance has
            no landmarks; n_visual 0 for an audio-only model.
        labels: of the words' phones, as the model's kind has them; empty if no lexicon was given.
        word_at: int64, shape (n_frames,): which word is spoken in each frame, counted from 1, and 0 between words; -1
            where it is not known. None for a model that does not ask.
        said: as of :func:`.phones_at`; None for a model that does not ask.
        voice: the unit vector of the voice that is told, shape (n_values,), NaN where it is not known; None for a model
            that does not ask.
        damage: bool, shape (n_frames, n_kinds), as of :func:`avsi.training.tagging.damage_at`; None for a model that
            does not ask.
        contour: the pitch of each frame in octaves above 1 Hz, shape (n_frames,), as of :func:`.contour_of`; None for a
            model that does not ask.
        kept: natural log magnitude of the reliable bins of lost frames, shape (n_frames, n_bins), NaN elsewhere; None
            for a model that does not ask.
    """

    log_spectrum: Tensor
    visual: Tensor
    labels: tuple[int, ...] = ()
    word_at: Tensor | None = None
    said: Tensor | None = None
    voice: Tensor | None = None
    damage: Tensor | None = None
    contour: Tensor | None = None
    kept: Tensor | None = None


def load_features(utterance: Utterance, config: Config) -> Features:
    """Compute the features from an utterance's sound and, for a model with video input, its landmarks; no labels."""
    samples = torch.from_numpy(read_mono(utterance.wav, config.stft.sample_rate))
    log_spectrum = log_magnitude(spectrum(samples, config.stft), config.stft)
    if not config.model.video:
        return Features(log_spectrum, log_spectrum.new_zeros(len(log_spectrum), 0))
    if utterance.landmarks is None:
        return Features(log_spectrum, log_spectrum.new_full((len(log_spectrum), n_features(config.visual)), math.nan))
    visual, _ = visual_features(utterance.load_landmarks(), len(log_spectrum), config.stft, config.visual)
    return Features(log_spectrum, torch.from_numpy(visual))
