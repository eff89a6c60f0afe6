"""What a tagger learns from: windows of clean recordings, some damaged, some only noisy or with silenced pauses."""

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.activity import is_speech
from ..audio.samples import from_float
from ..audio.stft import log_magnitude, spectrum
from ..config import Config, StftConfig
from ..damaging.clips import damage_clip
from ..damaging.coding import CODECS, coded, draw_bit_rate
from ..damaging.noises import coloured_noise
from ..damaging.rooms import breaths, drifting, hum, loudness, music, narrow, reverberant, uneven
from ..data.damage import Damage
from ..data.datadir import Utterance
from ..data.features import Features, load_features
from ..media.sound_reading import read_mono
from ..models.tagger import TAGGED
from ..rng import generator
from ..timebase import to_frames
from .augmentation import augment
from .dataset import SpeechData, Tensors

WINDOW_S = 5.0
DAMAGED = 0.75  # the share of windows with damage
# How often each kind is drawn. Repeats and flat tops are told by rules: here they are sound like any other.
SHARES = {
    "silence": 0.1,
    "loss": 0.04,
    "jump": 0.03,
    "level": 0.24,
    "noise": 0.24,
    "burst": 0.15,
    "tone": 0.1,
    "click": 0.05,
    "repeat": 0.03,
    "clipping": 0.02,
}
ANYWHERE = 0.2  # the share of windows in which damage may be in a pause as well
# The shares of windows with each of what is no damage; then with pauses that are made silent, with a steady noise, with
# a hum, narrow, and coded.
ROOMS = {reverberant: 0.2, drifting: 0.2, uneven: 0.15, breaths: 0.15, music: 0.08}
GATED, NOISY, HUMMING, NARROW, CODED = 0.35, 0.5, 0.15, 0.15, 0.15
DROPS_DB = (14.0, 45.0)  # drop-outs of level: softer ones are a voice that turns away
GATE_HOLD_S = (0.03, 0.2)  # around speech, that is not silenced
AS_SILENCE = ("silence", "jump")  # kinds that sound alike


class Heard(NamedTuple):
    """A recording: int16, shape (n_samples,); bool, (n_frames,); the lips, (n_frames, n_visual)."""

    samples: Tensor
    speech: Tensor
    visual: Tensor


class TaggingData(SpeechData):
    """Windows of the utterances of a data directory, damaged at random: of a training set anew in each epoch, else
    always the same. ``damage`` of an item says where.
    """

    def __init__(self, datadir: str | Path, config: Config, augmented: bool = False) -> None:
        """Raises DataError as :class:`SpeechData`."""
        super().__init__(datadir, config, None, augmented)

    def _made(self, utterance: Utterance) -> Tensors:
        return hear(utterance, self.config)._asdict()

    def _made_by(self) -> list[object]:
        return [*super()._made_by(), "heard", asdict(self.config.normalise)]

    def __getitem__(self, place: int | tuple[int, int]) -> tuple[str, Features, Tensor]:
        index, repeat = place if isinstance(place, tuple) else (place, 0)
        utterance, stft = self.utterances[index], self.config.stft
        heard = Heard(**self._tensors(index))
        names = "tag", utterance.id
        rng = self._generator(repeat, *names) if self.augmented else generator(0, *names)
        length = min(to_frames(WINDOW_S, stft), len(heard.speech))
        first = int(rng.integers(0, len(heard.speech) - length + 1))
        part = heard.samples[first * stft.hop_samples : (first + length) * stft.hop_samples].numpy()
        speech, visual = heard.speech[first : first + length].numpy(), heard.visual[first : first + length]
        samples, truth = draw_window(part.astype(np.float32) / 32768, speech, stft, rng)
        log_spectrum = log_magnitude(spectrum(torch.from_numpy(samples), stft), stft)
        features = Features(log_spectrum, visual, damage=damage_at(truth, length, stft))
        if self.augmented:
            features = augment(features, self.config.augment, stft, rng)
        return utterance.id, features, torch.zeros(length, dtype=torch.bool)


