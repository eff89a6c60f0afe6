"""What each stage of a recipe takes on one core, for an hour of recordings."""

import dataclasses
import math
import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from avsi.config_files import load_config
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.training.dataset import SpeechData
from avsi.training.feature_cache import size_of

from . import Setup
from .commands import seconds
from .training import epochs_s

ENOUGH_S = 2.0  # beside which it is little that the start of a program varies by a tenth of a second or two
FEW = 2  # utterances, with which hardly more is measured than the start
N_STAGES = 6
AT_MOST_MORE = 16  # times as many utterances as before


@dataclass(frozen=True)
class Stage:
    """What an hour of recordings takes in one stage, on one core.

    Attributes:
        core_s: seconds.
        disk_bytes: what stays on the disk.
        hours: of recordings that it goes through, however large the corpus is; None for those of the corpus.
    """

    what: str
    core_s: float
    disk_bytes: float = 0.0
    hours: float | None = None


def measure(utterances: list[Utterance], configs: list[Path], folder: Path) -> Iterator[Stage]:
    """Go through the :data:`N_STAGES` stages with the utterances.

    Args:
        utterances: with videos.
        configs: files of the model to train.
        folder: an empty one.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # of the programs
    torch.set_num_threads(1)
    config, options = load_config(configs), [option for path in configs for option in ("--config", str(path))]
    epochs, of_epoch = config.training.max_epochs, config.training.epoch_utterances
    config.training.epoch_utterances = 0  # as long as what is measured on
    config.training.accelerator, config.training.devices = "cpu", "1"
    config.training.cache, config.training.workers = "memory", 0

    @cache
    def films(count: int) -> Path:
        return _write(folder / f"films{count}", [dataclasses.replace(u, landmarks=None) for u in utterances], count)

    films_s = per_hour(utterances, lambda n: _program_s("data_prep.landmarks", films(n), "--jobs", "1"))
    found = read_datadir(films(len(utterances)))
    hours = _hours(found)
    yield Stage("landmarks", films_s, _bytes(films(len(found)) / "landmarks.ark") / hours)

    @cache
    def faces(count: int) -> Path:
        return _write(folder / f"faces{count}", found, count)

    stats_s = per_hour(found, lambda n: _program_s("data_prep.stats", faces(n), *options, "--jobs", "1"))
    yield Stage("statistics", stats_s)

    @cache
    def features(count: int) -> SpeechData:
        return SpeechData(faces(count), config)

    features_s = per_hour(found, lambda n: _made_s(features(n)))
    yield Stage("features", features_s, size_of(features(len(found))) / hours)
    stats = faces(len(found)) / "stats.npz"

    @cache
    def trained(count: int) -> tuple[Path, float]:
        place = folder / f"training{count}"
        place.mkdir()
        setup = Setup(config, read_datadir(faces(count)), [], stats, place)
        return place / "run", min(epochs_s(setup, time.process_time)[1:])

    epoch_s = per_hour(found, lambda n: trained(n)[1])
    if of_epoch:
        yield Stage(f"training, {epochs} x {of_epoch}", epochs * epoch_s, hours=of_epoch * hours / len(found))
    else:
        yield Stage(f"training, {epochs} epochs", epochs * epoch_s)
    any_share = ["--max-left-out", "1"]  # of a few, one is a large share
    model = ["--system", f"model={trained(FEW)[0]}", "--stats", str(stats)]

    @cache
    def restored(count: int) -> tuple[Path, float]:
        _program_s("data_prep.gaps", faces(count), "400")
        out = folder / f"evaluation{count}"
        options = ["--gaps", "400", "--out", str(out), "--jobs", "1", *any_share]
        return out, _program_s("evaluation.restore", faces(count), *model, *options)

    restore_s = per_hour(found, lambda n: restored(n)[1])
    yield Stage("restoring", restore_s, _bytes(restored(len(found))[0]) / hours)
    yield Stage(
        "scoring", per_hour(found, lambda n: _program_s("evaluation.score", restored(n)[0], "--jobs", "1", *any_share))
    )


def per_hour(utterances: list[Utterance], took_s: Callable[[int], float]) -> float:
    """The seconds that an hour of recordings takes: what the utterances take, and where that is little some copies of
    them, beyond what a few take, so that no start of a program is in it.

    Args:
        took_s: the seconds that a number of utterances takes, which are those of :func:`_write`.
    """
    start_s, count = took_s(FEW), len(utterances)
    while (more_s := took_s(count) - start_s) < ENOUGH_S:
        times = ENOUGH_S / more_s if more_s > 0 else AT_MOST_MORE
        count *= min(AT_MOST_MORE, 1 + math.ceil(times))
    return more_s / (_hours(_copies(utterances, count)) - _hours(utterances[:FEW]))


def _copies(utterances: list[Utterance], count: int) -> list[Utterance]:
    """So many utterances, those that are there over and over again."""
    rounds = [utterances[number % len(utterances)] for number in range(count)]
    return [dataclasses.replace(u, id=f"{u.id}_{number:06d}") for number, u in enumerate(rounds)]


def _write(folder: Path, utterances: list[Utterance], count: int) -> Path:
    write_datadir(folder, _copies(utterances, count))
    return folder


def _program_s(program: str, *arguments: object) -> float:
    """The seconds of processor time that a program takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds("-m", program, *map(str, arguments))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _made_s(data: SpeechData) -> float:
    """The seconds of processor time to compute all features of a set."""
    start = time.process_time()
    for index in range(len(data)):
        data.make(index)
    return time.process_time() - start


def _hours(utterances: list[Utterance]) -> float:
    return sum(utterance.duration_s for utterance in utterances) / 3600


def _bytes(path: Path) -> int:
    """Of a file, or of all in a folder."""
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())
