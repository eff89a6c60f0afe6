"""The training run: Lightning's loop around one model, with what makes it repeatable and safe to kill."""

from __future__ import annotations

import logging
import os
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from .config import Config
from .data.dataset import Batch, InpaintingData, collate
from .data.gaps import generator
from .data.stats import Stats
from .errors import ConfigError, DataError, ModelError
from .files import write_text, written_beside
from .models.inpainter import BLSTMInpainter
from .models.losses import masked_loss
from .models.store import TRAIN_IDS, save_model
from .video.motion import n_features

LAST = "last.ckpt"


def train(config: Config, folder: str | Path, progress: bool = True, callbacks: Sequence[Callback] = ()) -> float:
    """Train a model into ``folder``, or go on where a run in that folder was stopped.

    The folder then holds the best model so far (``config.json``, ``model.safetensors``), ``last.ckpt`` to resume from,
    ``config.yaml``, and logs for spreadsheets (``logs/csv``) and TensorBoard (``logs/tensorboard``).

    Returns:
        The lowest loss on the validation set.

    Raises:
        DataError: sets or statistics that are missing, broken or do not fit the config, or a folder that holds another
        run.
    """
    folder = Path(folder)
    stats = Stats.load(config.data.stats)
    n_visual = n_features(config.visual)
    if config.model.video and len(stats.visual_mean) != n_visual:
        raise DataError(
            f"{config.data.stats}: has {len(stats.visual_mean)} visual statistics, but the config asks for {n_visual}; "
            "run data_prep.stats with the same --config"
        )
    _quieten()
    run = TrainingRun(config, stats)
    _claim(folder, config, run.train_ids)
    best = BestAndLast(folder)
    last = folder / LAST
    trainer = _trainer(
        config,
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
    try:
        # weights_only: nothing in a checkpoint needs the unpickling of code.
        trainer.fit(run, ckpt_path=last if last.is_file() else None, weights_only=True)
    except SystemExit:
        if trainer.interrupted:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from None
        raise
    return best.lowest


def _trainer(config: Config, **options: object) -> Trainer:
    """Lightning's trainer. Raises ConfigError for hardware that is not there or a precision it does not know."""
    settings = config.training
    try:
        return Trainer(
            accelerator=settings.accelerator,
            devices=int(settings.devices) if settings.devices.isdigit() else settings.devices,
            precision=settings.precision,
            max_epochs=settings.max_epochs,
            plugins=[AtomicCheckpointIO()],
            enable_model_summary=False,
            reload_dataloaders_every_n_epochs=1,  # for the new epoch's gaps and order
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            **options,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ConfigError(f"training.accelerator, devices or precision: {error}") from error


class TrainingRun(LightningModule):
    """A model with its data, loss and optimiser."""

    def __init__(self, config: Config, stats: Stats) -> None:
        super().__init__()
        torch.manual_seed(config.training.seed)
        self.config = config
        self.model = BLSTMInpainter(config, stats)
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_state: dict | None = None
        self._train_set = InpaintingData(config.data.train, config, config.data.train_gaps or None)
        self._valid_set = InpaintingData(config.data.valid, config, config.data.valid_gaps)

    @property
    def train_ids(self) -> list[str]:
        return [utterance.id for utterance in self._train_set.utterances]

    def train_dataloader(self) -> DataLoader:
        self._train_set.epoch = self.current_epoch
        order = self._epoch_generator("order").permutation(len(self._train_set)).tolist()
        return DataLoader(self._train_set, sampler=order, **self._loading())

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self._valid_set, **self._loading())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout draws from the global generator, whose state a checkpoint does not carry.
        torch.manual_seed(int(self._epoch_generator("dropout", batch_idx).integers(2**31)))

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        loss = self._loss(batch, self.config.training.loss)
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        loss = self._loss(batch, self.config.training.loss)
        # Weighted by lost frames, so that the mean does not depend on how utterances fall into batches.
        self.log("valid_loss", loss, prog_bar=True, batch_size=int(batch.lost.sum()), sync_dist=True)

    def configure_optimizers(self):
        settings = self.config.training
        optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate)
        if settings.lr_patience:
            self._plateau = ReduceLROnPlateau(optimizer, factor=0.5, patience=settings.lr_patience)
            if self._plateau_state is not None:
                self._plateau.load_state_dict(self._plateau_state)
        return optimizer

    # Lightning would step the scheduler after the checkpoint is written: a resumed run would lose that step.
    def on_train_epoch_end(self) -> None:
        if self._plateau is not None:
            self._plateau.step(float(self.trainer.callback_metrics["valid_loss"]))

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["plateau"] = self._plateau.state_dict() if self._plateau is not None else None

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self._plateau_state = checkpoint["plateau"]

    def _loss(self, batch: Batch, kind: str) -> torch.Tensor:
        predicted = self.model(batch.log_spectrum, batch.visual, batch.lost, batch.lengths)
        return masked_loss(predicted, self.model.normalise(batch.log_spectrum), batch.lost, kind)

    def _epoch_generator(self, *purpose: object) -> np.random.Generator:
        return generator(self.config.training.seed, self.current_epoch, *purpose)

    def _loading(self) -> dict:
        settings = self.config.training
        return {"batch_size": settings.batch_size, "num_workers": settings.workers, "collate_fn": collate}


