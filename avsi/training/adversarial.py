"""Training against a discriminator, which tells restored spectra from true ones."""

from typing import Any, cast

import torch
from torch import Tensor

from ..audio.phase import keep_reliable
from ..config import Config
from ..data.stats import Stats
from .dataset import Batch
from .discriminator import Discriminator, adversarial_loss, discriminator_loss, feature_matching_loss
from .lightning_module import TrainingRun, counted
from .tasks import Inpainting, LossTerm, Refining, Restored

BETAS = (0.5, 0.9)  # of the discriminator's optimiser: shorter memories than usual, since what it is shown changes


class AdversarialRun(TrainingRun):
    """A run of a model that restores, with a discriminator and an optimiser of its own for it, as the second phase of
    SpeechPainter (Borsos, Sharifi and Tagliasacchi, 2022).

    To the losses on the lost frames come that of not being told from true sound and that of feature matching. In each
    step both networks learn from what they made of the same batch with the weights from before it.
    """

    task: Inpainting | Refining
    model: Any

    def __init__(self, config: Config, stats: Stats) -> None:
        super().__init__(config, stats)
        self.automatic_optimization = False  # Lightning's own loop knows one optimiser alone
        self.discriminator = Discriminator()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        settings = self.config.training
        restored, terms = self.task.restore(self.model, batch)
        true, made = (_shown(each, restored) for each in (restored.target, restored.predicted))
        lost = restored.lost

        on_true = self.discriminator(true, lost)
        self.discriminator.requires_grad_(False)
        on_made = self.discriminator(made, lost)
        self.discriminator.requires_grad_(True)
        matching = feature_matching_loss(on_true, on_made)
        terms = [
            *terms,
            LossTerm("adversarial", adversarial_loss(on_made), settings.adversarial, len(batch.ids)),
            LossTerm("matching", matching, settings.feature_matching, len(batch.ids)),
        ]
        told_apart = discriminator_loss(on_true, self.discriminator(made.detach(), lost))
        against = counted([LossTerm("discriminator", told_apart, 1.0, len(batch.ids))], self._train_shares, batch_idx)
        self._log_terms("train", against)
        total = self.total(terms, batch, batch_idx)
        for optimizer, loss in zip(
            cast(list, self.optimizers()), (total, self.weighted(against)[0].value), strict=True
        ):
            optimizer.zero_grad()
            self.manual_backward(loss)
            if settings.clip_norm:
                self.clip_gradients(optimizer, settings.clip_norm, "norm")
            optimizer.step()
        return total.detach()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        parameters, rate = self.discriminator.parameters(), self.config.training.learning_rate
        return [self._optimizer(), torch.optim.Adam(parameters, lr=rate, betas=BETAS)]


def _shown(spectrum: Tensor, restored: Restored) -> Tensor:
    """What the discriminator is shown of a spectrum: its lost frames in their surroundings; 0 in the padding."""
    inside = torch.arange(restored.lost.shape[1], device=restored.lost.device) < restored.lengths[:, None]
    return keep_reliable(restored.target, spectrum, restored.lost) * inside[..., None]
