"""Trained models on disk: weights and statistics in safetensors, the config in JSON; no code."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..config import StftConfig
from ..config_files import config_from_dict
from ..errors import ConfigError, ModelError
from ..files import read_lines, write_text, written_beside

if TYPE_CHECKING:
    from .inpainter import BLSTMInpainter
    from .recognizer import PhoneRecognizer

    Model = BLSTMInpainter | PhoneRecognizer

FORMAT_VERSION = 2
# What a folder of version 1 does not say: its models are heard as they were, whatever the defaults are now.
_NORMALISE_1 = {
    "min_reliable_s": 0.5,
    "silence_nats": 0.1,
    "pause_nats": 3.0,
    "deepest_nats": 4.5,
    "min_deviation": 0.2,
}
_FRAMES_1 = {"loudest_s": 12, "max_pauses_s": 167}  # it counted frames, however long they were
WEIGHTS, DESCRIPTION = "model.safetensors", "config.json"
TRAIN_IDS = "train_ids"  # the utterances a model learnt anything from, one a line
LEXICON = "lexicon.txt"  # how its words are pronounced, where phones were learnt
PRETRAINED = Path(__file__).parent.parent / "pretrained"


def save_model(folder: str | Path, model: Model, half: bool = False, **about: object) -> None:
    """Write a model into a folder, which is made.

    Args:
        half: store the weights (not the statistics) in half precision.
        about: facts for people, kept beside the config.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    trained = {name for name, _ in model.named_parameters()}
    tensors = {
        name: (value.half() if half and name in trained else value).detach().cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    description = {
        "format_version": FORMAT_VERSION,
        "avsi_version": __version__,
        "about": about,
        "config": dataclasses.asdict(model.config),
    }
    if model.phones:
        description["phones"] = list(model.phones)
    with written_beside(folder / WEIGHTS) as partial:
        try:
            save_file(tensors, partial)
            partial.chmod(0o644)  # safetensors shuts out all others
        except SafetensorError as error:
            raise ModelError(f"{folder / WEIGHTS}: cannot be written ({error})") from error
    write_text(folder / DESCRIPTION, json.dumps(description, indent=2) + "\n")


def load_model(name_or_path: str | Path, kind: str | None = None) -> Model:
    """A model in evaluation mode, float32, on the CPU.

    Args:
        name_or_path: a pretrained model's name, as ``avsi info`` lists them, or a folder that training wrote.
        kind: "inpainter" or "recognizer", where only that will do.

    Raises:
        ModelError: no such model, one of another kind, another format, settings that this version does not take, a
        truncated file, or weights that do not fit the config.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = find_model(name_or_path)
    description = read_description(folder)
    written = f"it was written by avsi {description.get('avsi_version', 'unknown')}, this is {__version__}"
    if description.get("format_version") not in range(1, FORMAT_VERSION + 1):
        raise ModelError(
            f"{folder}: format version {description.get('format_version')}, expected 1 to {FORMAT_VERSION}; {written}"
        )
    try:
        config = config_from_dict(description["config"])
    except ConfigError as error:
        raise ModelError(
            f"{folder / DESCRIPTION}: this version refuses a setting or does not know it ({error}); {written}"
        ) from error
    try:
        model = _class_of(config.model.kind)(config, phones=tuple(description.get("phones", ())))
        tensors = load_file(folder / WEIGHTS)
        model.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{folder}: {WEIGHTS} is damaged or incomplete ({error})") from error
    except RuntimeError as error:
        # torch names each tensor that does not fit on a line of its own.
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder}: the weights do not fit the config ({reason})") from error
    if kind not in (None, config.model.kind):
        raise ModelError(f"{folder}: holds a model of the kind {config.model.kind}, expected {kind}")
    return model.eval()


def _class_of(kind: str) -> type[Model]:
    """Raises KeyError for a kind that is not known."""
    # Imported here: what a folder holds can be told without torch.
    from .inpainter import BLSTMInpainter
    from .recognizer import PhoneRecognizer

    return {"inpainter": BLSTMInpainter, "recognizer": PhoneRecognizer}[kind]


def learnt_from(name_or_path: str | Path) -> set[str] | None:
    """The ids of the utterances that a model has met in any way: it was trained or normalised by them, or began as a
    model that was. None where that is not listed.
    """
    path = find_model(name_or_path) / TRAIN_IDS
    return set(read_lines(path)) if path.is_file() else None


def start_from(model: Model, name_or_path: str | Path) -> None:
    """Give a model the weights and statistics of a trained one. Raises ModelError where they do not fit, or were learnt
    with other inputs.
    """
    trained = load_model(name_or_path, model.config.model.kind)
    here, there = (dataclasses.replace(each.config.model, dropout=0.0) for each in (model, trained))
    sections = [
        ("stft", model.config.stft, trained.config.stft),
        ("visual", model.config.visual, trained.config.visual),
        ("model", here, there),
    ]
    if here.normalise == "utterance":
        sections.append(("normalise", model.config.normalise, trained.config.normalise))
    for section, one, two in sections:
        for name, value in dataclasses.asdict(one).items():
            if (found := getattr(two, name)) != value:
                raise ModelError(f"{name_or_path}: has {section}.{name} {found}, but the config asks for {value}")
    if trained.phones != model.phones:
        raise ModelError(f"{name_or_path}: knows other phones than the lexicon")
    model.load_state_dict(trained.state_dict())


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model. Raises ModelError, naming the pretrained ones, where there is none."""
    # A bare name is a pretrained model's, whatever lies in the working directory.
    names = pretrained_names()
    folder = PRETRAINED / name_or_path if str(name_or_path) in names else Path(name_or_path)
    if (folder / DESCRIPTION).is_file():
        return folder
    known = ", ".join(names) or "none"
    raise ModelError(f"{name_or_path}: neither a folder with a trained model nor a pretrained one ({known})")


def pretrained_names() -> list[str]:
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{DESCRIPTION}"))


def size_mb(folder: Path) -> float:
    """Of all files of a model to be shipped."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def read_description(folder: Path) -> dict:
    """What a model's folder says of it: its ``config``, and maybe ``about`` and ``phones``; completed where an older
    version did not say it yet.

    Raises:
        ModelError: a file that cannot be read, or in which one of these is missing or something else.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / DESCRIPTION}: cannot be read ({error})") from error
    if not isinstance(description, dict):
        raise ModelError(f"{folder / DESCRIPTION}: not a model's description")
    phones = description.get("phones", [])
    for key, fits, expected in (
        ("config", isinstance(description.get("config"), dict), "settings by section"),
        ("about", isinstance(description.get("about", {}), dict), "facts by name"),
        ("phones", isinstance(phones, list) and all(isinstance(phone, str) for phone in phones), "a list of names"),
    ):
        if not fits:
            found = str(description[key])[:40] if key in description else "nothing"
            raise ModelError(f"{folder / DESCRIPTION}: {key}: expected {expected}, found {found}")
    if description.get("format_version") == 1:
        try:
            stft = dataclasses.asdict(StftConfig()) | (description["config"].get("stft") or {})
            seconds = {name: count * stft["hop_samples"] / stft["sample_rate"] for name, count in _FRAMES_1.items()}
        except (TypeError, ZeroDivisionError):  # config_from_dict tells what is wrong with it
            seconds = {}
        description["config"]["normalise"] = _NORMALISE_1 | seconds
    return description
