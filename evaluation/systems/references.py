"""Whose voice a model is told that takes one: that of other utterances of the same speaker, or of another speaker."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from avsi.audio.activity import is_speech
from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.datadir import Utterance, read_datadir
from avsi.errors import DataError
from avsi.media.sound_reading import read_mono
from avsi.restoring.voices import LEAST_SPEECH_S, Voice, VoiceEncoder, voice_of_frames
from avsi.rng import generator

REFERENCE_S = 5.0  # of speech at most, without pauses


class References:
    """The clean utterances of a set, from which references are drawn: always the same for an utterance."""

    def __init__(self, utterances: list[Utterance]) -> None:
        self._of: dict[str, list[Utterance]] = {}
        for utterance in utterances:
            self._of.setdefault(utterance.speaker, []).append(utterance)

    def of_speaker(self, utterance: Utterance) -> list[Utterance]:
        """The other utterances of its speaker, in a drawn order. Raises DataError where there are none."""
        others = [other for other in self._of[utterance.speaker] if other.id != utterance.id]
        if not others:
            raise DataError(f"{utterance.id}: is the only utterance of {utterance.speaker}; no other is a reference")
        return _shuffled(others, utterance)

    def of_stranger(self, utterance: Utterance) -> list[Utterance]:
        """The utterances of another speaker, always the same one for a speaker, in a drawn order. Raises DataError
        where there is none.
        """
        strangers = sorted(set(self._of) - {utterance.speaker})
        if not strangers:
            raise DataError(f"{utterance.id}: {utterance.speaker} is the only speaker; there is no stranger")
        stranger = strangers[int(generator(0, "stranger", utterance.speaker).integers(len(strangers)))]
        return _shuffled(self._of[stranger], utterance)


def _shuffled(utterances: list[Utterance], asked_for: Utterance) -> list[Utterance]:
    order = generator(0, "reference", asked_for.id).permutation(len(utterances))
    return [utterances[place] for place in order]


@lru_cache(maxsize=1)
def read_references(datadir: Path) -> References:
    return References(read_datadir(datadir))


def voice_in(utterances: list[Utterance], encoder: VoiceEncoder) -> Voice:
    """The voice in the first five seconds of their speech, or in all where there is less. Raises DataError where that
    is less than a second.
    """
    stft, limits = encoder.model.config.stft, encoder.model.config.normalise
    most, taken, voices = round(REFERENCE_S * stft.sample_rate / stft.hop_samples), 0, []
    for utterance in utterances:
        samples = torch.from_numpy(read_mono(utterance.wav, stft.sample_rate))
        log_spectrum = log_magnitude(spectrum(samples, stft), stft)
        speech = log_spectrum[is_speech(log_spectrum, stft, limits)][: most - taken]
        try:
            voices.append(voice_of_frames(speech, encoder))
        except DataError:  # silent; others may not be
            continue
        taken += len(speech)
        if taken >= most:
            break
    speech_s = sum(voice.speech_s for voice in voices)
    if speech_s < LEAST_SPEECH_S:
        raise DataError(
            f"{utterances[0].speaker}: {speech_s:.2f} s of speech to tell the voice from, expected "
            f"{LEAST_SPEECH_S:g} s or more"
        )
    mean = np.average([voice.vector for voice in voices], axis=0, weights=[voice.speech_s for voice in voices])
    return Voice((mean / np.linalg.norm(mean)).astype(np.float32), speech_s, encoder.digest)
