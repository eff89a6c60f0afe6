"""Every default, as dataclasses. YAML files and ``--set key=value`` override them; nothing else holds a default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path

from .errors import ConfigError

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true", "bf16-true", "16-true", "32", "bf16", "16", "64")
# What is said of a setting's type.
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
# No gap is drawn over longer times: 11 days.
_LONGEST_MS = 1e9


@dataclass
class StftConfig:
    """Log-magnitude spectrogram of Morrone et al. (2021), section 3.1: 257 bins, 83.33 frames/s."""

    sample_rate: int = 16000
    n_fft: int = 512
    window_samples: int = 384
    hop_samples: int = 192
    log_floor: float = 1e-6

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


@dataclass
class VisualConfig:
    """What the model sees of the face. The paper: the motion of all 68 points."""

    points: str = "face"  # "face": all 68; "mouth": the 37 of jaw and lips; "articulation": measures of lips and jaw
    motion: bool = True  # difference of successive frames
    positions: bool = False  # where each point is, relative to its mean over the clip
    fps: float = 25.0  # the rate at which motion is measured, whatever the video's own
    clip_scale: float = 0.0  # divided by the clip's own deviation to this power: 1 hides how far a face moves at all
    max_lost_s: float = 0.8  # the face may be lost this long and its track is interpolated


@dataclass
class VoiceConfig:
    """Other voices for a recording, drawn by :func:`avsi.audio.voice.draw_voice`."""

    pitch_min_hz: float = 85.0  # of the median over a recording
    pitch_max_hz: float = 240.0
    intonation_spread: float = 0.25  # deviation of the natural log of the factor
    formant_slope: float = 0.27  # women speak 1.8 times as high as men with formants 1.17 times as high
    formant_spread: float = 0.06  # deviation of the natural log of the factor beside that


@dataclass
class GapConfig:
    """Random gaps of the paper's section 3.1: a total time, split over 1 to 8 gaps in the first 2 s."""

    total_mean_ms: float = 900.0
    total_std_ms: float = 300.0
    total_max_ms: float = 2400.0
    min_ms: float = 36.0
    min_count: int = 1
    max_count: int = 8
    region_ms: float = 2000.0


@dataclass
class AugmentConfig:
    """What is varied afresh each time an utterance is trained on, by :func:`avsi.data.augment.augment`. 0: nothing."""

    tempo: float = 0.0  # sound and face are sped up or slowed down by at most this share
    contrast: float = 0.0  # the natural log of the factor by which loud and soft move apart is at most this
    noise: float = 0.0  # the share of utterances that get a noise floor
    noise_min_db: float = -80.0  # of the loudest reliable bin, the lowest floor
    noise_max_db: float = -45.0
    face_gain: float = 0.0  # deviation of the natural log of each visual feature's factor
    face_lag_ms: float = 0.0  # the face runs ahead of the sound or behind it by at most this
    face_noise: float = 0.0  # deviation of white noise, as a share of each feature's own deviation
    face_hidden: float = 0.0  # the share of utterances without a face


@dataclass
class ModelConfig:
    """Three BLSTM layers of 250 units per direction and a linear layer, as in the paper's section 2."""

    kind: str = "inpainter"  # or "recognizer": from clean sound to phones, by which restored speech is judged
    audio: bool = True
    video: bool = True
    layers: int = 3
    hidden: int = 250
    dropout: float = 0.0  # between the layers
    normalise: str = "corpus"  # by the training set's statistics; "utterance": by those of the recording's own frames
    mask: bool = False  # which frames are lost, as one more input
    ctc: bool = False  # an inpainter's second linear layer, to phones: the paper's multi-task model
    mels: int = 40  # a recogniser's log-mel bands


@dataclass
class NormaliseConfig:
    """What counts of a recording where it is normalised by itself (``model.normalise: utterance``), by
    :meth:`avsi.models.inpainter.BLSTMInpainter.normalise`. Nats are of the natural log magnitude, 8.69 dB each.
    """

    min_reliable_s: float = 0.5  # less reliable sound than this says too little: the training set's statistics count
    silence_nats: float = 0.1  # nearer to the floor of the log than this there is no sound at all
    loudest_s: float = 0.144  # how loud speech is, the softest of the loudest frames tells; of them there are so many
    pause_nats: float = 3.0  # what lies this far below it is a pause
    max_pauses_s: float = 2.0  # more of pauses does not count
    deepest_nats: float = 4.5  # deeper pauses are heard as of this depth
    min_deviation: float = 0.2  # a recording's deviation counts as at least this share of the training set's