def hear(utterance: Utterance, config: Config) -> Heard:
    """Read an utterance, and its lips where the model looks at them."""
    features = load_features(utterance, config)
    samples = torch.from_numpy(from_float(read_mono(utterance.wav, config.stft.sample_rate), "int16"))
    return Heard(samples, is_speech(features.log_spectrum, config.stft, config.normalise), features.visual)


def draw_window(
    samples: np.ndarray, speech: np.ndarray, stft: StftConfig, rng: np.random.Generator
) -> tuple[np.ndarray, list[Damage]]:
    """A clean stretch of sound as it might have been recorded and damaged; float32, shape (n_samples,), both."""
    rate, count = stft.sample_rate, len(samples)
    samples = samples * np.float32(10 ** (rng.uniform(-25, 10) / 20))
    for room, share in ROOMS.items():
        if rng.random() < share:
            samples = room(samples, rate, rng)
    if rng.random() < GATED:
        samples = gate(samples, speech, stft, rng)
    if rng.random() < NOISY:
        samples = samples + loudness(samples, rng.uniform(5, 50)) * coloured_noise(count, rng.uniform(0, 2), rng)
    if rng.random() < HUMMING:
        samples = samples + loudness(samples, rng.uniform(0, 30)) * hum(count, rate, rng)
    samples, truth = np.clip(samples, -1, 1).astype(np.float32)[:, None], list[Damage]()
    if rng.random() < DAMAGED:
        kinds = rng.choice(list(SHARES), size=int(rng.integers(1, 4)), p=np.array([*SHARES.values()])).tolist()
        where = None if rng.random() < ANYWHERE else speech
        fixed = {"level": {"drop_db": float(rng.uniform(*DROPS_DB))}}
        samples, truth = damage_clip(samples, rate, kinds, rng, where, count / rate / 2, fixed)
    if rng.random() < NARROW:
        samples = narrow(samples[:, 0], rate, rng).astype(np.float32)[:, None]
    if rng.random() < CODED:
        codec = str(rng.choice(list(CODECS)))
        samples = coded(samples, rate, codec, draw_bit_rate(codec, rng))
    return np.round(samples[:, 0] * 32768).clip(-32768, 32767).astype(np.float32) / 32768, truth


def gate(samples: np.ndarray, speech: np.ndarray, stft: StftConfig, rng: np.random.Generator) -> np.ndarray:
    """A recording whose pauses a noise gate makes silent, or soft."""
    hold = to_frames(rng.uniform(*GATE_HOLD_S), stft)
    near = np.convolve(speech, np.ones(2 * hold + 1), "same") > 0
    closed = 10 ** (-rng.uniform(20, 50) / 20) if rng.random() < 0.5 else 0.0
    gain = np.repeat(np.where(near, 1.0, closed), stft.hop_samples)[: len(samples)]
    gain = np.pad(gain, (0, len(samples) - len(gain)), "edge")
    ramp = int(stft.sample_rate * rng.uniform(0.001, 0.03))
    return (samples * np.convolve(gain, np.ones(ramp) / ramp, "same")).astype(np.float32)


def damage_at(truth: list[Damage], count: int, stft: StftConfig) -> Tensor:
    """Which frames have which damage: more than half of what a frame stands for, of clicks any part of it. Bool, shape
    (count, len(TAGGED)).
    """
    at = torch.zeros(count, len(TAGGED), dtype=torch.bool)
    for each in truth:
        kind = "silence" if each.kind in AS_SILENCE else each.kind
        if kind not in TAGGED:
            continue
        first, last = (time_s * stft.sample_rate / stft.hop_samples for time_s in (each.start_s, each.end_s))
        span = (int(first), int(np.ceil(last))) if kind == "click" else (round(first), round(last))
        at[span[0] : span[1], TAGGED.index(kind)] = True
    return at
