"""What a training run keeps after each epoch: the model, and the state to resume from."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..errors import DataError, ModelError
from ..files import written_beside
from ..models.store import save_model
from .module import TrainingRun

LAST = "last.ckpt"


class BestAndLast(Checkpoint):
    """After each epoch, the best model, or the last by ``training.keep``, in the form that restoring reads, and the
    whole state to resume from.

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
        lowest, self.lowest = loss < self.lowest, min(loss, self.lowest)
        if (lowest or run.config.training.keep == "last") and trainer.is_global_zero:
            about = {"valid_loss": round(loss, 6), "epoch": trainer.current_epoch, "precision": trainer.precision}
            save_model(self.folder, run.result, **about)
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
