"""Configs read from YAML files and ``--set key=value``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .config import MODELS, Config, ModelConfig
from .config_checks import check_config
from .errors import ConfigError

if TYPE_CHECKING:
    from omegaconf.errors import OmegaConfBaseException

# Values that earlier versions wrote, and what they are called now.
_EARLIER = {("training", "cache"): {True: "memory", False: "none"}}
# What is said of a setting's type, by OmegaConf's node for it.
_TYPES = {
    "IntegerNode": "a whole number",
    "FloatNode": "a number",
    "BooleanNode": "true or false",
    "StringNode": "a text",
}


def load_config(paths: Sequence[str | Path] = (), overrides: Sequence[str] = (), start: Config | None = None) -> Config:
    """The defaults, or ``start``, overridden by YAML files, one after the other, and then by ``key=value`` strings.

    A YAML file may name another one to start from, relative to itself: ``base: base.yaml``.

    Raises:
        ConfigError: a file that is not there, a key that does not exist, a value of the wrong type or range.
    """
    layers = [layer for path in paths for layer in _yaml_layers(Path(path))]
    config = _checked(start or Config(), [*layers, *(("--set", _parsed(override)) for override in overrides)])
    # Models that were trained so are restored with all the same.
    if config.gaps.total_mean_ms > config.gaps.total_max_ms:
        raise ConfigError(
            f"gaps.total_mean_ms: {config.gaps.total_mean_ms:g} must be at most {config.gaps.total_max_ms:g}, which is "
            "gaps.total_max_ms"
        )
    return config


def config_from_dict(values: object) -> Config:
    """The inverse of ``dataclasses.asdict``. Raises ConfigError on keys and values that do not fit."""
    return _checked(Config(), [("", values)])


def _checked(start: Config, layers: list[tuple[str, object]]) -> Config:
    """A config with layers of settings put over it, each with the name of its source. Raises as :func:`load_config`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    sections = [_sections(f"{source}: " if source else "", values) for source, values in layers]
    model, others = _model_of_kind(start.model, sections)
    merged = OmegaConf.structured(replace(start, model=model))
    for told, values in sections:
        of_model = {key: value for key, value in values.get("model", {}).items() if key not in others}
        try:
            merged = OmegaConf.merge(merged, OmegaConf.create(values | {"model": of_model}))
        except OmegaConfBaseException as error:
            raise ConfigError(told + _explained(error)) from error
    try:
        config = cast(Config, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:  # such as a reference to another key that is not there
        raise ConfigError(_explained(error)) from error
    check_config(config)
    return config


def _sections(told: str, values: object) -> tuple[str, dict]:
    """What was given. Raises ConfigError, which begins with the source, unless all values are sections of settings."""
    if not isinstance(values, dict):
        raise ConfigError(f"{told}expected sections of settings ('section: {{key: value}}'), found {_shown(values)}")
    for section in fields(Config):
        if not isinstance(settings := values.get(section.name, {}), dict):
            raise ConfigError(f"{told}{section.name}: expected settings ('key: value'), found {_shown(settings)}")
    for (name, key), now in _EARLIER.items():
        if isinstance(value := values.get(name, {}).get(key), bool):
            values = {**values, name: {**values[name], key: now[value]}}
    return told, values


def _model_of_kind(start: ModelConfig, layers: list[tuple[str, dict]]) -> tuple[ModelConfig, set[str]]:
    """The model's settings to start from, of the kind that the layers ask for, and the names of other kinds' settings.

    Raises ConfigError where one of those, as the last layer has it, would mean something.
    """
    last = {key: (told, value) for told, values in layers for key, value in values.get("model", {}).items()}
    _, kind = last.get("kind", ("", start.kind))
    if kind not in list(MODELS):  # not hashed: it may be anything
        raise ConfigError(f"model.kind: {_shown(kind)} is not one of {', '.join(MODELS)}")
    model = start if kind == start.kind else MODELS[kind]()
    known = {setting.name for each in MODELS.values() for setting in fields(each)}
    others = known - {setting.name for setting in fields(model)}
    for key in others & last.keys():
        told, value = last[key]
        if value != getattr(model, key, value):
            raise ConfigError(f"{told}model.{key}: found {_shown(value)}, but a {kind} has no such setting")
    return model, others


def _parsed(override: str) -> object:
    """The settings of ``key=value``. Raises ConfigError where it has another form."""
    import yaml
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not override.partition("=")[1]:
        raise ConfigError(f"--set {override}: expected key=value, such as training.seed=1")
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist([override]))
    except (OmegaConfBaseException, yaml.YAMLError) as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML") from error


def _explained(error: OmegaConfBaseException) -> str:
    """What OmegaConf found wrong with one of the settings, in a line."""
    from omegaconf.errors import ConfigKeyError, ValidationError

    name = str(error.full_key or "")
    if isinstance(error, ConfigKeyError):
        known = list(error.parent_node)
        near = get_close_matches(str(error.key), known, 1)
        other = f"; did you mean {near[0]}?" if near else f", expected one of {', '.join(known)}"
        return f"{name}: no such {'setting' if '.' in name else 'section'}{other}"
    if isinstance(error, ValidationError) and (expected := _TYPES.get(type(error.child_node).__name__)):
        return f"{name}: found {_shown(error.value)}, expected {expected}"
    return ": ".join(filter(None, [name, str(error).splitlines()[0]]))


def _problem(error: Exception) -> str:
    """What a YAML file was found not to hold, with the line where the parser knows it."""
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else str(error).splitlines()[0]


def _shown(value: object) -> str:
    text = "nothing" if value is None else f"'{value}'"
    return text if len(text) <= 60 else f"{text[:56]}...'"


def _yaml_layers(path: Path, above: tuple[Path, ...] = ()) -> list[tuple[str, object]]:
    """The YAML file and those it builds on, the deepest first; ``above`` are those that build on it."""
    import yaml
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if path.resolve() in above:
        raise ConfigError(f"{path}: 'base' leads back to the file itself")
    if not path.is_file():
        raise ConfigError(f"{path}: no such config file")
    try:
        layer = OmegaConf.to_container(OmegaConf.load(path))
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file ({_problem(error)})") from error
    except OSError as error:  # OmegaConf's answer to a bare number, too
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    if not isinstance(layer, dict):
        raise ConfigError(f"{path}: expected 'section: {{key: value}}', found {_shown(layer)}")
    base = layer.pop("base", None)
    if not isinstance(base, str | None):
        raise ConfigError(f"{path}: base: found {_shown(base)}, expected the name of another config file")
    below = _yaml_layers(path.parent / base, (*above, path.resolve())) if base else []
    return [*below, (str(path), layer)]
