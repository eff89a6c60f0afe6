"""The sounds of versions as browsers play them: 16-bit WAV files of one length, whatever the files behind them are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from avsi.data.datadir import Utterance
from avsi.studio.playing import wav_bytes, wav_size
from avsi.studio.ranges import ranged
from avsi.studio.sounds import Clocked

from ..folder.evaluation import Evaluation
from ..folder.layout import STFT
from ..folder.versions import read_version

MOST_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class Mono:
    """Samples in memory, as :class:`avsi.studio.sounds.Clocked` takes them.

    Attributes:
        samples: shape (n_samples,), float32.
    """

    samples: np.ndarray
    rate: int = STFT.sample_rate
    channels: int = 1

    @property
    def n_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.samples[start:stop, None]


class Sounds:
    """Reads versions, and keeps those that were read last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], Clocked] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, evaluation: Evaluation, utterance: Utterance, condition: str, version: str, revision: str) -> Clocked:
        """As :func:`evaluation.folder.versions.read_version`.

        Args:
            revision: of the evaluation's files: those of another one are read again.
        """
        key = str(evaluation.folder), revision, condition, utterance.id, version
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        samples = read_version(evaluation, utterance, condition, version)
        sound = Clocked(Mono(samples), 0.0, len(samples) / STFT.sample_rate)
        with self._lock:
            self._kept[key] = sound
            while sum(of.samples.n_samples * 4 for of in self._kept.values()) > MOST_KEPT_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return sound


def wav_answer(request: Request, sound: Clocked) -> Response:
    """A sound as a WAV file, or the part of it that is asked for."""

    def read(first: int, stop: int) -> bytes:
        return wav_bytes(lambda: sound, first, stop, lambda: False)

    return ranged(request, wav_size(sound), read, "audio/wav")
