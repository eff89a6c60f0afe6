"""Recordings that tests adapt models to, and small models that adapt quickly."""

from dataclasses import replace

import numpy as np
import torch
from conftest import face, mouth_opening, small_config, speech

from avsi.config import AdaptConfig
from avsi.data.gaps import Gap
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring.inpainting import Inpainter
from avsi.video.tracks import Tracks

LENGTH_S = 16.0
GAPS = [Gap(4.0, 4.5), Gap(9.2, 9.8)]
QUICK = AdaptConfig(steps=4, learning_rate=1e-3, min_speech_s=5.0, batch_size=2, max_sound_s=60.0)


def recording(seed: int = 0, length_s: float = LENGTH_S) -> np.ndarray:
    return speech(seed, length_s)


def small_inpainter(**sections) -> Inpainter:
    torch.manual_seed(0)
    sections = {"model": {"video": False, "normalise": "utterance"}, **sections}
    return Inpainter(BLSTMInpainter(small_config(**sections)).eval())


def tracks_of(length_s: float = LENGTH_S, moving: bool = True) -> Tracks:
    time_s = np.arange(round(length_s * 25)) / 25
    return face(mouth_opening(0, time_s) * moving, time_s)


def weights(inpainter: Inpainter) -> dict[str, torch.Tensor]:
    return inpainter.model.state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one | other)


def better_model(folder) -> str:
    """A small model's folder whose own settings for adaptation make it better quickly."""
    config = small_config(model={"video": False, "normalise": "utterance"})
    config.adapt = replace(QUICK, steps=20, learning_rate=1e-2)
    torch.manual_seed(0)
    save_model(folder, BLSTMInpainter(config), {"trained_on": "nothing"})
    return str(folder)
