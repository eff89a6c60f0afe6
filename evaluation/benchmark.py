"""How fast the toolkit is on this machine, against what it should reach.

python -m evaluation.benchmark data/train --config conf/av.yaml
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from avsi.config import Config
from avsi.config_files import load_config
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.stats import Stats
from avsi.errors import DataError
from avsi.program import print_table, run_program

# What each measurement should reach: seconds, milliseconds, or a ratio.
MIN_TRAINING_RATIO = 0.9
MAX_UNEQUAL_RATIO = 1.3
MIN_BF16_GAIN = 1.0
MAX_LANDMARK_MS = 12.0
MIN_LANDMARK_GAIN = 1.7
MAX_INPAINT_S = 6.0
MAX_HELP_S = 0.5
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory with landmarks, videos and stats.npz.")],
    config: Annotated[list[Path], typer.Option(help="The model to train; of several, the last decides.")] = [],  # noqa: B006
    utterances: Annotated[int, typer.Option(help="How many to train on in an epoch.")] = 160,
    clips: Annotated[int, typer.Option(help="In how many to find landmarks.")] = 160,
) -> None:
    """Measure training, landmarks, restoring and the start of the command line."""
    settings = load_config(config)
    chosen = read_datadir(datadir)
    with_video = [utterance for utterance in chosen if utterance.video][:clips]
    if not with_video:
        raise DataError(f"{datadir}: has no video.scp")
    with tempfile.TemporaryDirectory(prefix="avsi-") as name:
        folder = Path(name)
        unequal, bf16 = measure_lstm(settings)
        run, bare = measure_training(chosen[:utterances], settings, datadir / "stats.npz", folder)
        core_ms, one_ms, two_ms = measure_landmarks(with_video, folder)
        inpaint = ["inpaint", with_video[0].video, "--gap", "0.8:1.6", "-o", f"{folder}/out.wav"]
        inpaint_s = max(_seconds("-m", "avsi.cli", *inpaint) for _ in range(3))
    help_s = max(_seconds("-m", "avsi.cli", "--help") for _ in range(5))
    rows = [
        _row("training, utterances/s", run, f"bare LSTM loop {bare:.1f}", run / bare, MIN_TRAINING_RATIO),
        _row(
            "unequal lengths, times as slow a frame",
            unequal,
            f"at most {MAX_UNEQUAL_RATIO:g}",
            MAX_UNEQUAL_RATIO / unequal,
            1,
        ),
        ["bf16, times as fast", "-", "this CPU has none", "-", f">= {MIN_BF16_GAIN:g}", "-"]
        if bf16 is None
        else _row("bf16, times as fast", bf16, "full precision", bf16, MIN_BF16_GAIN),
        _row("landmarks, one core, ms/frame", core_ms, f"at most {MAX_LANDMARK_MS:g}", MAX_LANDMARK_MS / core_ms, 1),
        _row("landmarks, two jobs, ms/frame", two_ms, f"one job {one_ms:.2f}", one_ms / two_ms, MIN_LANDMARK_GAIN),
        _row("avsi inpaint, s", inpaint_s, f"at most {MAX_INPAINT_S:g}", MAX_INPAINT_S / inpaint_s, 1),
        _row("avsi --help, s", help_s, f"at most {MAX_HELP_S:g}", MAX_HELP_S / help_s, 1),
    ]
    print_table("benchmark", ["what", "measured", "against", "ratio", "wanted", ""], rows)


def _row(what: str, measured: float, against: str, ratio: float, wanted: float) -> list[str]:
    return [what, f"{measured:.2f}", against, f"{ratio:.2f}", f">= {wanted:g}", "ok" if ratio >= wanted else "missed"]


def _seconds(*arguments: str) -> float:
    """The wall time of a Python program, from its start to its end. Raises DataError where it fails."""
    start = time.perf_counter()
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if result.returncode:
        raise DataError(f"{' '.join(arguments)}: {result.stderr.strip() or 'failed'}")
    return time.perf_counter() - start


def measure_training(utterances: list[Utterance], settings: Config, stats: Path, folder: Path) -> tuple[float, float]:
    """(utterances/s of a training run, of a bare loop over the same batches): the best of four epochs of each."""
    from lightning.pytorch import Callback

    from avsi.data.gap_files import write_gap_file
    from avsi.data.gaps import Gap
    from avsi.training.dataset import InpaintingData, collate
    from avsi.training.run import train

    write_datadir(folder / "train", utterances)
    write_datadir(folder / "valid", utterances[:1])
    write_gap_file(folder / "gaps", {utterances[0].id: [Gap(0.5, 1.0)]})
    settings.data.train, settings.data.valid = str(folder / "train"), str(folder / "valid")
    settings.data.stats, settings.data.valid_gaps = str(stats), str(folder / "gaps")
    settings.training.max_epochs, settings.training.precision = 5, "32-true"

    epochs_s: list[float] = []

    class Stopwatch(Callback):
        def on_train_epoch_start(self, trainer, run) -> None:
            self.start = time.perf_counter()

        def on_validation_start(self, trainer, run) -> None:
            epochs_s.append(time.perf_counter() - self.start)

    train(settings, folder / "run", progress=False, callbacks=[Stopwatch()])
    data = InpaintingData(folder / "train", settings)
    size = settings.training.batch_size
    items = [data[index] for index in range(len(data))]
    batches = [collate(items[start : start + size]) for start in range(0, len(items), size)]
    bare_s = [bare_epoch(batches, settings, Stats.load(stats)) for _ in range(5)]
    # The first epoch reads the files and warms up.
    return len(utterances) / min(epochs_s[1:]), len(utterances) / min(bare_s[1:])


def measure_lstm(settings: Config) -> tuple[float, float | None]:
    """(How many times as slow a frame of batches of unequal lengths is, how many times as fast bf16 is or None where
    the CPU does not compute in it): the model's LSTM forwards and backwards, against equal lengths in full precision.
    """
    import torch

    from avsi.models.blstm import run_blstm
    from avsi.models.inpainter import BLSTMInpainter
    from avsi.training.precision import computes_in

    size, longest = settings.training.batch_size, 250
    blstm = BLSTMInpainter(settings, phones=("AA",)).blstm
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
    return unequal_s / full_s, full_s / bf16_s if has_bf16 else None


def bare_epoch(batches: list, settings: Config, stats: Stats) -> float:
    """Seconds for one epoch of the shortest loop that trains an LSTM of the same size on batches that lie in memory."""
    import torch

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


def measure_landmarks(utterances: list[Utterance], folder: Path) -> tuple[float, float, float]:
    """Milliseconds a frame of data_prep.landmarks, its start included: one job on one core, one job, two jobs."""
    available = os.sched_getaffinity(0)
    each_ms = []
    for number, (jobs, cores) in enumerate(((1, {min(available)}), (1, available), (2, available))):
        target = folder / f"landmarks{number}"
        write_datadir(target, [dataclasses.replace(utterance, landmarks=None) for utterance in utterances])
        os.sched_setaffinity(0, cores)
        seconds = _seconds("-m", "data_prep.landmarks", str(target), "--jobs", str(jobs))
        os.sched_setaffinity(0, available)
        frames = sum(len(utterance.load_landmarks().time_s) for utterance in read_datadir(target))
        each_ms.append(1000 * seconds / frames)
    return tuple(each_ms)


if __name__ == "__main__":
    run_program(app)
