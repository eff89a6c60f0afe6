"""One recording -> its utterances, with their sound at 16 kHz."""

import hashlib
import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avsi.config import StftConfig
from avsi.data.datadir import Utterance
from avsi.errors import AvsiWarning, MediaError
from avsi.media.sound_reading import Sound, open_sound
from avsi.media.sound_writing import write_wav
from avsi.media.video_reading import has_picture
from avsi.timebase import to_samples, to_seconds

from ..prepared import Remarks
from .pauses import Lengths, cut
from .recording import Recording
from .transcripts import fitting

BLOCK_S = 60
TAKEN = (".wav", ".flac")  # used where they lie if they have the right rate and one channel


class Prepared(NamedTuple):
    """What became of a recording; ``duration_s`` is that of all of it."""

    utterances: list[Utterance]
    left_out: Remarks
    notes: Remarks
    duration_s: float = 0.0


def prepare(recording: Recording, wav_folder: Path, lengths: Lengths) -> Prepared:
    """Cut a recording into utterances, or take it as it is, and write their sound as 16 kHz WAV."""
    rate = StftConfig().sample_rate
    notes: Remarks = []
    with warnings.catch_warnings(record=True, action="always", category=AvsiWarning) as caught:
        try:
            video, note = _picture(recording)
            with open_sound(recording.sound) as sound:
                notes += [(recording.id, text) for text in (note, _cut_short(recording.sound)) if text]
                take = _take_as_it_is if recording.as_it_is else _cut
                prepared = take(recording, sound, video, wav_folder / recording.speaker, rate, lengths)
        except MediaError as error:
            prepared = Prepared([], [(recording.id, str(error))], [])
    notes += [(recording.id, str(warning.message)) for warning in caught]
    return prepared._replace(notes=notes + prepared.notes)


def _cut(recording: Recording, sound: Sound, video: str | None, folder: Path, rate: int, lengths: Lengths) -> Prepared:
    duration_s = to_seconds(sound.n_samples, sound.rate)
    if duration_s < lengths.min_s:
        return Prepared([], [(recording.id, _too_short(duration_s, lengths))], [], duration_s)
    samples = _mono(sound, rate)
    pieces = cut(samples, rate, lengths)
    if not pieces:
        return Prepared([], [(recording.id, f"is silent for all of its {duration_s:.2f} s")], [], duration_s)
    words, note = fitting(recording.words, duration_s)
    note = note or recording.transcript_note
    if words and len(pieces) > 1:
        words, note = (), f"transcript not used: it cannot be divided among {len(pieces)} utterances"
    utterances, left_out = [], []
    for number, piece in enumerate(pieces, start=1):
        id_, length_s = f"{recording.id}-{number:04d}", to_seconds(piece.stop - piece.start, rate)
        if length_s < lengths.min_s:
            left_out.append((id_, _too_short(length_s, lengths)))
        elif piece.is_almost_silent(rate):
            left_out.append((id_, f"is almost silent: only {piece.sounding_s:.2f} of its {length_s:.2f} s sound"))
        else:
            wav = _write(folder, id_, recording.sound, piece.start, samples[piece.start : piece.stop], rate)
            start_s = to_seconds(piece.start, rate)
            utterances.append(_utterance(recording, id_, wav, length_s, words, video, start_s))
    return Prepared(utterances, left_out, [(recording.id, note)] if note else [], duration_s)


def _mono(sound: Sound, rate: int) -> np.ndarray:
    """As ``sound.mono``, minute by minute: an hour takes a tenth of the memory."""
    block, around = BLOCK_S * sound.rate, sound.rate  # a second around is more than resampling looks at
    parts = []
    for start in range(0, sound.n_samples, block):
        before = min(start, around)
        part = sound.mono(rate, start - before, min(start + block + around, sound.n_samples))
        parts.append(part[before * rate // sound.rate :][: BLOCK_S * rate])
    return np.concatenate(parts)


def _too_short(length_s: float, lengths: Lengths) -> str:
    return f"lasts {length_s:.3f} s, less than --min-s {lengths.min_s:g}"


def _take_as_it_is(
    recording: Recording, sound: Sound, video: str | None, folder: Path, rate: int, lengths: Lengths
) -> Prepared:
    duration_s = to_seconds(sound.n_samples, sound.rate)
    start, stop = 0, sound.n_samples
    if recording.span_s:
        start, stop = (to_samples(time_s, sound.rate) for time_s in recording.span_s)
        if start >= sound.n_samples:
            reason = f"its segment begins at {recording.span_s[0]:g} s, the recording ends after {duration_s:.2f} s"
            return Prepared([], [(recording.id, reason)], [])
        if stop > sound.n_samples + sound.rate // 10:  # less is rounding
            reason = f"its segment ends at {recording.span_s[1]:g} s, the recording after {duration_s:.2f} s"
            return Prepared([], [(recording.id, reason)], [])
    samples = sound.mono(rate, start, stop)
    if not samples.any():
        return Prepared([], [(recording.id, f"is silent for all of its {to_seconds(len(samples), rate):.2f} s")], [])
    wav = recording.sound
    lies_there = sound.path == wav and wav.suffix.lower() in TAKEN and (sound.rate, sound.channels) == (rate, 1)
    if recording.span_s or not lies_there:
        wav = _write(folder, recording.id, recording.sound, start, samples, rate)
    length_s = to_seconds(len(samples), rate)
    words, note = fitting(recording.words, length_s)
    utterance = _utterance(recording, recording.id, wav, length_s, words, video, to_seconds(start, sound.rate))
    return Prepared([utterance], [], [(recording.id, note)] if note else [], length_s)


def _write(folder: Path, id_: str, source: Path, start: int, samples: np.ndarray, rate: int) -> Path:
    """Write what begins at a sample of a file, under a name that no other content has: data directories may hold it."""
    folder.mkdir(parents=True, exist_ok=True)
    there = source.stat()
    content = f"{source}\n{there.st_size} {there.st_mtime_ns} {start} {len(samples)}"
    path = folder / f"{id_}.{hashlib.sha256(content.encode()).hexdigest()[:8]}.wav"
    write_wav(path, samples, rate)
    return path


def _utterance(
    recording: Recording, id_: str, wav: Path, duration_s: float, words: tuple[str, ...], video: str | None, at_s: float
) -> Utterance:
    """An utterance that begins ``at_s`` in the recording. What is heard late is seen earlier in the video."""
    start_s = recording.video_start_s + at_s - recording.late_s if video else 0.0
    return Utterance(id_, recording.speaker, str(wav), duration_s, words, video, video_start_s=start_s)


def _picture(recording: Recording) -> tuple[str | None, str]:
    """(video, "") of a recording, or (None, why its video shows nothing); (None, "") without a video."""
    if recording.video is None:
        return None, ""
    try:
        if has_picture(recording.video):
            return str(recording.video), ""
        return None, f"{recording.video} has no picture; only its sound is used"
    except MediaError as error:
        if recording.video == recording.sound:
            raise
        return None, f"video not used: {error}"


def _cut_short(path: Path) -> str:
    """A remark on a WAV file that holds less than its header says; "" on any other file."""
    with path.open("rb") as file:
        kind, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    # A program that writes into a pipe knows no size; it says 0 or the largest.
    if (kind, form) != (b"RIFF", b"WAVE") or size + 8 <= path.stat().st_size or size >= 0xFFFFFF00:
        return ""
    return f"{path} is cut short: its header says {size + 8} bytes, it has {path.stat().st_size}; what is there is used"
