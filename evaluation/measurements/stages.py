"""What each stage of a recipe takes on one core, for an hour of recordings."""

import dataclasses
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from avsi.config_files import load_config
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.features import load_features

from . import Setup
from .commands import seconds
from .training import epochs_s


@dataclass(frozen=True)
class Stage:
    """What an hour of recordings takes in one stage, on one core.

    Attributes:
        core_s: seconds.
        disk_bytes: what stays on the disk.
        times: how often the stage is gone through, such as the epochs of a training run.
    """

    what: str
    core_s: float
    disk_bytes: float = 0.0
    times: int = 1


def measure(utterances: list[Utterance], configs: list[Path], folder: Path) -> list[Stage]:
    """Go through the stages with the utterances, and by its programs with a quarter of them too: the difference has no
    start of a program in it.

    Args:
        utterances: with videos.
        configs: files of the model to train.
        folder: an empty one.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    config, options = load_config(configs), [option for path in configs for option in ("--config", str(path))]
    few, all_ = folder / "few", folder / "all"
    for place, part in ((few, utterances[: len(utterances) // 4]), (all_, utterances)):
        write_datadir(place, [dataclasses.replace(utterance, landmarks=None) for utterance in part])
    hours = sum(utterance.duration_s for utterance in utterances) / 3600
    more_hours = hours - sum(utterance.duration_s for utterance in utterances[: len(utterances) // 4]) / 3600

    def program(*arguments: str) -> float:
        """Core seconds an hour of a program, as the system counts them; {} is the data directory."""
        counted = []
        for place in (few, all_):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds("-m", *(argument.format(place) for argument in arguments))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            counted.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return max(0.0, counted[1] - counted[0]) / more_hours

    stages = [
        Stage("landmarks", program("data_prep.landmarks", "{}", "--jobs", "1"), _bytes(all_ / "landmarks.ark") / hours)
    ]
    found = read_datadir(all_)
    stages.append(Stage("statistics", program("data_prep.stats", "{}", *options, "--jobs", "1")))
    start, kept = time.process_time(), [load_features(utterance, config) for utterance in found]
    features_s = time.process_time() - start
    size = sum(features.log_spectrum.nbytes + features.visual.nbytes for features in kept)
    stages.append(Stage("features", features_s / hours, size / hours))
    epoch_s = min(epochs_s(Setup(config, found, found, all_ / "stats.npz", folder))[1:])
    stages.append(Stage("training, an epoch", epoch_s / hours, times=config.training.max_epochs))
    program("data_prep.gaps", "{}", "400")
    model = ["--system", f"model={folder / 'run'}", "--stats", str(all_ / "stats.npz")]
    restore_s = program("evaluation.restore", "{}", *model, "--gaps", "400", "--out", "{}/evaluation", "--jobs", "1")
    stages.append(Stage("restoring", restore_s, _bytes(all_ / "evaluation") / hours))
    stages.append(Stage("scoring", program("evaluation.score", "{}/evaluation", "--jobs", "1")))
    return stages


def _bytes(path: Path) -> int:
    """Of a file, or of all in a folder."""
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())
