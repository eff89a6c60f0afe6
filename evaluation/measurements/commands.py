"""The wall time of programs, from start to end."""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from avsi.data.datadir import read_datadir, write_datadir
from avsi.errors import DataError

from . import Row, Setup, at_most


def inpaint(setup: Setup) -> Iterator[Row]:
    options = ["inpaint", setup.videos[0].video, "--gap", "0.8:1.6", "-o", f"{setup.folder}/out.wav"]
    # By turns, so that a busy machine slows both.
    turns = [(seconds("-m", "avsi.cli", *options), seconds("-c", "import torch, mediapipe")) for _ in range(3)]
    inpaint_s, import_s = map(min, zip(*turns, strict=True))
    yield Row("avsi inpaint, s", inpaint_s, f"importing torch, MediaPipe {import_s:.2f}", 2 * import_s / inpaint_s, 1)


def show_help(setup: Setup) -> Iterator[Row]:
    yield at_most("avsi --help, s", max(seconds("-m", "avsi.cli", "--help") for _ in range(5)), 0.5)


def landmarks(setup: Setup) -> Iterator[Row]:
    """Milliseconds a frame of data_prep.landmarks, its start included: one job on one core, one job, two jobs."""
    available = os.sched_getaffinity(0)
    each_ms = []
    for number, (jobs, cores) in enumerate(((1, {min(available)}), (1, available), (2, available))):
        target = setup.folder / f"landmarks{number}"
        write_datadir(target, [dataclasses.replace(utterance, landmarks=None) for utterance in setup.videos])
        os.sched_setaffinity(0, cores)
        took_s = seconds("-m", "data_prep.landmarks", str(target), "--jobs", str(jobs))
        os.sched_setaffinity(0, available)
        frames = sum(len(utterance.load_landmarks().time_s) for utterance in read_datadir(target))
        each_ms.append(1000 * took_s / frames)
    core_ms, one_ms, two_ms = each_ms
    yield at_most("landmarks, one core, ms/frame", core_ms, 12.0)
    yield Row("landmarks, two jobs, ms/frame", two_ms, f"one job {one_ms:.2f}", one_ms / two_ms, 1.7)


def seconds(*arguments: str) -> float:
    """The wall time of a Python program. Raises DataError where it fails."""
    start = time.perf_counter()
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if result.returncode:
        raise DataError(f"{' '.join(arguments)}: {result.stderr.strip() or 'failed'}")
    return time.perf_counter() - start