@dataclass
class TrainingConfig:
    loss: str = "l1"  # "l1" (the released code) or "mse" (the paper's text), on the lost bins
    ctc_weight: float = 1e-3  # of the phones' loss beside that on the lost bins, where model.ctc
    stoi_weight: float = 0.0  # of the loss of short-time intelligibility beside that on the lost bins
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # decoupled from the gradient, as in AdamW
    # The model is the exponential moving average of its weights with this decay, from the first step on; 0: it is not.
    average: float = 0.0
    init: str = ""  # a trained model to start from, its statistics too; empty: random weights
    clip_norm: float = 0.0  # gradients of a larger norm are scaled down to this one; 0: none are
    batch_size: int = 8
    epoch_utterances: int = 0  # an epoch's length; 0: each utterance once
    balance: float = 1.0  # speakers are drawn by their share to this power: 1 as they come, 0 each as often
    max_epochs: int = 50
    patience: int = 5  # epochs without improvement before training stops
    keep: str = "best"  # the epoch of the lowest validation loss, or "last": where no speaker judged may choose it
    lr_patience: int = 0  # epochs without improvement before the learning rate is halved; 0: never
    seed: int = 0
    # "auto": bf16 where the device computes in it, else full precision; or what Lightning calls a precision.
    precision: str = "auto"
    accelerator: str = "auto"
    devices: str = "auto"
    workers: int = 0  # processes that load data; 0: the training process itself
    # Without workers: keep every utterance's features in memory, 0.3 MB a clip of 3 s; copies in other voices count.
    cache: bool = True


@dataclass
class DataConfig:
    train: str = "data/train"
    valid: str = "data/valid"
    stats: str = "data/train/stats.npz"
    lexicon: str = "data/lexicon.txt"  # read where phones are needed
    train_gaps: str = ""  # a gap file; empty: gaps are drawn afresh each epoch
    valid_gaps: str = "data/valid/gaps_random"


@dataclass
class Config:
    stft: StftConfig = field(default_factory=StftConfig)
    visual: VisualConfig = field(default_factory=VisualConfig)
    voices: VoiceConfig = field(default_factory=VoiceConfig)
    gaps: GapConfig = field(default_factory=GapConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    normalise: NormaliseConfig = field(default_factory=NormaliseConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)


def load_config(paths: Sequence[str | Path] = (), overrides: Sequence[str] = (), start: Config | None = None) -> Config:
    """The defaults, or ``start``, overridden by YAML files, one after the other, and then by ``key=value`` strings.

    A YAML file may name another one to start from, relative to itself: ``base: base.yaml``.

    Raises:
        ConfigError: a file that is not there, a key that does not exist, a value of the wrong type or range.
    """
    layers = [layer for path in paths for layer in _yaml_layers(path)]
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

    merged = OmegaConf.structured(start)
    for source, values in layers:
        told = f"{source}: " if source else ""
        _check_keys(told, values)
        try:
            merged = OmegaConf.merge(merged, OmegaConf.create(values))
        except OmegaConfBaseException as error:
            raise ConfigError(told + _explained(error, values)) from error
    try:
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:  # such as a reference to another key that is not there
        raise ConfigError(_explained(error, {})) from error
    check_config(config)
    return config


def _parsed(override: str) -> dict:
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


def _check_keys(told: str, values: object) -> None:
    """Raise ConfigError, which begins with the source, unless all are settings, in the sections that there are."""
    if not isinstance(values, dict):
        raise ConfigError(f"{told}expected sections of settings ('section: {{key: value}}'), found {_shown(values)}")
    sections = {section.name: section.default_factory for section in fields(Config)}
    for section, settings in values.items():
        if section not in sections:
            raise ConfigError(f"{told}{section}: no such section{_nearest(section, list(sections))}")
        if not isinstance(settings, dict):
            raise ConfigError(f"{told}{section}: expected settings ('key: value'), found {_shown(settings)}")
        known = [setting.name for setting in fields(sections[section])]
        for key in settings:
            if key not in known:
                raise ConfigError(f"{told}{section}.{key}: no such setting{_nearest(key, known)}")


def _nearest(name: object, known: list[str]) -> str:
    near = get_close_matches(str(name), known, 1)
    return f"; did you mean {near[0]}?" if near else f", expected one of {', '.join(known)}"


def _explained(error: Exception, values: dict) -> str:
    """What OmegaConf found wrong with one of the settings, in a line."""
    from omegaconf.errors import ValidationError

    section, _, key = str(getattr(error, "full_key", None) or "").partition(".")
    if isinstance(error, ValidationError) and key in values.get(section, {}):
        kind = next(each.type for each in fields(getattr(Config(), section)) if each.name == key)
        return f"{section}.{key}: found {_shown(values[section][key])}, expected {_TYPES.get(kind, kind)}"
    return ": ".join(filter(None, [f"{section}.{key}".strip("."), str(error).splitlines()[0]]))


def _problem(error: Exception) -> str:
    """What a YAML file was found not to hold, with the line where the parser knows it."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).splitlines()[0]
    return f"line {mark.line + 1}: {error.problem}"


def _shown(value: object) -> str:
    text = "nothing" if value is None else f"'{value}'"
    return text if len(text) <= 60 else f"{text[:56]}...'"


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


def _yaml_layers(path: str | Path) -> list[tuple[str, object]]:
    """The YAML file and those it builds on, the deepest first."""
    import yaml
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    layers: list[tuple[str, object]] = []
    seen: set[Path] = set()
    following: str | Path | None = path
    while following:
        path = Path(following)
        if path.resolve() in seen:
            raise ConfigError(f"{path}: 'base' leads back to the file itself")
        seen.add(path.resolve())
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
        layers.insert(0, (str(path), layer))
        following = path.parent / base if base else None
    return layers
