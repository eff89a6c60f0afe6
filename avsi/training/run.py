"""The training run: begun or gone on with in a folder, by Lightning's loop."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from ..config import Config, TrainingConfig
from ..config_files import load_config
from ..data.stats import Stats
from ..errors import ConfigError, DataError, ModelError
from ..files import digest, write_text
from ..models.store import LEXICON, TRAIN_IDS, WEIGHTS, find_model, learnt_from, start_from
from ..video.motion import n_features
from .checkpoints import LAST, AtomicCheckpointIO, BestAndLast
from .module import TrainingRun
from .precision import choose_precision

MADE_FROM = "made_from"  # what a run that goes on must have in common with the one that was stopped


def train(config: Config, folder: str | Path, progress: bool = True, callbacks: Sequence[Callback] = ()) -> float:
    """Train a model into ``folder``, or go on where a run in that folder was stopped.

    The folder then holds the model (``config.json``, ``model.safetensors``), ``last.ckpt`` to resume from,
    ``config.yaml``, the ids it was trained on, the lexicon where phones are learnt, and logs for spreadsheets
    (``logs/csv``) and TensorBoard (``logs/tensorboard``).

    Args:
        progress: show a bar, and print in which precision is trained.

    Returns:
        The lowest validation loss: of an inpainter that on the lost bins, with or without a phone head; of a recogniser
        the CTC loss.

    Raises:
        DataError: sets, statistics or a lexicon that are missing, broken or do not fit the config, or a folder that
        holds another run.
        ConfigError: a device that is not there, or does not compute in the precision asked for.
    """
    folder = Path(folder)
    stats = Stats.load(config.data.stats)
    if len(stats.audio_mean) != config.stft.n_bins:
        raise DataError(
            f"{config.data.stats}: is of {len(stats.audio_mean)} bins, but the config asks for {config.stft.n_bins}; "
            "run data_prep.stats with the same --config"
        )
    n_visual = n_features(config.visual)
    if config.model.video and len(stats.visual_mean) != n_visual:
        raise DataError(
            f"{config.data.stats}: has {len(stats.visual_mean)} visual statistics, but the config asks for {n_visual}; "
            "run data_prep.stats with the same --config"
        )
    _quieten()
    run = TrainingRun(config, stats)
    last = folder / LAST
    if config.training.init and not last.is_file():  # a run that goes on has weights of its own
        start_from(run.model, config.training.init)
    best = BestAndLast(folder)
    precision, said = choose_precision(config.training.precision, _trainer(config, logger=False).strategy.root_device)
    trainer = _trainer(
        config,
        precision=precision,
        callbacks=[
            EarlyStopping("valid_loss", patience=config.training.patience),
            best,
            *([RichProgressBar(leave=True)] if progress else []),
            *callbacks,
        ],
        logger=[
            CSVLogger(folder / "logs", name="csv"),
            TensorBoardLogger(folder / "logs", name="tensorboard"),
        ],
        enable_progress_bar=progress,
    )
    _claim(folder, config, run, _learnt_from(config, run, stats, folder))
    if progress and trainer.is_global_zero:
        print(said)
    try:
        # weights_only: nothing in a checkpoint needs the unpickling of code.
        trainer.fit(run, ckpt_path=last if last.is_file() else None, weights_only=True)
    except SystemExit:
        if trainer.interrupted:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from None
        raise
    return best.lowest


def _trainer(config: Config, **options: object) -> Trainer:
    """Lightning's trainer. Raises ConfigError for hardware that is not there."""
    settings = config.training
    try:
        return Trainer(
            accelerator=settings.accelerator,
            devices=int(settings.devices) if settings.devices.isdigit() else settings.devices,
            max_epochs=settings.max_epochs,
            gradient_clip_val=settings.clip_norm or None,
            plugins=[AtomicCheckpointIO()],
            enable_model_summary=False,
            reload_dataloaders_every_n_epochs=1,  # for the new epoch's gaps and order
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            **options,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ConfigError(f"training.accelerator or devices: {error}") from error


def _quieten() -> None:
    """Lightning advertises and warns about choices that are made here on purpose."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in (".*does not have many workers.*", ".*smaller than the logging interval.*", ".*treespec.*"):
        warnings.filterwarnings("ignore", message)


def _claim(folder: Path, config: Config, run: TrainingRun, met: set[str]) -> None:
    """Make the folder, or find in it an earlier part of the same run."""
    from omegaconf import OmegaConf

    note = folder / "config.yaml"
    texts = {TRAIN_IDS: "".join(f"{id_}\n" for id_ in sorted(met)), MADE_FROM: _made_from(config, run, folder)}
    if run.task.lexicon is not None:
        texts[LEXICON] = run.task.lexicon.text()
    if (folder / LAST).is_file():
        if note.is_file() and _without_limits(load_config([note])) != _without_limits(config):
            raise DataError(f"{folder}: holds a run with another config ({note}); choose another folder or delete it")
        for name, what in ((MADE_FROM, "on other utterances or from another model"), (LEXICON, "with another lexicon")):
            earlier = folder / name
            if earlier.is_file() and earlier.read_text("utf-8") != texts.get(name):
                raise DataError(f"{folder}: holds a run {what} ({earlier}); choose another folder or delete it")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(note, OmegaConf.to_yaml(OmegaConf.structured(config)))
    for name, text in texts.items():
        write_text(folder / name, text)


def _learnt_from(config: Config, run: TrainingRun, stats: Stats, folder: Path) -> set[str]:
    """The ids of all utterances that the model learns from, has been normalised by, or learnt from before.

    Raises ModelError where it starts from a model that does not list them: nobody could tell whom it has not met.
    """
    before = set()
    if config.training.init:  # a run that goes on noted it, and the model that it began as may be gone
        before = learnt_from(folder if (folder / LAST).is_file() else config.training.init)
    if before is None:
        raise ModelError(f"{config.training.init}: has no list of what it was trained on ({TRAIN_IDS})")
    return {utterance.id for utterance in run.task.train_set.utterances} | before | set(map(str, stats.ids))


def _made_from(config: Config, run: TrainingRun, folder: Path) -> str:
    """The model that a run starts from, by a digest of its weights, and the utterances that it is trained on."""
    init, noted = "", folder / MADE_FROM
    if config.training.init:
        try:
            init = digest(find_model(config.training.init) / WEIGHTS)
        except (ModelError, OSError):  # a run that goes on does not need it any more
            if not noted.is_file():
                raise
            init = noted.read_text("utf-8").partition("\n")[0]
    return "".join(f"{line}\n" for line in (init, *(utterance.id for utterance in run.task.train_set.utterances)))


def _without_limits(config: Config) -> Config:
    """What a resumed run must share of a config: all but what says how long, where and in which precision it runs."""
    limits = ("max_epochs", "patience", "precision", "accelerator", "devices", "workers", "cache")
    default = TrainingConfig()
    return replace(config, training=replace(config.training, **{name: getattr(default, name) for name in limits}))
