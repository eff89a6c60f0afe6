"""The speed of training, and of its LSTM."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from lightning.pytorch import Callback

from avsi.config import Config
from avsi.data.datadir import write_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.data.stats import Stats
from avsi.models.blstm import run_blstm
from avsi.models.inpainter import BLSTMInpainter
from avsi.training.dataset import InpaintingData, collate
from avsi.training.precision import computes_in
from avsi.training.run import train

from . import Row, Setup, at_most


class _Stopwatch(Callback):
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.epochs_s = clock, []

    def on_train_epoch_start(self, trainer, run) -> None:
        self.start = self.clock()

    def on_validation_start(self, trainer, run) -> None:
        self.epochs_s.append(self.clock() - self.start)


def epochs_s(setup: Setup, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The seconds of each of five epochs of a training run, which goes to the folder ``run``. The first one reads the
    files and warms up.

    Args:
        clock: by which seconds are counted.
    """
    settings, folder = copy.deepcopy(setup.config), setup.folder
    write_datadir(folder / "train", setup.utterances)
    write_datadir(folder / "valid", setup.utterances[:1])
    write_gap_file(folder / "gaps", {setup.utterances[0].id: [Gap(0.5, 1.0)]})
    settings.data.train, settings.data.valid = str(folder / "train"), str(folder / "valid")
    settings.data.stats, settings.data.valid_gaps = str(setup.stats), str(folder / "gaps")
    settings.training.max_epochs = 5
    watch = _Stopwatch(clock)
    train(settings, folder / "run", progress=False, callbacks=[watch])
    return watch.epochs_s


def training(setup: Setup) -> Iterator[Row]:
    """A training run against a bare loop over the same batches: the best of four epochs of each."""
    count, folder, settings = len(setup.utterances), setup.folder, copy.deepcopy(setup.config)
    settings.training.precision = "32-true"
    run = count / min(epochs_s(replace(setup, config=settings))[1:])
    data, size = InpaintingData(folder / "train", settings), settings.training.batch_size
    items = [data[index] for index in range(len(data))]
    batches = [collate(items[start : start + size]) for start in range(0, len(items), size)]
    bare_s = [_bare_epoch_s(batches, settings, Stats.load(setup.stats)) for _ in range(5)]
    bare = count / min(bare_s[1:])
    yield Row("training, utterances/s", run, f"bare LSTM loop {bare:.1f}", run / bare, 0.9)


def lstm(setup: Setup) -> Iterator[Row]:
    """The model's LSTM forwards and backwards: with unequal lengths, and in bf16, against equal lengths in full
    precision.
    """
    size, longest = setup.config.training.batch_size, 250
    blstm = BLSTMInpainter(setup.config, phones=("AA",)).blstm
    inputs = torch.randn(size, longest, blstm.input_size)
    equal = torch.full((size,), longest)
    unequal = torch.linspace(longest / 2, longest, size).round().long()

    def frame_s(lengths: torch.Tensor, bf16: bool = False) -> float:
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = run_blstm(blstm, inputs, lengths)
        outputs.float().sum().backward()
        return (time.process_time() - start) / int(lengths.sum())

    # By turns, so that a busy machine slows all alike; the first run warms up.
    has_bf16 = computes_in("bf16-mixed", torch.device("cpu"))
    turns = [(frame_s(equal), frame_s(unequal), frame_s(equal, True) if has_bf16 else 0.0) for _ in range(6)]
    full_s, unequal_s, bf16_s = map(min, zip(*turns[1:], strict=True))
    yield at_most("unequal lengths, times as slow a frame", unequal_s / full_s, 1.3)
    gain = full_s / bf16_s if has_bf16 else None
    yield Row("bf16, times as fast", gain, "full precision" if gain else "this CPU has none", gain or 0, 1.0)


def _bare_epoch_s(batches: list, settings: Config, stats: Stats) -> float:
    """Seconds for one epoch of the shortest loop that trains an LSTM of the same size on batches in memory."""
    mean, std = torch.from_numpy(stats.audio_mean), torch.from_numpy(stats.audio_std)
    n_bins, n_visual = batches[0].log_spectrum.shape[-1], batches[0].visual.shape[-1]
    model = settings.model
    lstm = torch.nn.LSTM(
        n_bins + n_visual, model.hidden, model.layers, batch_first=True, bidirectional=True, dropout=model.dropout
    )
    linear = torch.nn.Linear(2 * model.hidden, n_bins)
    optimizer = torch.optim.Adam([*lstm.parameters(), *linear.parameters()], settings.training.learning_rate)
    start = time.perf_counter()
    for batch in batches:
        target = (batch.log_spectrum - mean) / std
        inputs = torch.cat([target * ~batch.lost[..., None], batch.visual.nan_to_num()], dim=-1)
        loss = (linear(lstm(inputs)[0]) - target)[batch.lost].abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start
