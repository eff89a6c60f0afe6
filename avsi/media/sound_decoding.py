"""Decoding of a container's sound track into a WAV file with the same sample values."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from ..errors import AvsiWarning, MediaError
from ..timebase import to_samples, to_seconds
from .containers import decoded_frames, open_container, start_s
from .sound_writing import BLOCK_SAMPLES, sound_writer

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

HOLE_S = 0.02  # a longer jump of the timestamps is not rounding, but lost sound
OVER_24_BIT = ("PCM_32", "FLOAT", "DOUBLE")
# By PyAV's sample format, the WAV subtype that holds its samples exactly.
_SUBTYPE_OF_DECODED = {"u8": "PCM_U8", "s16": "PCM_16", "s32": "PCM_32", "flt": "FLOAT", "dbl": "DOUBLE"}


def _length_s(container: InputContainer, stream: AudioStream) -> int:
    """How long the container says that the sound lasts, at least 1 s."""
    import av

    if stream.duration and stream.time_base:
        return max(1, math.ceil(stream.duration * stream.time_base))
    return max(1, math.ceil((container.duration or 0) / av.time_base))


def _by_second(frames: Iterable[AudioFrame]) -> Iterator[list[AudioFrame]]:
    """Frames that last a second, one after the other, and what is left."""
    held: list[AudioFrame] = []
    held_s = 0.0
    for frame in frames:
        held.append(frame)
        held_s += frame.samples / frame.rate
        if held_s >= 1:
            yield held
            held, held_s = [], held_s - 1
    yield held


@dataclass(frozen=True)
class DecodedTrack:
    """What there is to know of a decoded sound track.

    Attributes:
        start_s, over_24_bit: as in :class:`.sound_reading.Sound`.
        holes: where the time stamps skip, samples [start, stop) that are zeros; in the order of time.
    """

    start_s: float
    over_24_bit: bool
    holes: tuple[tuple[int, int], ...] = ()


def decode_track(path: Path, wav: Path, progress: Callable = lambda items, total, what: items) -> DecodedTrack:
    """Decode the first sound track of ``path`` into a WAV file of the same rate, channels and sample values.

    Lost or damaged packets are replaced by zeros, so that later samples keep their times, and a warning says how much
    was lost. ``progress`` wraps the loop over the seconds of the sound, as :func:`avsi.program.progress` does.
    """
    import av

    with open_container(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path}: has no sound track")
        stream = container.streams.audio[0]
        lossless = stream.codec.lossless and not stream.codec.lossy
        out, n_samples, over_24_bit = None, 0, False
        holes: list[tuple[int, int]] = []
        waiting = av.AudioFifo()  # a decoded frame lasts some 20 ms: writing each by itself takes longer than decoding

        def write_waiting(out: soundfile.SoundFile, at_least: int = 1) -> bool:
            """Whether more than 24 bit were used by what was written."""
            frame = waiting.read() if waiting.samples >= at_least else None
            if frame is None:
                return False
            values: np.ndarray = frame.to_ndarray()
            out.write(values.T if frame.format.is_planar else values.reshape(-1, out.channels))
            # 24-bit samples come as 32-bit integers whose lowest byte is zero.
            return subtype in OVER_24_BIT and (subtype != "PCM_32" or bool((values & 0xFF).any()))

        with contextlib.ExitStack() as stack:
            seconds = _by_second(decoded_frames(container, stream))
            for frame in chain.from_iterable(progress(seconds, _length_s(container, stream), "decoding the sound")):
                if out is None:
                    subtype = _SUBTYPE_OF_DECODED[frame.format.packed.name]
                    channels = frame.layout.nb_channels
                    out = stack.enter_context(sound_writer(wav, frame.rate, channels, subtype, "RF64"))
                    origin_s = start_s(container) if frame.time is None else frame.time
                    kind = frame.rate, channels, frame.format.name
                if (frame.rate, frame.layout.nb_channels, frame.format.name) != kind:
                    at_s = to_seconds(n_samples, kind[0])
                    raise MediaError(
                        f"{path}: its sound changes its rate or channels after {at_s:.2f} s; convert it first"
                    )
                if frame.time is not None:
                    hole = to_samples(frame.time - origin_s, frame.rate) - n_samples
                    if hole > HOLE_S * frame.rate:
                        holes.append((n_samples, n_samples + hole))
                        n_samples += hole
                        over_24_bit |= write_waiting(out)
                        for first in range(0, hole, BLOCK_SAMPLES):
                            out.write(np.zeros((min(BLOCK_SAMPLES, hole - first), out.channels), np.int16))
                n_samples += frame.samples
                frame.pts = None  # else the queue takes no frame after a hole
                waiting.write(frame)
                over_24_bit |= write_waiting(out, BLOCK_SAMPLES)
            if out is not None:
                over_24_bit |= write_waiting(out)
        if out is None:
            raise MediaError(f"{path}: its sound track cannot be decoded")
        if holes:
            lost_s = to_seconds(sum(stop - start for start, stop in holes), kind[0])
            warnings.warn(
                f"{path}: {lost_s:.2f} s of its sound are lost and count as silence", AvsiWarning, stacklevel=2
            )
        return DecodedTrack(round(origin_s - start_s(container), 6), lossless and over_24_bit, tuple(holes))
