"""What a lossy codec leaves of a sound, without its delay."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

import numpy as np

from ..audio.samples import resample
from ..errors import MediaError

if TYPE_CHECKING:
    from av import AudioStream

# By codec: FFmpeg's encoder and container, and bit rates for one channel, in kbit/s.
CODECS = {
    "mp3": ("libmp3lame", "mp3", (24, 32, 48, 64, 96)),
    "aac": ("aac", "mp4", (24, 32, 48, 64, 96)),
    "opus": ("libopus", "ogg", (12, 16, 24, 32, 64)),
}
OPUS_RATE = 48000  # to which Opus decodes whatever it is given


def draw_bit_rate(codec: str, rng: np.random.Generator) -> int:
    """In kbit/s, for each channel."""
    return int(rng.choice(CODECS[codec][2]))


def coded(samples: np.ndarray, rate: int, codec: str, kbits: int) -> np.ndarray:
    """Samples, encoded and decoded.

    Args:
        samples: float32, full scale 1.0, shape (n_samples, channels), one or two channels.
        codec: of :data:`CODECS`.
        kbits: the bit rate of a channel, in kbit/s.

    Returns:
        Float32 of the same shape, each sample at its time.

    Raises:
        MediaError: the encoder does not take this rate or number of channels.
    """
    import av

    encoder, container, _ = CODECS[codec]
    n_samples, channels = samples.shape
    layout = {1: "mono", 2: "stereo"}.get(channels)
    if layout is None:
        raise MediaError(f"a sound of {channels} channels: {codec} is made of one or two here")
    work_rate = OPUS_RATE if codec == "opus" else rate
    sound = resample(samples, rate, work_rate).astype(np.float32)
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=container) as out:
            stream = cast("AudioStream", out.add_stream(encoder, rate=work_rate, layout=layout))
            stream.bit_rate = kbits * 1000 * channels
            format_ = "flt" if codec == "opus" else "fltp"
            convert = av.AudioResampler(format=format_, layout=layout, rate=work_rate)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
            frame.sample_rate, frame.pts = work_rate, 0
            for ready in [*convert.resample(frame), *convert.resample(None)]:
                out.mux(stream.encode(ready))
            out.mux(stream.encode())
        file.seek(0)
        with av.open(file, "r") as source:
            convert = av.AudioResampler(format="fltp", layout=layout, rate=work_rate)
            decoded = [*source.decode(audio=0), None]
            parts = [ready.to_ndarray() for each in decoded for ready in convert.resample(each)]
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(
            f"a sound of {rate} Hz and {channels} channels cannot be coded as {codec} ({error})"
        ) from error
    # FFmpeg takes the delay away, but for sound put behind the end to fill the last packet.
    back = resample(np.concatenate(parts, axis=1).T, work_rate, rate)[:n_samples]
    return np.pad(back, ((0, n_samples - len(back)), (0, 0))).astype(np.float32)
