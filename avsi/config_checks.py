"""Which values of a config have a meaning: each by the bounds of its field, and all together."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from .config import Config, PainterConfig, SpeakerEncoderConfig, TaggerConfig
from .errors import ConfigError

# The bounds that a number may have, and what is said of one beyond them.
_BOUNDS: dict[str, tuple[Callable[..., bool], str]] = {
    "at_least": (operator.ge, "{:g} must be at least {:g}"),
    "at_most": (operator.le, "{:g} must be at most {:g}"),
    "below": (operator.lt, "{:g} must be below {:g}"),
    "share": (operator.le, "{:g} is a share, at most {:g}"),
    "within": (lambda value, lowest, highest, *_: lowest <= value <= highest, "{:g} must be from {:g} to {:g}{}"),
}


def check_config(config: Config) -> None:
    """Raise ConfigError where values contradict each other or have no meaning."""
    settings = [
        (f"{section.name}.{setting.name}", getattr(getattr(config, section.name), setting.name), setting.metadata)
        for section in fields(config)
        for setting in fields(getattr(config, section.name))
    ]
    for name, value, _ in settings:  # all of them first: bounds are computed from other settings
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{name}: {value} is not a finite number")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ConfigError(f"{name}: {value} does not fit into 64 bits")
    for name, value, bounds in settings:
        if not isinstance(value, str):
            _check_bounds(name, value, bounds or {"at_least": 0}, config)
        elif value not in (allowed := bounds.get("one_of", [value])):
            raise ConfigError(f"{name}: '{value}' is not one of {', '.join(allowed)}")
    _check_together(config)


def _check_bounds(name: str, value: float, bounds: Mapping[str, Any], config: Config) -> None:
    for bound, limit in bounds.items():
        limit = limit(config) if callable(limit) else limit
        limits = limit if isinstance(limit, tuple) else (limit,)
        fits, told = _BOUNDS[bound]
        if not fits(value, *limits):
            raise ConfigError(f"{name}: {told.format(value, *limits, '')}")


def _check_together(config: Config) -> None:
    stft, model = config.stft, config.model
    if stft.n_fft % 2:
        raise ConfigError(f"stft.n_fft: {stft.n_fft} must be even")
    if (stft.window_samples - stft.hop_samples) % 2:
        # Each window is centred on its hop: see avsi/timebase.py.
        raise ConfigError(
            f"stft.hop_samples: {stft.hop_samples} must be {'odd' if stft.window_samples % 2 else 'even'}, "
            f"as stft.window_samples {stft.window_samples} is"
        )
    if model.kind != "durations" and not (model.audio or model.video):
        raise ConfigError("model.audio and model.video are both false: the model would have no input")
    if model.video and not (config.visual.motion or config.visual.positions):
        raise ConfigError("visual.motion and visual.positions are both false, but model.video is true")
    if isinstance(model, PainterConfig) and model.hidden % model.heads:
        raise ConfigError(f"model.hidden: {model.hidden} must be a multiple of model.heads, which is {model.heads}")
    if isinstance(model, PainterConfig) and model.text and config.augment.text_jitter_ms:
        raise ConfigError(
            "model.kind: a painter takes augment.text_jitter_ms 0: it is told no times, and phones moved until no "
            "frame is left of them would be missing"
        )
    if bool(config.gaps.partial) != (model.kind == "corrector"):
        raise ConfigError(
            f"gaps.partial: {config.gaps.partial:g}: some bins of gaps are reliable where a corrector learns, which "
            f"takes a share above 0; any other model takes 0, and this is a {model.kind}"
        )
    augment = config.augment
    if model.kind == "durations" and (augment.text_hidden or augment.text_usual or augment.text_jitter_ms):
        raise ConfigError(
            "model.kind: a duration model takes augment.text_hidden, text_usual and text_jitter_ms 0: it would learn "
            "what is made up"
        )
    if isinstance(model, TaggerConfig) and (augment.tempo or augment.contrast or augment.noise):
        raise ConfigError(
            "model.kind: a tagger takes augment.tempo, contrast and noise 0: damage would be elsewhere, or be hidden"
        )
    if config.training.is_adversarial and config.training.lr_patience:
        raise ConfigError("training.lr_patience: against a discriminator the learning rate stays; take 0")
    makes_spectra = model.restores or model.refines
    if not makes_spectra and config.training.stoi_weight:
        raise ConfigError(f"model.kind {model.kind}: takes training.stoi_weight 0")
    if config.training.restorer and not model.refines:
        raise ConfigError(f"training.restorer: names a model whose predictions are refined, which no {model.kind} does")
    if config.training.is_adversarial and not makes_spectra:
        raise ConfigError(
            f"model.kind: {model.kind}: has no spectra for a discriminator; take training.adversarial 0 and "
            "training.feature_matching 0"
        )
    training = config.training
    if isinstance(model, SpeakerEncoderConfig):
        if training.batch_size % training.speaker_windows or training.batch_size == training.speaker_windows:
            raise ConfigError(
                f"training.batch_size: {training.batch_size} must be the windows of two or more speakers, a multiple "
                f"of training.speaker_windows, which is {training.speaker_windows}"
            )
    elif augment.speaker_speed:
        raise ConfigError(f"model.kind {model.kind}: takes augment.speaker_speed 0")
