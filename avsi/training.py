"""The training run: Lightning's loop around one model, with what makes it repeatable and safe to kill."""

from __future__ import annotations

import logging
import os
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from .config import Config, TrainingConfig, load_config
from .data.dataset import Batch, collate
from .data.gaps import generator
from .data.stats import Stats
from .errors import ConfigError, DataError, ModelError
from .files import digest, write_text, written_beside
from .models.store import LEXICON, TRAIN_IDS, WEIGHTS, find_model, learnt_from, save_model, start_from
from .precision import choose_precision
from .tasks import Term, make_task
from .video.motion import n_features

LAST = "last.ckpt"
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
    _claim(folder, config, run, _met(config, run, stats, folder))
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


class TrainingRun(LightningModule):
    """A model with its data and losses, which are its task's, and the optimiser."""

    def __init__(self, config: Config, stats: Stats) -> None:
        super().__init__()
        torch.manual_seed(config.training.seed)
        self.config = config
        self.task = make_task(config, stats)
        self.model = self.task.model  # what is optimised
        self.average = None
        if config.training.average:
            # Its first value is what the first step makes of the weights. It has no gradients, which several GPUs would
            # wait for.
            self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.training.average))
            self.average.requires_grad_(False)
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_state: dict | None = None

    @property
    def result(self) -> torch.nn.Module:
        """What is judged and saved: the model, or the average over its way."""
        return self.model if self.average is None else self.average.module

    def on_train_batch_end(self, *_: object) -> None:
        if self.average is not None:
            self.average.update_parameters(self.model)

    def train_dataloader(self) -> DataLoader:
        data = self.task.train_set
        data.epoch = self.current_epoch
        order = draw_order(
            [utterance.speaker for utterance in data.utterances], self.config.training, self._epoch_generator("order")
        )
        return DataLoader(data, sampler=order, **self._loading())

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.task.valid_set, **self._loading())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout draws from the global generator, whose state a checkpoint does not carry.
        torch.manual_seed(int(self._epoch_generator("dropout", batch_idx).integers(2**31)))

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        terms = self.task.losses(self.model, batch)
        loss = sum(term.weight * term.value for term in terms)
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        self._log_parts("train", terms[1:])
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        first, *others = self.task.losses(self.result, batch)
        # Weighted by what it is the mean of, so that it does not depend on how utterances fall into batches.
        self.log("valid_loss", first.value, prog_bar=True, batch_size=first.count, sync_dist=True)
        self._log_parts("valid", others)

    def configure_optimizers(self):
        settings = self.config.training
        optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
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

    def _log_parts(self, where: str, terms: Sequence[Term]) -> None:
        for term in terms:
            self.log(
                f"{where}_{term.name}", term.value, on_step=False, on_epoch=True, batch_size=term.count, sync_dist=True
            )

    def _epoch_generator(self, *purpose: object) -> np.random.Generator:
        return generator(self.config.training.seed, self.current_epoch, *purpose)

    def _loading(self) -> dict:
        settings = self.config.training
        return {"batch_size": settings.batch_size, "num_workers": settings.workers, "collate_fn": collate}


def draw_order(speakers: list[str], settings: TrainingConfig, rng: np.random.Generator) -> list[tuple[int, int]]:
    """The utterances of one epoch in the order in which they are trained on: the place of each, and how often it came
    before.

    Without ``balance`` all come once before any comes again; with it each is drawn by itself, the speaker's share among
    all being its number of utterances to that power (as languages are in Conneau et al., 2020, section 3.1).

    Args:
        speakers: that of each utterance.
    """
    length = settings.epoch_utterances or len(speakers)
    if settings.balance == 1:
        rounds = -(-length // len(speakers))
        places = np.concatenate([rng.permutation(len(speakers)) for _ in range(rounds)])[:length].tolist()
        return _counted(places)
    _, speaker, count = np.unique(speakers, return_inverse=True, return_counts=True)
    weight = count[speaker] ** (settings.balance - 1)
    return _counted(rng.choice(len(speakers), length, p=weight / weight.sum()).tolist())


def _counted(places: list[int]) -> list[tuple[int, int]]:
    seen: Counter[int] = Counter()
    pairs = []
    for place in places:
        pairs.append((place, seen[place]))
        seen[place] += 1
    return pairs


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


def _met(config: Config, run: TrainingRun, stats: Stats, folder: Path) -> set[str]:
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