class BestAndLast(Checkpoint):
    """After each epoch, the best model in the form that restoring reads, and the whole state to resume from.

    Lightning runs this kind of callback after all others, so that the saved state holds theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lowest = float("inf")
        self._stopped_early = False

    def on_train_start(self, trainer: Trainer, run: TrainingRun) -> None:
        # The same command after a run that ended early must not train on.
        trainer.should_stop = trainer.should_stop or self._stopped_early

    def on_train_epoch_end(self, trainer: Trainer, run: TrainingRun) -> None:
        self._stopped_early = trainer.should_stop
        loss = float(trainer.callback_metrics["valid_loss"])
        if loss < self.lowest:
            self.lowest = loss
            if trainer.is_global_zero:
                save_model(self.folder, run.model, valid_loss=round(loss, 6), epoch=trainer.current_epoch)
        trainer.save_checkpoint(self.folder / LAST, weights_only=False)

    def state_dict(self) -> dict:
        return {"lowest": self.lowest, "stopped_early": self._stopped_early}

    def load_state_dict(self, state: dict) -> None:
        self.lowest, self._stopped_early = state["lowest"], state["stopped_early"]


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning writes checkpoints in place; a run killed meanwhile would have none."""

    def save_checkpoint(self, checkpoint: dict, path: str | os.PathLike, storage_options: object = None) -> None:
        with written_beside(path) as partial:
            try:
                torch.save(checkpoint, partial)
            except RuntimeError as error:  # what torch makes of a full disk
                raise DataError(
                    f"{path}: cannot be written; is the disk full? ({str(error).splitlines()[0]})"
                ) from error

    def load_checkpoint(self, path: str | os.PathLike, *args: object, **kwargs: object) -> dict:
        if not zipfile.is_zipfile(path):
            raise ModelError(f"{path}: damaged or incomplete; delete it to train anew")
        return super().load_checkpoint(path, *args, **kwargs)


def _quieten() -> None:
    """Lightning advertises and warns about choices that are made here on purpose."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in (".*does not have many workers.*", ".*smaller than the logging interval.*", ".*treespec.*"):
        warnings.filterwarnings("ignore", message)


def _claim(folder: Path, config: Config, train_ids: list[str]) -> None:
    """Make the folder, or find in it an earlier part of the same run."""
    from omegaconf import OmegaConf

    text, ids = OmegaConf.to_yaml(OmegaConf.structured(config)), "".join(f"{id_}\n" for id_ in train_ids)
    note, list_ = folder / "config.yaml", folder / TRAIN_IDS
    if (folder / LAST).is_file():
        if note.is_file() and _without_limits(note.read_text("utf-8")) != _without_limits(text):
            raise DataError(f"{folder}: holds a run with another config ({note}); choose another folder or delete it")
        if list_.is_file() and list_.read_text("utf-8") != ids:
            raise DataError(
                f"{folder}: holds a run on another training set ({list_}); choose another folder or delete it"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(note, text)
    write_text(list_, ids)


def _without_limits(yaml_text: str) -> list[str]:
    """The lines of a config that a resumed run must share: all but those that say how long and where it runs."""
    free = ("max_epochs:", "patience:", "accelerator:", "devices:", "workers:", "cache:")
    return [line for line in yaml_text.splitlines() if not line.strip().startswith(free)]
