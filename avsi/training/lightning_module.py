"""The Lightning module: a model with its task's data and losses, and the optimiser."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ..config import Config
from ..data.stats import Stats
from ..rng import generator
from .dataset import Batch, SpeechData, collate
from .tasks import LossTerm, Model, make_task


class TrainingRun(LightningModule):
    """A model, its task, which has the data and the losses, and the optimiser."""

    def __init__(self, config: Config, stats: Stats) -> None:
        super().__init__()
        torch.manual_seed(config.training.seed)
        self.config = config
        self.task = make_task(config, stats)
        self.model: Model = self.task.model
        self.average: AveragedModel | None = None
        if config.training.average:
            # The average starts with the weights after the first step. Without requires_grad_(False) several GPUs would
            # wait for its gradients.
            self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.training.average))
            self.average.requires_grad_(False)
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_state: dict | None = None

    @property
    def result(self) -> Model:
        """The model that is validated and saved: the trained one, or the moving average of its weights."""
        # AveragedModel holds a copy of the model, but does not know its type.
        return self.model if self.average is None else cast(Model, self.average.module)

    def on_train_epoch_start(self) -> None:
        self.task.begin_epoch(self.current_epoch, self.result)

    def on_train_batch_end(self, *_: object) -> None:
        if self.average is not None:
            self.average.update_parameters(self.model)

    def train_dataloader(self) -> DataLoader:
        data = self.task.train_set
        data.epoch = self.current_epoch
        return DataLoader(data, sampler=data.order(self._epoch_generator("order")), **self._loading(data))

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.task.valid_set, **self._loading(self.task.valid_set))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout draws from the global generator, whose state is not in checkpoints.
        torch.manual_seed(int(self._epoch_generator("dropout", batch_idx).integers(2**31)))

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        return self.total(self.task.losses(self.model, batch), batch)

    def total(self, terms: Sequence[LossTerm], batch: Batch) -> torch.Tensor:
        """The sum that is minimised, which is logged with its terms."""
        loss = sum((term.weight * term.value for term in terms), start=batch.log_spectrum.new_zeros(()))
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        self._log_terms("train", terms[1:])
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        first, *others = self.task.losses(self.result, batch)
        # Weighted by the number of values averaged, so that it does not depend on how utterances are batched.
        self.log("valid_loss", first.value, prog_bar=True, batch_size=first.count, sync_dist=True)
        self._log_terms("valid", others)

    def configure_optimizers(self) -> torch.optim.Optimizer | list[torch.optim.Optimizer]:
        return self._optimizer()

    def _optimizer(self) -> torch.optim.Optimizer:
        settings = self.config.training
        optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        if settings.lr_patience:
            self._plateau = ReduceLROnPlateau(optimizer, factor=0.5, patience=settings.lr_patience)
            if self._plateau_state is not None:
                self._plateau.load_state_dict(self._plateau_state)
        return optimizer

    # Lightning would step the scheduler after it writes the checkpoint: a resumed run would lose that step.
    def on_train_epoch_end(self) -> None:
        if self._plateau is not None:
            self._plateau.step(float(self.trainer.callback_metrics["valid_loss"]))

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["plateau"] = self._plateau.state_dict() if self._plateau is not None else None

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self._plateau_state = checkpoint["plateau"]

    def _log_terms(self, where: str, terms: Sequence[LossTerm]) -> None:
        for term in terms:
            self.log(
                f"{where}_{term.name}", term.value, on_step=False, on_epoch=True, batch_size=term.count, sync_dist=True
            )

    def _epoch_generator(self, *purpose: object) -> np.random.Generator:
        return generator(self.config.training.seed, self.current_epoch, *purpose)

    def _loading(self, data: SpeechData) -> dict:
        return {"batch_size": data.batch_size, "num_workers": self.config.training.workers, "collate_fn": collate}
