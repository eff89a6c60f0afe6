"""Small models that take voices, and speaker encoders for them, none of them trained."""

import shutil
from pathlib import Path

import torch
from conftest import small_config

from avsi.config import SpeakerEncoderConfig
from avsi.files import digest
from avsi.models import store
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.speaker_encoder import SpeakerEncoder
from avsi.models.store import WEIGHTS, save_model

N_VALUES = 8
TOLD = {"video": False, "voice": True, "voice_values": N_VALUES}


def make_models(folder: Path) -> Path:
    """``encoder`` and ``other_encoder``; ``plain``, which is told no voice, and ``told`` and ``seeing`` (which needs a
    face), which are told those of the first encoder, and heed them.
    """
    settings = {"model": {"values": N_VALUES, "hidden": 8, "mels": 8}, "training": {"batch_size": 8}}
    for seed, name in enumerate(("encoder", "other_encoder")):
        torch.manual_seed(seed)
        save_model(folder / name, SpeakerEncoder(small_config(SpeakerEncoderConfig, **settings)).eval())
    torch.manual_seed(3)
    save_model(folder / "plain", BLSTMInpainter(small_config(model={"video": False})))
    for name, video in (("told", False), ("seeing", True)):
        model = BLSTMInpainter(small_config(model=TOLD | {"video": video}))
        heed_voices(model)
        model.voices_by = digest(folder / "encoder" / WEIGHTS)
        save_model(folder / name, model)
    return folder


def heed_voices(model: BLSTMInpainter) -> None:
    """Let the voice, which is the last input, weigh as much as all others together."""
    for name in ("weight_ih_l0", "weight_ih_l0_reverse"):
        torch.nn.init.normal_(getattr(model.blstm, name)[:, -N_VALUES - 1 : -1])


def ship(encoder: Path, folder: Path, monkeypatch) -> None:
    """Have an encoder in the place of the one that is shipped."""
    folder.mkdir()
    for each in store.PRETRAINED.iterdir():
        if each.is_dir() and each.name != "speaker_encoder":
            (folder / each.name).symlink_to(each)
    shutil.copytree(encoder, folder / "speaker_encoder")
    monkeypatch.setattr(store, "PRETRAINED", folder)
