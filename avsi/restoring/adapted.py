"""What a model was adapted to and what that gained; adapted models in the user's cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from ..config import StftConfig
from ..errors import AvsiError, AvsiWarning, ModelError
from ..files import write_text
from ..folders import folder_beside
from ..models.normalised import NormalisedModel
from ..models.spectrum_inpainter import SpectrumInpainter
from ..models.store import find_model, load_model, read_description, save_model
from .reliable import timbre_of

ABOUT = "adapted"  # the entry of a model's description that holds these facts
FACTS = "adapted.json"  # in a folder of the cache, which holds a model too where the adapted one is used
MOST_CACHED = 20  # models, of which the one used longest ago goes first
# By 3 s of the same speaker at the same microphone, voices differed by up to 4.1 dB (GRID, speechocean762); by those of
# others in one studio by 2 to 5 dB, and by 5 to 13 dB in other places.
OTHER_VOICE_DB = 4.5


@dataclasses.dataclass(frozen=True)
class Adaptation:
    """What a model was adapted to, and what that gained; as text, in words for users.

    Attributes:
        recordings: their names.
        speech_s: seconds of speech in them, outside the gaps and without pauses, that the model was adapted to.
        held_out_s: seconds of sound, of these, that only told whether the model became better.
        loss_before, loss_after: of the start model and the adapted one, in artificial gaps of that sound.
        stoi_before, stoi_after: likewise, the mean short-time intelligibility, up to 1.
        kept: whether the adapted model was the better one; otherwise the start model is used.
        of: which model of an inpainter was adapted: "model", or "audio_only" where the recordings show no face.
        start: digest of the weights it began as.
        voice: the mean level of speech in third-octave bands, in dB above the mean of the bands.
    """

    recordings: list[str]
    speech_s: float
    held_out_s: float
    loss_before: float
    loss_after: float
    stoi_before: float
    stoi_after: float
    kept: bool
    of: str
    start: str
    voice: list[float]

    def __str__(self) -> str:
        heard = f"{listed(self.recordings)}: {self.speech_s:.0f} s of speech"
        figures = (
            f"STOI {self.stoi_before:.3f} before, {self.stoi_after:.3f} after, error "
            f"{self.loss_before:.3f} before, {self.loss_after:.3f} after, in gaps cut into {self.held_out_s:.0f} s "
            "that were held out"
        )
        if self.kept:
            return f"adapted to {heard} ({figures})"
        return f"not adapted to {heard}, since the model did not become better in both ({figures}); it stays as it was"


def listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def adaptation_of(name_or_path: str | Path) -> Adaptation | None:
    """What a model in a folder was adapted to, if it was. Raises ModelError where that is malformed."""
    folder = find_model(name_or_path)
    facts = read_description(folder).get("about", {}).get(ABOUT)
    try:
        return Adaptation(**facts) if facts is not None else None
    except TypeError as error:
        raise ModelError(f"{folder}: does not say what it was adapted to as this version would ({error})") from error


def check_voice(adaptation: Adaptation, log_spectra: list[torch.Tensor], stft: StftConfig) -> None:
    """Warn where a recording sounds unlike those that a model was adapted to; not where it stayed as it was.

    Args:
        log_spectra: natural log magnitude of its reliable frames, each of shape (n_frames, n_bins).
    """
    if not adaptation.kept:
        return
    apart_db = float(np.sqrt(np.mean((timbre_of(log_spectra, stft) - np.array(adaptation.voice)) ** 2)))
    if apart_db > OTHER_VOICE_DB:
        warnings.warn(
            f"the model was adapted to {listed(adaptation.recordings)}, which this recording does not sound like "
            f"({apart_db:.1f} dB apart in third-octave bands); for another speaker or microphone, take the model as it "
            "was before",
            AvsiWarning,
            stacklevel=3,
        )


def weights_digest(models: Iterable[object]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the networks' weights, statistics and settings."""
    summed = hashlib.sha256()
    for model in models:
        if isinstance(model, NormalisedModel):
            summed.update(json.dumps(dataclasses.asdict(model.config), sort_keys=True).encode())
            for name, tensor in sorted(model.state_dict().items()):
                summed.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return summed.hexdigest()[:16]


def read_cached(folder: Path) -> tuple[Adaptation, SpectrumInpainter | None] | None:
    """(facts, the adapted model or None where the start model is used); None where the cache holds nothing whole."""
    try:
        adaptation = Adaptation(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
        model = load_model(folder, "inpainter") if adaptation.kept else None
        os.utime(folder)
    except (AvsiError, OSError, ValueError, TypeError):
        return None
    return adaptation, model


def write_cached(folder: Path, adaptation: Adaptation, model: SpectrumInpainter | None) -> None:
    """Put a result into the cache. Where that cannot be written into, a warning says so."""
    try:
        shutil.rmtree(folder, ignore_errors=True)  # there may be a damaged one
        with folder_beside(folder) as partial:
            if model is not None:
                save_model(partial, model, {ABOUT: dataclasses.asdict(adaptation)})
            write_text(partial / FACTS, json.dumps(dataclasses.asdict(adaptation), indent=2) + "\n")
        kept = sorted(folder.parent.glob(f"*/{FACTS}"), key=lambda path: path.parent.stat().st_mtime)
        for old in kept[:-MOST_CACHED]:
            shutil.rmtree(old.parent, ignore_errors=True)
    except (AvsiError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        warnings.warn(
            f"{folder.parent}: the adapted model cannot be kept there for a next time ({reason}); the environment "
            "variable AVSI_CACHE names another folder",
            AvsiWarning,
            stacklevel=2,
        )
