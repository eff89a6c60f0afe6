"""What there is to know of a clip before any of its sound is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MediaError
from ..media.containers import decoded_frames, find_picture, first_sample_s, open_container, start_s
from ..media.sound_reading import Sound, sound_file
from ..timebase import to_seconds

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer

# What browsers play: containers, with the codecs in them.
PLAYED_PICTURES = {"mp4": ("h264", "av1", "vp9"), "webm": ("vp8", "vp9", "av1")}
PLAYED_SOUNDS = {"mp4": ("aac", "mp3", "flac", "opus"), "webm": ("opus", "vorbis"), "ogg": ("opus", "vorbis", "flac"),
                 "mp3": ("mp3",)}  # fmt: skip
PLAYED_FILES = {"WAV": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"), "FLAC": ("PCM_S8", "PCM_16", "PCM_24")}
PLAYED_PIXELS = ("yuv420p", "yuvj420p")
# FFmpeg's formats of which a file holds all. Others, such as playlists, name further files, which would be opened.
WHOLE = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,asf,flv,ogg,mp3,aac,flac,wav,w64,aiff,au,caf,"
    "ac3,eac3,amr,dts,ape,wv,tta,voc,dv,mxf,nut,rm,h264,hevc"
)
LATE_S = 0.01  # from which on browsers, which show the file's own times, are not in step with players
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
    _check_whole(path)
    with open_container(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path}: has no sound track")
        track, picture = container.streams.audio[0], find_picture(container)
        if not track.rate or not track.channels:
            raise MediaError(f"{path}: its sound track cannot be decoded")
        start = first_sample_s(container) - start_s(container)
        duration_s = (container.duration or 0) / 1e6
        if not duration_s:
            raise MediaError(f"{path}: does not say how long it lasts; convert it first, such as to .mp4 or .wav")
        kind = next((kind for kind in MEDIA_TYPES if kind in container.format.name.split(",")), "")
        if kind == "webm" and path.suffix.lower() != ".webm":
            kind = ""  # FFmpeg reads Matroska, which few browsers play, by the same name
        # An MP3 file has no times: it is said to start where its encoder's padding ends, which browsers leave out, too.
        in_step = abs(start_s(container)) <= LATE_S or kind == "mp3"
        plays = track.codec_context.codec.canonical_name in PLAYED_SOUNDS.get(kind, ()) and in_step
        shape = None
        if picture is not None:
            context = picture.codec_context
            turned = _is_turned(container, picture)
            size = (context.height, context.width) if turned else (context.width, context.height)
            shape = Picture(*size, float(picture.average_rate or 25))
            plays &= context.codec.canonical_name in PLAYED_PICTURES.get(kind, ()) and context.pix_fmt in PLAYED_PIXELS
        media_type = f"{'video' if shape else 'audio'}/{MEDIA_TYPES[kind]}" if plays else ""
        return Facts(duration_s, round(start, 6), track.rate, track.channels, shape, media_type, None)


def _check_whole(path: Path) -> None:
    import av

    try:
        with av.open(str(path), options={"format_whitelist": WHOLE}):
            pass
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: not a sound or video file, or of a kind that the studio does not open") from error


def _is_turned(container: InputContainer, picture: VideoStream) -> bool:
    """Whether players turn the pictures by a quarter, as those of phones held upright."""
    frame = next(decoded_frames(container, picture), None)
    return frame is not None and frame.rotation % 180 != 0
