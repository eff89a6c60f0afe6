"""Folders of trained models: weights and statistics in safetensors, the config in JSON; no code."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from .. import __version__
from ..config import StftConfig
from ..config_files import config_from_dict
from ..errors import ConfigError, ModelError
from ..files import read_lines, write_text, written_beside

if TYPE_CHECKING:
    from .aligner import PhoneAligner
    from .corrector import SpectrumCorrector
    from .durations import DurationModel
    from .recognizer import PhoneRecognizer
    from .refiner import SpectrumRefiner
    from .speaker_encoder import SpeakerEncoder
    from .spectrum_inpainter import SpectrumInpainter
    from .tagger import Tagger

    Model = (
        SpectrumInpainter
        | SpectrumRefiner
        | SpectrumCorrector
        | PhoneRecognizer
        | PhoneAligner
        | DurationModel
        | SpeakerEncoder
        | Tagger
    )

FORMAT_VERSION = 2
# Settings that folders of version 1 lack: their models are used with these, whatever the defaults are now.
_SET_1 = {"min_reliable_s": 0.5, "silence_nats": 0.1, "pause_nats": 3.0, "deepest_nats": 4.5, "min_deviation": 0.2}
_TEXT_SCALE = 1.0  # of models with text before it was a setting
_FRAMES_1 = {"loudest_s": 12, "max_pauses_s": 167}  # version 1 counted these in frames
WEIGHTS, DESCRIPTION = "model.safetensors", "config.json"
TRAIN_IDS = "train_ids"  # the utterances that a model was trained on, one a line
VOICES_BY = "voices_by"  # by its weights' digest, the speaker encoder whose vectors a model was trained with
LEXICON = "lexicon.txt"  # the lexicon of a model that was trained on phones
PRETRAINED = Path(__file__).parent.parent / "pretrained"


def save_model(
    folder: str | Path, model: Model, about: Mapping[str, object] | None = None, *, half: bool = False
) -> None:
    """Write a model into a folder, which is made if it is missing.

    Args:
        about: facts for readers, saved with the config.
        half: store the weights (not the statistics) in half precision.
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
    description: dict[str, object] = {
        "format_version": FORMAT_VERSION,
        "avsi_version": __version__,
        "about": dict(about or {}),
        "config": dataclasses.asdict(model.config),
    }
    if model.phones:
        description["phones"] = list(model.phones)
    if made_by := getattr(model, VOICES_BY, ""):
        description[VOICES_BY] = made_by
    with written_beside(folder / WEIGHTS) as partial:
        try:
            save_file(tensors, partial)
            partial.chmod(0o644)  # safetensors lets only the owner read it
        except SafetensorError as error:
            raise ModelError(f"{folder / WEIGHTS}: cannot be written ({error})") from error
    write_text(folder / DESCRIPTION, json.dumps(description, indent=2) + "\n")


