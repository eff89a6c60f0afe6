"""The models that a page may choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..config_files import config_from_dict
from ..errors import ModelError
from ..models.store import find_model, pretrained_names, read_description


@dataclass(frozen=True)
class Model:
    name: str
    about: str
    takes_face: bool
    takes_words: bool
    takes_voice: bool

    def told(self) -> dict[str, Any]:
        return asdict(self)


def models_to_choose(own: Sequence[str] = ()) -> dict[str, Model]:
    """By their names, the pretrained models that restore, after those that the user named.

    Raises:
        ModelError: a model of the user's that is not there, or restores nothing.
    """
    models = {}
    for name in (*own, *(name for name in pretrained_names() if name not in own)):
        description = read_description(find_model(name))
        parts = config_from_dict(description["config"]).model
        if not parts.restores:
            if name in own:
                raise ModelError(f"{name}: is a model of the kind {parts.kind}, which restores nothing")
            continue
        takes = {"sound": parts.audio, "face": parts.video, "words": parts.text, "voice": parts.voice}
        heard = " and ".join(what for what, used in takes.items() if used)
        trained_on = description["about"].get("trained_on", "")
        about = f"from {heard}" + (f"; trained on {trained_on}" if trained_on else "")
        models[name] = Model(name, about, parts.video, parts.text, parts.voice)
    return models
