"""The sound of a clip as a WAV file that is made while it is read: 16 bit, on the film's clock."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from ..audio.samples import from_float
from .sounds import Clocked

HEADER_BYTES = 44
LONGEST_WAIT_S = 20.0  # for sound that is being decoded


def wav_size(sound: Clocked) -> int:
    return HEADER_BYTES + sound.length * sound.samples.channels * 2


def wav_bytes(sound: Callable[[], Clocked], first: int, stop: int, grows: Callable[[], bool]) -> bytes:
    """The bytes [first, stop) of the WAV file of a sound that may still grow; those of what is being decoded are waited
    for.
    """
    known = sound()
    frame = known.samples.channels * 2
    head = _header(known)[first:stop]
    begin, end = max(first - HEADER_BYTES, 0), max(stop - HEADER_BYTES, 0)
    if begin == end:
        return head
    from_sample, to_sample = begin // frame, -(-end // frame)
    until = time.monotonic() + LONGEST_WAIT_S
    while known.known_until < to_sample and grows() and time.monotonic() < until:
        time.sleep(0.05)
        known = sound()
    pcm = from_float(known.read(from_sample, to_sample), "int16").astype("<i2").tobytes()
    return head + pcm[begin - from_sample * frame : end - from_sample * frame]


def _header(sound: Clocked) -> bytes:
    frame, size = sound.samples.channels * 2, wav_size(sound)
    return b"RIFF" + struct.pack(
        "<I4s4sIHHIIHH4sI",
        min(size - 8, 0xFFFFFFFF),
        b"WAVE",
        b"fmt ",
        16,
        1,
        sound.samples.channels,
        sound.rate,
        sound.rate * frame,
        frame,
        16,
        b"data",
        min(size - HEADER_BYTES, 0xFFFFFFFF),
    )
