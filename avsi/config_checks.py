"""Which values of a config have a meaning, each by itself and together."""

from __future__ import annotations

import math
from dataclasses import fields

from .config import PRECISIONS, Config, StftConfig
from .errors import ConfigError

# No gap is drawn over longer times: 11 days.
_LONGEST_MS = 1e9


def check_config(config: Config) -> None:
    """Raise ConfigError where values contradict each other or have no meaning."""
    _check_numbers(config)
    _check_stft(config.stft)
    for name, value, allowed in (
        ("model.kind", config.model.kind, ("inpainter", "recognizer")),
        ("training.keep", config.training.keep, ("best", "last")),
        ("training.loss", config.training.loss, ("l1", "mse")),
        ("visual.points", config.visual.points, ("face", "mouth", "articulation")),
        ("model.normalise", config.model.normalise, ("corpus", "utterance")),
        ("training.precision", config.training.precision, PRECISIONS),
    ):
        if value not in allowed:
            raise ConfigError(f"{name}: '{value}' is not one of {', '.join(allowed)}")
    if not (config.model.audio or config.model.video):
        raise ConfigError("model.audio and model.video are both false: the model would have no input")
    for name in ("noise", "face_hidden"):
        if getattr(config.augment, name) > 1:
            raise ConfigError(f"augment.{name}: {getattr(config.augment, name):g} is a share, at most 1")
    if config.model.kind == "recognizer" and (
        config.model.normalise != "corpus" or config.model.mask or config.training.stoi_weight
    ):
        raise ConfigError(
            "model.kind: a recognizer takes model.normalise corpus, model.mask false and training.stoi_weight 0"
        )
    if config.model.kind == "recognizer" and (config.model.video or not config.model.audio or config.model.ctc):
        raise ConfigError("model.kind: a recognizer takes model.audio true, model.video false and model.ctc false")
    if config.model.video and not (config.visual.motion or config.visual.positions):
        raise ConfigError("visual.motion and visual.positions are both false, but model.video is true")
    at_least = {
        "training.batch_size": 1,
        "training.max_epochs": 1,
        "training.patience": 1,
        "training.lr_patience": 0,
        "training.learning_rate": 0,
        "training.workers": 0,
        "training.ctc_weight": 0,
        "training.clip_norm": 0,
        "training.epoch_utterances": 0,
        "training.balance": 0,
        "training.stoi_weight": 0,
        "training.weight_decay": 0,
        "training.average": 0,
        "visual.clip_scale": 0,
        "voices.pitch_min_hz": 40,
        "voices.pitch_max_hz": config.voices.pitch_min_hz,
        "voices.intonation_spread": 0,
        "voices.formant_slope": 0,
        "voices.formant_spread": 0,
        "augment.tempo": 0,
        "augment.contrast": 0,
        "augment.noise": 0,
        "augment.noise_min_db": -200,
        "augment.noise_max_db": config.augment.noise_min_db,
        "augment.face_gain": 0,
        "augment.face_lag_ms": 0,
        "augment.face_noise": 0,
        "augment.face_hidden": 0,
        "normalise.min_reliable_s": 0,
        "normalise.silence_nats": 0,
        "normalise.loudest_s": 0,
        "normalise.pause_nats": 0,
        "normalise.max_pauses_s": 0,
        "normalise.deepest_nats": 0,
        "normalise.min_deviation": 0,
        "model.layers": 1,
        "model.hidden": 1,
        "model.dropout": 0,
        "model.mels": 1,
        "visual.fps": 1,
        "visual.max_lost_s": 0,
        "gaps.total_mean_ms": 0,
        "gaps.total_std_ms": 0,
        "gaps.min_ms": 1,
        "gaps.min_count": 1,
        "gaps.max_count": config.gaps.min_count,
        "gaps.total_max_ms": config.gaps.max_count * config.gaps.min_ms,
        "gaps.region_ms": config.gaps.min_ms,
    }
    for name, lowest in at_least.items():
        section, key = name.split(".")
        value = getattr(getattr(config, section), key)
        if value < lowest:
            raise ConfigError(f"{name}: {value:g} must be at least {lowest:g}")
    at_most = {
        "gaps.total_max_ms": _LONGEST_MS,
        "gaps.region_ms": _LONGEST_MS,
        "gaps.total_std_ms": _LONGEST_MS,
        "visual.fps": 1000,
        "model.layers": 100,
        "model.hidden": 10000,  # the weights of one layer then take 3 GB
        **({"model.mels": config.stft.n_bins} if config.model.kind == "recognizer" else {}),
    }
    for name, highest in at_most.items():
        section, key = name.split(".")
        value = getattr(getattr(config, section), key)
        if value > highest:
            raise ConfigError(f"{name}: {value:g} must be at most {highest:g}")
    for name in ("model.dropout", "training.average", "augment.tempo"):
        section, key = name.split(".")
        if getattr(getattr(config, section), key) >= 1:
            raise ConfigError(f"{name}: {getattr(getattr(config, section), key):g} must be below 1")


def _check_numbers(config: Config) -> None:
    """Raise ConfigError for a number that nothing can compute with."""
    for section in fields(Config):
        settings = getattr(config, section.name)
        for setting in fields(settings):
            value = getattr(settings, setting.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"{section.name}.{setting.name}: {value} is not a finite number")
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ConfigError(f"{section.name}.{setting.name}: {value} does not fit into 64 bits")


def _check_stft(stft: StftConfig) -> None:
    """Raise ConfigError for a spectrogram that cannot be computed, or not be turned into sound again."""
    for name, value, lowest, highest in (
        ("sample_rate", stft.sample_rate, 1000, 384000),
        ("n_fft", stft.n_fft, 4, 65536),
        ("window_samples", stft.window_samples, 3, stft.n_fft),
        # A Hann window begins with 0: longer hops leave samples that no window covers.
        ("hop_samples", stft.hop_samples, 1, stft.window_samples - 2),
        # In float32, which the logarithm is taken in.
        ("log_floor", stft.log_floor, 1e-30, 1),
    ):
        if not lowest <= value <= highest:
            beside = {"window_samples": " (stft.n_fft)", "hop_samples": " (2 below stft.window_samples)"}.get(name, "")
            raise ConfigError(f"stft.{name}: {value:g} must be from {lowest:g} to {highest:g}{beside}")
    if stft.n_fft % 2:
        raise ConfigError(f"stft.n_fft: {stft.n_fft} must be even")
    if (stft.window_samples - stft.hop_samples) % 2:
        # Each window is centred on its hop: see avsi/timebase.py.
        raise ConfigError(
            f"stft.hop_samples: {stft.hop_samples} must be {'odd' if stft.window_samples % 2 else 'even'}, "
            f"as stft.window_samples {stft.window_samples} is"
        )
