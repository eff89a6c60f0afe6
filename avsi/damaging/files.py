"""One recording in, one damaged recording out, and a list of what is damaged."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from ..audio.samples import from_float, to_float
from ..config import NormaliseConfig, StftConfig
from ..data.damage import Damage
from ..errors import AvsiWarning, ConfigError, DataError
from ..files import write_text
from ..media.sound_reading import open_sound
from ..media.video_reading import has_picture
from ..restoring.recordings import output_picture, write_restored
from ..rng import generator
from ..timebase import to_samples
from .clips import damage_stretches
from .coding import coded, draw_bit_rate


def damage_file(
    path: Path,
    out: Path,
    truth: Path,
    kinds: Sequence[str],
    seed: int = 0,
    codec: str | None = None,
    kbits: int | None = None,
    from_first_sample: bool = False,
    channel: int | None = None,
) -> list[Damage]:
    """Damage a recording in its speech, as :func:`.clips.damage_clip`. It is held in memory.

    Args:
        out: as of :func:`avsi.inpaint_file`.
        truth: where the labels go: lines of start, end and kind.
        codec: of :data:`.CODECS`, by which all of the sound is then encoded and decoded.
        kbits: by default drawn.
        from_first_sample: times count from the first sample; else they are those that a player of ``out`` shows.
        channel: which one is damaged, from 0 on; None for all alike.

    Returns:
        What was damaged.

    Raises:
        MediaError: a file that cannot be read or written, or a sound that the codec does not take.
        DataError: there is no room for any of the damage.
        ConfigError: there is no such channel.
    """
    with open_sound(path) as sound:
        if channel is not None and not 0 <= channel < sound.channels:
            raise ConfigError(f"{path}: has no channel {channel + 1}, but {sound.channels}")
        video = path if sound.path != path and has_picture(path) else None
        picture, out_start_s = output_picture(out, path, sound, video)
        original = sound.read()
        samples = to_float(original).astype(np.float32)
        rng = generator(seed, "damage")
        made, stretches = damage_stretches(samples, sound.rate, kinds, rng, speech_in(samples, sound.rate))
        found = sorted(replace(each, channel=channel) for each in chain(*stretches))
        if not found:
            raise DataError(f"{path}: lasts {len(samples) / sound.rate:.2f} s, too short for this damage")
        if len(stretches) < len(kinds):
            told = f"has room for {len(stretches)} of {len(kinds)} stretches"
            warnings.warn(f"{path}: {told}", AvsiWarning, stacklevel=2)
        if codec:
            made = coded(_in_channel(samples, made, channel), sound.rate, codec, kbits or draw_bit_rate(codec, rng))
            patches = [(0, from_float(made, sound.dtype))]
        else:
            spans = [(to_samples(each.start_s, sound.rate), to_samples(each.end_s, sound.rate)) for each in found]
            patches = [
                (start, _in_channel(original[start:stop], from_float(made[start:stop], sound.dtype), channel))
                for start, stop in spans
            ]
        write_restored(sound, patches, out, picture, out_start_s, "damage")
    later_s = 0.0 if from_first_sample else out_start_s
    found = [replace(each, start_s=each.start_s + later_s, end_s=each.end_s + later_s) for each in found]
    write_text(truth, "".join(f"{each.start_s:.6f}\t{each.end_s:.6f}\t{each.label}\n" for each in found))
    return found


def _in_channel(samples: np.ndarray, damaged: np.ndarray, channel: int | None) -> np.ndarray:
    """Samples of shape (n_samples, channels) of which one channel alone is damaged; None: all."""
    if channel is None:
        return damaged
    made = samples.copy()
    made[:, channel] = damaged[:, channel]
    return made


def speech_in(samples: np.ndarray, rate: int) -> np.ndarray:
    """Which frames of a recording, of shape (n_samples, channels), are speech; bool, shape (n_frames,)."""
    import torch

    from ..audio.activity import is_speech
    from ..audio.samples import resample
    from ..audio.stft import log_magnitude, spectrum

    stft = StftConfig()
    mono = torch.from_numpy(resample(samples.mean(axis=1), rate, stft.sample_rate).astype(np.float32))
    return is_speech(log_magnitude(spectrum(mono, stft), stft), stft, NormaliseConfig()).numpy()
