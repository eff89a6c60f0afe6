"""What there is to know of a clip before any of its sound is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import MediaError
from ..media.containers import find_picture, first_sample_s, open_container, start_s
from ..media.sound_reading import Sound, sound_file
from ..timebase import to_seconds

# What browsers play: containers, with the codecs in them.
PLAYED_PICTURES = {"mp4": ("h264", "av1", "vp9"), "webm": ("vp8", "vp9", "av1")}
PLAYED_SOUNDS = {"mp4": ("aac", "mp3", "flac", "opus"), "webm": ("opus", "vorbis"), "ogg": ("opus", "vorbis", "flac"),
                 "mp3": ("mp3",)}  # fmt: skip
PLAYED_FILES = {"WAV": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"), "FLAC": ("PCM_S8", "PCM_16", "PCM_24")}
PLAYED_PIXELS = ("yuv420p", "yuvj420p")
MEDIA_TYPES = {"mp4": "mp4", "webm": "webm", "ogg": "ogg", "mp3": "mpeg"}


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class Facts:
    """
    Attributes:
        duration_s: that a player shows.
        start_s: when a player plays the first sample.
        picture: None of a sound file.
        media_type: as which browsers play the file; "" where they do not.
        sound: where the file's samples are read in place; None where they have to be decoded first.
    """

    duration_s: float
    start_s: float
    rate: int
    channels: int
    picture: Picture | None
    media_type: str
    sound: Sound | None


def read_facts(path: Path) -> Facts:
    """Raises MediaError for what is no sound or video file, or has no sound."""
    import soundfile

    sound = sound_file(path)
    if sound is not None:
        name = soundfile.info(path).format
        played = sound.subtype in PLAYED_FILES.get(name, ())
        media_type = f"audio/{name.lower()}" if played else ""
        return Facts(to_seconds(sound.n_samples, sound.rate), 0.0, sound.rate, sound.channels, None, media_type, sound)
    with open_container(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path.name}: has no sound track")
        track, picture = container.streams.audio[0], find_picture(container)
        if not track.rate or not track.channels:
            raise MediaError(f"{path.name}: its sound track cannot be decoded")
        start = first_sample_s(container) - start_s(container)
        duration_s = (container.duration or 0) / 1e6
        if not duration_s:
            raise MediaError(f"{path.name}: does not say how long it lasts; convert it first, such as to .mp4 or .wav")
        kind = next((kind for kind in MEDIA_TYPES if kind in container.format.name.split(",")), "")
        if kind == "webm" and path.suffix.lower() != ".webm":
            kind = ""  # FFmpeg reads Matroska, which few browsers play, by the same name
        plays = track.codec_context.name in PLAYED_SOUNDS.get(kind, ())
        shape = None
        if picture is not None:
            context = picture.codec_context
            shape = Picture(context.width, context.height, float(picture.average_rate or 25))
            plays &= context.name in PLAYED_PICTURES.get(kind, ()) and context.pix_fmt in PLAYED_PIXELS
        media_type = f"{'video' if shape else 'audio'}/{MEDIA_TYPES[kind]}" if plays else ""
        return Facts(duration_s, round(start, 6), track.rate, track.channels, shape, media_type, None)
