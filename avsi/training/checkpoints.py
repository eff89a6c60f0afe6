"""The files that training writes after each epoch: the model, and a checkpoint to resume from."""

import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..errors import DataError, ModelError
from ..files import written_beside
from ..models.store import save_model
from .lightning_module import TrainingRun

LAST = "last.ckpt"


class BestAndLast(Checkpoint):
    """Saves the best model so far, or the last by ``training.keep``, and the state to resume from after each epoch.

    Lightning runs callbacks of this class after all others, so that the saved state includes theirs.
    """

    def __init__(self, folder: Path, run: TrainingRun) -> None:
        self.folder = folder
        self._run = run
        self.lowest = float("inf")
        self._stopped_early = False

    def on_train_start(self, trainer: Trainer, *_: object) -> None:
        # Resuming a run that early stopping had ended must not train further.
        trainer.should_stop = trainer.should_stop or self._stopped_early

    def on_train_epoch_end(self, trainer: Trainer, *_: object) -> None:
        self._stopped_early = trainer.should_stop
        loss = float(trainer.callback_metrics["valid_loss"])
        lowest, self.lowest = loss < self.lowest, min(loss, self.lowest)
        if (lowest or self._run.config.training.keep == "last") and trainer.is_global_zero:
            about = {"valid_loss": round(loss, 6), "epoch": trainer.current_epoch, "precision": trainer.precision}
            save_model(self.folder, self._run.result, {**about, **_faces(self._run)})
        trainer.save_checkpoint(self.folder / LAST, weights_only=False)

    def state_dict(self) -> dict:
        return {"lowest": self.lowest, "stopped_early": self._stopped_early}

    def load_state_dict(self, state: dict) -> None:
        self.lowest, self._stopped_early = state["lowest"], state["stopped_early"]


def _faces(run: TrainingRun) -> dict[str, dict[str, int]]:
    """How many faces of the training set were filmed, were made, and are not there, where not all were filmed."""
    utterances = run.task.train_set.utterances
    made = sum(utterance.made_lips is not None for utterance in utterances)
    missing = sum(utterance.landmarks is None for utterance in utterances)
    if not run.config.model.video or not made + missing:
        return {}
    return {"faces": {"filmed": len(utterances) - made - missing, "made": made, "missing": missing}}


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints whole or not at all: Lightning writes in place, so that a killed run loses the last one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:
        with written_beside(path) as partial:
            try:
                torch.save(checkpoint, partial)
            except RuntimeError as error:  # how torch reports a full disk
                raise DataError(
                    f"{path}: cannot be written; is the disk full? ({str(error).splitlines()[0]})"
                ) from error

    def load_checkpoint(self, path: str | Path, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if not zipfile.is_zipfile(path):
            raise ModelError(f"{path}: damaged or incomplete; delete it to train anew")
        return super().load_checkpoint(path, *args, **kwargs)
