"""Where there is speech and where a pause, told by level."""

import torch
from torch import Tensor

from ..config import NormaliseConfig, StftConfig
from ..timebase import to_frames


def level_below_speech(
    level: Tensor, reliable: Tensor, stft: StftConfig, limits: NormaliseConfig, floor: float
) -> Tensor:
    """How far each frame's level lies below that of speech, which is that of the softest of the loudest frames.

    Args:
        level: mean natural log magnitude, shape (batch, n_frames).
        reliable: bool, same shape: the frames that count.
        floor: the level that the others are given.

    Returns:
        Nats, same shape; 0 for frames that do not count.
    """
    n_loudest = min(to_frames(limits.loudest_s, stft), level.shape[1])
    loud = level.masked_fill(~reliable, floor).topk(n_loudest, dim=1).values[:, -1:]
    return (loud - level).masked_fill(~reliable, 0)


def is_speech(log_spectrum: Tensor, stft: StftConfig, limits: NormaliseConfig) -> Tensor:
    """The frames of an undamaged recording that are no pause, shape (n_frames,), bool.

    Args:
        log_spectrum: natural log magnitude, shape (n_frames, n_bins).
    """
    level = log_spectrum.mean(dim=-1)[None]
    everywhere = torch.ones_like(level, dtype=torch.bool)
    return level_below_speech(level, everywhere, stft, limits, 0.0)[0] <= limits.pause_nats
