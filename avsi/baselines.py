"""What a user would try without a trained model, behind the same method as the models'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .config import Config, ModelConfig


class SpectralInterpolation:
    """Linear interpolation over time, bin by bin, of the log spectrum between the reliable frames around each gap."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = replace(config or Config(), model=ModelConfig(video=False))

    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """As :meth:`avsi.models.inpainter.BLSTMInpainter.restore_spectrum`; beyond the first and last reliable frame,
        held.
        """
        frames = np.arange(len(lost))
        reliable = frames[~lost.numpy()]
        columns = log_spectrum[:, reliable].numpy()
        restored = [[np.interp(frames, reliable, bin_) for bin_ in channel.T] for channel in columns]
        return torch.from_numpy(np.array(restored, dtype=np.float32)).transpose(1, 2)
