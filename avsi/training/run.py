"""Training into a folder, started or resumed, by Lightning's Trainer."""

import errno
import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from ..config import Config, TrainingConfig
from ..config_files import load_config
from ..data.stats import Stats
from ..errors import ConfigError, DataError, ModelError
from ..files import digest, write_text
from ..models.store import LEXICON, TRAIN_IDS, WEIGHTS, find_model, read_train_ids, start_from
from ..video.motion import n_features
from .adversarial import AdversarialRun
from .checkpoints import LAST, AtomicCheckpointIO, BestAndLast
from .lightning_module import TrainingRun
from .precision import choose_precision
from .processes import started, starts_others

# Initial weights, the speaker encoder of told voices and training utterances; those of a resumed run must be the same.
MADE_FROM = "made_from"
_OTHER = "on other utterances or voices, or from another model"


def train(config: Config, folder: str | Path, progress: bool = True, callbacks: Sequence[Callback] = ()) -> float:
    """Train a model into ``folder``, or resume a run that was stopped there.

    The folder then holds the model (``config.json``, ``model.safetensors``), ``last.ckpt`` to resume from,
    ``config.yaml``, the ids it was trained on, the lexicon if it was trained on phones, and logs for spreadsheets
    (``logs/csv``) and TensorBoard (``logs/tensorboard``).

    Args:
        progress: show a progress bar, and print the precision of training.

    Returns:
        The lowest validation loss: the loss on the lost bins for an inpainter, the CTC loss for a recogniser.

    Raises:
        DataError: data sets, statistics or a lexicon that are missing, invalid or do not fit the config, or a folder
            that holds another run.
        ConfigError: a device that is missing, or does not compute in the precision asked for.
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
    run = (AdversarialRun if config.training.is_adversarial else TrainingRun)(config, stats)
    last = folder / LAST
    if config.training.init and not last.is_file():  # a resumed run has its own weights
        start_from(run.model, config.training.init)
    best = BestAndLast(folder, run)
    probe = _trainer(config)
    precision, reason = choose_precision(config.training.precision, probe.strategy.root_device)
    trainer = _trainer(
        config,
        several=probe.world_size > 1,
        precision=precision,
        callbacks=[
            EarlyStopping("valid_loss", patience=config.training.patience),
            best,
            *([RichProgressBar(leave=True)] if progress else []),
            *callbacks,
        ],
        loggers=[CSVLogger(folder / "logs", name="csv"), TensorBoardLogger(folder / "logs", name="tensorboard")],
        progress=progress,
    )
    _prepare_folder(folder, config, run, _all_train_ids(config, run, stats, folder), writes=trainer.is_global_zero)
    run.tells = progress and trainer.is_global_zero
    if run.tells:
        print(reason)
    try:
        # weights_only: checkpoints hold nothing that would need code to be unpickled.
        trainer.fit(run, ckpt_path=last if last.is_file() else None, weights_only=True)
    except SystemExit:
        if trainer.interrupted:  # Lightning exits after Ctrl-C
            raise KeyboardInterrupt from None
        raise
    except OSError as error:
        if (
            error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and not error.filename
        ):  # of which loggers name none
            error.filename = str(folder)
        raise
    except RuntimeError as error:
        if trainer.world_size > 1 and "by peer" in str(error):  # a connection that was closed or reset
            told = "another process of this run ended, and says why unless it was killed; the same command goes on"
            raise DataError(f"{folder}: {told}") from error
        if "DataLoader worker" in str(error):
            raise DataError(
                f"a process that loads the data was lost; is memory short? fewer training.workers take less ({error})"
            ) from error
        raise
    return best.lowest


def _trainer(
    config: Config,
    several: bool = False,
    precision: str | None = None,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    progress: bool = False,
) -> Trainer:
    """Lightning's trainer, of ``several`` processes or one. Raises ConfigError for devices that are missing."""
    settings = config.training
    devices: int | str = int(settings.devices) if settings.devices.isdigit() else settings.devices
    on_host, hosts = started() or (devices, 1)
    # Not all weights have gradients in each step where no phones are known, where one network learns against another,
    # and in a refiner that is not told the pitch. To look for those costs time, and PyTorch warns where there are none.
    some_unused = config.model.ctc or settings.is_adversarial or config.model.refines
    strategy = "ddp_find_unused_parameters_true" if some_unused else "ddp"
    try:
        return Trainer(
            accelerator=settings.accelerator,
            devices=on_host if devices == "auto" else devices,
            num_nodes=hosts,
            strategy=strategy if several else "auto",
            use_distributed_sampler=False,  # avsi.training.order shares out the utterances
            max_epochs=settings.max_epochs,
            gradient_clip_val=None if settings.is_adversarial else settings.clip_norm or None,  # it clips by itself
            plugins=[AtomicCheckpointIO(), *starts_others(devices)],
            enable_model_summary=False,
            reload_dataloaders_every_n_epochs=1,  # for the new epoch's gaps and order
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            precision=precision,  # type: ignore[arg-type]  # Lightning lists the names that config_checks allows
            callbacks=list(callbacks),
            logger=loggers,
            enable_progress_bar=progress,
        )
    except (MisconfigurationException, RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(f"training.accelerator or devices: {error}") from error


def _quieten() -> None:
    """Suppress Lightning's advertisements, and its warnings about choices that are made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It tells that the other processes are ended, where one was killed while they did not talk to it.
    logging.getLogger("lightning.fabric.strategies.launchers.subprocess_script").setLevel(logging.INFO)
    for message in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*treespec.*",
        ".*srun. command is available.*",  # one process of a login node is one on purpose
    ):
        warnings.filterwarnings("ignore", message)


def _prepare_folder(folder: Path, config: Config, run: TrainingRun, train_ids: set[str], writes: bool) -> None:
    """Write the folder's descriptive files, in the process that ``writes``. Raises DataError if it holds a checkpoint
    of another run.
    """
    from omegaconf import OmegaConf

    note = folder / "config.yaml"
    texts = {TRAIN_IDS: "".join(f"{id_}\n" for id_ in sorted(train_ids)), MADE_FROM: _made_from(config, run, folder)}
    if run.task.lexicon is not None:
        texts[LEXICON] = run.task.lexicon.text()
    if (folder / LAST).is_file():
        if note.is_file() and _without_run_settings(load_config([note])) != _without_run_settings(config):
            raise DataError(f"{folder}: holds a run with another config ({note}); choose another folder or delete it")
        for name, what in ((MADE_FROM, _OTHER), (LEXICON, "with another lexicon")):
            earlier = folder / name
            if earlier.is_file() and earlier.read_text("utf-8") != texts.get(name):
                raise DataError(f"{folder}: holds a run {what} ({earlier}); choose another folder or delete it")
    if not writes:
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(note, OmegaConf.to_yaml(OmegaConf.structured(config)))
    for name, text in texts.items():
        write_text(folder / name, text)


def _all_train_ids(config: Config, run: TrainingRun, stats: Stats, folder: Path) -> set[str]:
    """The ids of the training set, of the utterances in the statistics, and of those that the initial model was trained
    on. Raises ModelError if that model does not list them, since unseen speakers would then be unknown.
    """
    before: set[str] | None = set()
    if config.training.init:  # a resumed run has its own list, and the initial model may be gone
        before = read_train_ids(folder if (folder / LAST).is_file() else config.training.init)
    if before is None:
        raise ModelError(f"{config.training.init}: has no list of what it was trained on ({TRAIN_IDS})")
    return {utterance.id for utterance in run.task.train_set.utterances} | before | set(map(str, stats.ids))


def _made_from(config: Config, run: TrainingRun, folder: Path) -> str:
    """A digest of the initial model's weights, those of the encoder of voices and of the model that is refined, if any,
    and the ids of the training set, one a line.
    """
    init, earlier = "", folder / MADE_FROM
    if config.training.init:
        try:
            init = digest(find_model(config.training.init) / WEIGHTS)
        except (ModelError, OSError):  # a resumed run does not need that model any more
            if not earlier.is_file():
                raise
            init = earlier.read_text("utf-8").partition("\n")[0]
    voices = run.task.train_set.voices
    encoder = [] if voices is None else [f"voices by {voices.by}"]
    refined = config.training.restorer
    restorer = [f"refines {digest(find_model(refined) / WEIGHTS)}"] if refined else []
    ids = (utterance.id for utterance in run.task.train_set.utterances)
    return "".join(f"{line}\n" for line in (init, *encoder, *restorer, *ids))


def _without_run_settings(config: Config) -> Config:
    """A config with default values for the settings that a resumed run may change: duration, devices, precision and
    where features are kept.
    """
    caches = ("cache", "cache_memory_gb", "cache_disk_gb")
    run_settings = (*caches, "max_epochs", "patience", "precision", "accelerator", "devices", "workers")
    default = TrainingConfig()
    return replace(config, training=replace(config.training, **{name: getattr(default, name) for name in run_settings}))
