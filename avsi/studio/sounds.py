"""The samples of a clip at the film's clock, while they are still being decoded too.

A film's sound is decoded once, into a WAV file; what it holds so far can be read from the first second on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..audio.samples import to_float
from ..media.sound_reading import Sound
from ..timebase import to_samples

HEADER_BYTES = 4096  # in which the samples of a WAV file of libsndfile begin
_DTYPES = {(1, 8): np.uint8, (1, 16): np.int16, (1, 32): np.int32, (3, 32): np.float32, (3, 64): np.float64}
_FULL_SCALE = {np.uint8: 2.0**7, np.int16: 2.0**15, np.int32: 2.0**31}


class Samples(Protocol):
    """What of a sound can be read by now."""

    @property
    def rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def n_samples(self) -> int: ...
    def read(self, start: int, stop: int) -> np.ndarray: ...


class GrowingWav:
    """A WAV file that another process is writing."""

    def __init__(self, path: Path, channels: int, rate: int, dtype: type, first_byte: int) -> None:
        self.path, self.channels, self.rate = path, channels, rate
        self._dtype: np.dtype = np.dtype(dtype)
        self._first_byte = first_byte

    @classmethod
    def open(cls, path: Path) -> GrowingWav | None:
        """None while its header is not written."""
        try:
            with path.open("rb") as file:
                header = file.read(HEADER_BYTES)
        except FileNotFoundError:
            return None
        place, known = 12, None
        while place + 8 <= len(header):
            name, length = header[place : place + 4], struct.unpack("<I", header[place + 4 : place + 8])[0]
            if name == b"fmt ":
                tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", header[place + 8 : place + 24])
                if tag == 0xFFFE:  # extensible: the format is the start of its GUID
                    tag = struct.unpack("<H", header[place + 32 : place + 34])[0]
                known = channels, rate, _DTYPES[tag, bits]
            if name == b"data":
                return cls(path, *known, place + 8) if known else None
            place += 8 + length + length % 2
        return None

    @property
    def n_samples(self) -> int:
        return max(self.path.stat().st_size - self._first_byte, 0) // (self.channels * self._dtype.itemsize)

    def read(self, start: int, stop: int) -> np.ndarray:
        frame = self.channels * self._dtype.itemsize
        with self.path.open("rb") as file:
            file.seek(self._first_byte + start * frame)
            read = file.read(max(stop - start, 0) * frame)
        return np.frombuffer(read[: len(read) // frame * frame], self._dtype).reshape(-1, self.channels)


@dataclass(frozen=True)
class Patched:
    """A sound with some spans replaced.

    Attributes:
        patches: (first sample, samples of shape (n, channels)), sorted and disjoint.
    """

    sound: Sound
    patches: list[tuple[int, np.ndarray]]

    @property
    def rate(self) -> int:
        return self.sound.rate

    @property
    def channels(self) -> int:
        return self.sound.channels

    @property
    def n_samples(self) -> int:
        return self.sound.n_samples

    def read(self, start: int, stop: int) -> np.ndarray:
        block = self.sound.read(start, min(stop, self.n_samples)).copy()
        for first, patch in self.patches:
            begin, end = max(first, start), min(first + len(patch), start + len(block))
            if begin < end:
                block[begin - start : end - start] = patch[begin - first : end - first]
        return block


@dataclass(frozen=True)
class Clocked:
    """Samples on the film's clock: zeros before the sound starts and after its end.

    Attributes:
        start_s: when a player plays the first sample.
        duration_s: of the film.
    """

    samples: Samples
    start_s: float
    duration_s: float

    @property
    def rate(self) -> int:
        return self.samples.rate

    @property
    def length(self) -> int:
        """In samples."""
        return to_samples(self.duration_s, self.rate)

    @property
    def known_until(self) -> int:
        return min(self.first + self.samples.n_samples, self.length)

    @property
    def first(self) -> int:
        return to_samples(self.start_s, self.rate)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples [start, stop) of the film's clock as float64 of shape (stop - start, channels)."""
        floats = np.zeros((max(stop - start, 0), self.samples.channels))
        begin, end = max(start, self.first, 0), min(stop, self.known_until)
        if begin < end:
            read = to_float(self.samples.read(begin - self.first, end - self.first))
            floats[begin - start : begin - start + len(read)] = read
        return floats

    def mono(self, start: int, stop: int) -> np.ndarray:
        """The mean of the channels in float32, to be drawn; what is no number counts as silence."""
        mean = np.zeros(max(stop - start, 0), np.float32)
        begin, end = max(start, self.first, 0), min(stop, self.known_until)
        if begin < end:
            read = self.samples.read(begin - self.first, end - self.first)
            full_scale = _FULL_SCALE.get(read.dtype.type, 1.0)
            part = mean[begin - start : begin - start + len(read)]
            for channel in read.T:  # one after the other: an hour takes a second
                part += channel
            part *= 1 / (full_scale * self.samples.channels)
            if read.dtype == np.uint8:
                part -= 1.0
            elif read.dtype.kind == "f":
                np.nan_to_num(part, copy=False, posinf=0.0, neginf=0.0)
        return mean
