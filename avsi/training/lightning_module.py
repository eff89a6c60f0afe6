"""The Lightning module: a model with its task's data and losses, and the optimiser."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..config import Config
from ..data.stats import Stats
from ..rng import generator
from .dataset import Batch, SpeechData, make_batch
from .feature_cache import keep_features
from .loading import Loader
from .order import Place, Shares
from .tasks import LossTerm, Model, make_task


class TrainingRun(LightningModule):
    """A model, its task, which has the data and the losses, and the optimiser.

    Several processes train as one would with their batches together: each step's utterances are shared out among
    them, and each loss is weighted by how much of it they have. A run that goes on in another number of processes keeps
    the number of utterances of a step.

    Attributes:
        tells: whether it says what it prepares.
    """

    tells = False

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
        self._step = 0  # the utterances of one step, of all processes together, once that is known
        self._train_shares = self._valid_shares = Shares(0, 1)

    @property
    def result(self) -> Model:
        """The model that is validated and saved: the trained one, or the moving average of its weights."""
        # AveragedModel holds a copy of the model, but does not know its type.
        return self.model if self.average is None else cast(Model, self.average.module)

    def prepare_data(self) -> None:  # in one process on each host, for which the others wait
        self._keep_features(makes=True)

    def setup(self, stage: str) -> None:
        if self.trainer.local_rank:
            self._keep_features(makes=False)

    def on_train_epoch_start(self) -> None:
        self.task.begin_epoch(self.current_epoch, self.result)

    def on_train_batch_end(self, *_: object) -> None:
        if self.average is not None:
            self.average.update_parameters(self.model)

    def train_dataloader(self) -> Loader:
        data = self.task.train_set
        data.epoch = self.current_epoch
        self._step = self._step or data.batch_size * self.trainer.world_size
        places = data.order(self._epoch_generator("order"), self._step)
        self._train_shares = self._shares(len(places), self._step)
        return self._loader(data, self._train_shares.batches(places))

    def val_dataloader(self) -> Loader:
        data = self.task.valid_set
        self._valid_shares = self._shares(len(data), data.batch_size * self.trainer.world_size)
        return self._loader(data, self._valid_shares.batches(range(len(data))))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout draws from the global generator, whose state is not in checkpoints. Processes drop other values.
        process = [self.global_rank] if self.global_rank else []
        torch.manual_seed(int(self._epoch_generator("dropout", batch_idx, *process).integers(2**31)))

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        return self.total(self.task.losses(self.model, batch), batch, batch_idx)

    def total(self, terms: Sequence[LossTerm], batch: Batch, batch_idx: int) -> torch.Tensor:
        """The sum that is minimised, which is logged with its terms."""
        shares = self._train_shares
        terms = counted(terms, shares, batch_idx)
        self._log_terms("train", terms[1:])
        parts = [term.weight * term.value for term in self.weighted(terms)]
        loss = sum(parts, start=batch.log_spectrum.new_zeros(()))
        size = shares.size(batch_idx)
        self._log("train_loss", loss, size, on_step=True)
        return loss

    def weighted(self, terms: Sequence[LossTerm]) -> list[LossTerm]:
        """Losses whose mean over the processes is that on what all have, since the mean of gradients is taken."""
        if self.trainer.world_size == 1:
            return list(terms)
        counts = torch.tensor([float(term.count) for term in terms], device=self.device)
        totals = self.trainer.strategy.reduce(counts.clone(), reduce_op="sum")
        weights = self.trainer.world_size * counts / totals.clamp_min(1)
        return [replace(term, value=weight * term.value) for term, weight in zip(terms, weights, strict=True)]

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        first, *others = counted(self.task.losses(self.result, batch), self._valid_shares, batch_idx)
        # Weighted by the number of values averaged, so that it does not depend on how utterances are batched.
        self._log("valid_loss", first.value, first.count, prog_bar=True)
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
        checkpoint["step_utterances"] = self._step

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self._plateau_state = checkpoint["plateau"]
        self._step = checkpoint.get("step_utterances", 0)  # earlier versions wrote none

    def _log_terms(self, where: str, terms: Sequence[LossTerm]) -> None:
        for term in terms:
            self._log(f"{where}_{term.name}", term.value, term.count)

    def _log(self, name: str, value: torch.Tensor, count: int, on_step: bool = False, prog_bar: bool = False) -> None:
        """Log a mean of ``count`` values, which is averaged with those of other steps and processes by that."""
        # Lightning divides the sum of all counts by the number of processes, and drops what is behind the point.
        count *= self.trainer.world_size
        self.log(name, value, on_step=on_step, on_epoch=True, prog_bar=prog_bar, batch_size=count, sync_dist=True)

    def _epoch_generator(self, *purpose: object) -> np.random.Generator:
        return generator(self.config.training.seed, self.current_epoch, *purpose)

    def _keep_features(self, makes: bool) -> None:
        for data in (self.task.train_set, self.task.valid_set):
            keep_features(data, self.trainer.num_devices, makes, self.tells)

    def _shares(self, n_places: int, step: int) -> Shares:
        return Shares(n_places, step, self.trainer.global_rank, self.trainer.world_size)

    def _loader(self, data: SpeechData, batches: list[list[Place]]) -> Loader:
        return Loader(partial(make_batch, data), batches, self.config.training.workers)


def counted(terms: Sequence[LossTerm], shares: Shares, number: int) -> list[LossTerm]:
    """The losses of this process in a step, which count nothing where others' utterances stand in."""
    return list(terms) if shares.has_own(number) else [replace(term, count=0) for term in terms]