@overload
def load_model(name_or_path: str | Path, kind: Literal["inpainter"]) -> SpectrumInpainter: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["recognizer"]) -> PhoneRecognizer: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["aligner"]) -> PhoneAligner: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["durations"]) -> DurationModel: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["refiner"]) -> SpectrumRefiner: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["corrector"]) -> SpectrumCorrector: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["speaker_encoder"]) -> SpeakerEncoder: ...
@overload
def load_model(name_or_path: str | Path, kind: Literal["tagger"]) -> Tagger: ...
@overload
def load_model(name_or_path: str | Path, kind: str | None = None) -> Model: ...
def load_model(name_or_path: str | Path, kind: str | None = None) -> Model:
    """A model in evaluation mode, float32, on the CPU.

    Args:
        name_or_path: a pretrained model's name, as ``avsi info`` lists them, or a folder that training wrote.
        kind: the kind that is needed; "inpainter" accepts any that restores, None any.

    Raises:
        ModelError: no such model, one of another kind, another format, settings that this version does not take, a
        truncated file, or weights that do not fit the config.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from .aligner import PhoneAligner
    from .corrector import SpectrumCorrector
    from .durations import DurationModel
    from .inpainter import BLSTMInpainter
    from .painter import Painter
    from .recognizer import PhoneRecognizer
    from .refiner import SpectrumRefiner
    from .speaker_encoder import SpeakerEncoder
    from .tagger import Tagger

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
        kinds: dict[str, Callable[..., Model]] = {
            "inpainter": BLSTMInpainter,
            "painter": Painter,
            "recognizer": PhoneRecognizer,
            "aligner": PhoneAligner,
            "durations": DurationModel,
            "refiner": SpectrumRefiner,
            "corrector": SpectrumCorrector,
            "speaker_encoder": SpeakerEncoder,
            "tagger": Tagger,
        }
        model = kinds[config.model.kind](config, phones=tuple(description.get("phones", ())))
        tensors = load_file(folder / WEIGHTS)
        model.load_state_dict({name: value.float() for name, value in tensors.items()})
        setattr(model, VOICES_BY, description.get(VOICES_BY, ""))
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{folder}: {WEIGHTS} is damaged or incomplete ({error})") from error
    except RuntimeError as error:
        # torch lists the tensors that do not fit, one a line.
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder}: the weights do not fit the config ({reason})") from error
    serves = config.model.restores if kind == "inpainter" else kind in (None, config.model.kind)
    if not serves:
        raise ModelError(f"{folder}: holds a model of the kind {config.model.kind}, expected {kind}")
    return model.eval()


def read_train_ids(name_or_path: str | Path) -> set[str] | None:
    """The ids of the utterances that a model was trained on, including those in its statistics and those of the model
    that it was initialised from. None if its folder does not list them.
    """
    path = find_model(name_or_path) / TRAIN_IDS
    return set(read_lines(path)) if path.is_file() else None


def start_from(model: Model, name_or_path: str | Path) -> None:
    """Initialise a model with the weights and statistics of a trained one. Raises ModelError if they do not fit, or if
    its inputs were computed with other settings.
    """
    from torch.nn.functional import pad

    kind = model.config.model.kind
    trained = load_model(name_or_path, kind)
    if trained.config.model.kind != kind:
        raise ModelError(f"{name_or_path}: holds a model of the kind {trained.config.model.kind}, expected {kind}")
    asked, found = dataclasses.asdict(model.config), dataclasses.asdict(trained.config)
    for section in ("stft", "visual", "model", *(["normalise"] if model.config.model.normalise == "utterance" else [])):
        for name, value in asked[section].items():
            # A new gate, new text and a new voice start by themselves; what was learned about phones can be left away.
            may_differ = (
                name == "dropout"
                or name.endswith("threshold")
                or (name in ("gate", "text", "voice") and value)
                or (name == "ctc" and not value)
                or (name == "voice_values" and not trained.config.model.voice)
            )
            if found[section][name] != value and not may_differ:
                raise ModelError(
                    f"{name_or_path}: has {section}.{name} {found[section][name]}, but the config asks for {value}"
                )
    one, two = model.config.model, trained.config.model
    both_use_phones = not (one.restores or one.refines) or (one.ctc and two.ctc) or (one.text and two.text)
    if both_use_phones and trained.phones != model.phones:
        raise ModelError(f"{name_or_path}: knows other phones than the lexicon")
    encoders = [getattr(each, VOICES_BY, "") for each in (trained, model)]
    if one.voice and two.voice and encoders[0] != encoders[1]:
        raise ModelError(
            f"{name_or_path}: was trained with voices of the speaker encoder {encoders[0]}, but those of the training "
            f"set are of {encoders[1]}; python -m data_prep.voice_vectors makes others"
        )
    if one.text and not two.text and two.voice:  # which is the last input, and would become that of the text
        raise ModelError(f"{name_or_path}: is told the voice and not what is said; learn these the other way round")
    own, known = model.state_dict(), trained.state_dict()
    if (one.text and not two.text) or (one.voice and not two.voice):  # the last inputs, which at first change nothing
        for name in [name for name in known if name.startswith("blstm.weight_ih_l0")]:
            known[name] = pad(known[name], (0, own[name].shape[1] - known[name].shape[1]))
    model.load_state_dict({name: known.get(name, weights) for name, weights in own.items()})


def check_takes_text(name_or_path: str | Path) -> None:
    """Raise ModelError for anything but a model that restores and is told what is said."""
    model = config_from_dict(read_description(find_model(name_or_path))["config"]).model
    if not (model.restores and model.text):
        raise ModelError(
            f"{name_or_path}: is not told what is said; leave --model out, or give a folder with a model that is "
            "(trained with model.text)"
        )


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model. Raises ModelError, listing the pretrained models, if there is none."""
    # The name of a pretrained model takes precedence over a folder in the working directory.
    names = pretrained_names()
    folder = PRETRAINED / name_or_path if str(name_or_path) in names else Path(name_or_path)
    if (folder / DESCRIPTION).is_file():
        return folder
    known = ", ".join(names) or "none"
    raise ModelError(f"{name_or_path}: neither a folder with a trained model nor a pretrained one ({known})")


def pretrained_names() -> list[str]:
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{DESCRIPTION}"))


def size_mb(folder: Path) -> float:
    """The size of all files in a model's folder."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def read_description(folder: Path) -> dict:
    """A model's description: its ``config``, and optionally ``about`` and ``phones``. Settings that earlier
    versions lack are added.

    Raises:
        ModelError: a file that cannot be read, or one of these entries missing or malformed.
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
        except (TypeError, ZeroDivisionError):  # config_from_dict reports what is wrong
            seconds = {}
        description["config"]["normalise"] = _SET_1 | seconds
    model = description["config"].get("model")
    if isinstance(model, dict) and model.get("kind", "inpainter") == "inpainter" and model.get("text"):
        model.setdefault("text_scale", _TEXT_SCALE)
    return description
