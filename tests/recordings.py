"""Recordings that tests make, and the program that prepares them."""

from pathlib import Path

import numpy as np
import soundfile
from conftest import RATE, speech
from typer.testing import CliRunner

from avsi.data.datadir import Utterance, read_datadir
from data_prep.recordings.__main__ import app


def voice(*sounds: tuple[float, float], duration_s: float, rate: int = RATE, noise: float = 0.0) -> np.ndarray:
    """A steady buzz in some stretches (start_s, stop_s), and silence or noise elsewhere."""
    time_s = np.arange(round(duration_s * rate)) / rate
    on = np.any([(time_s >= start) & (time_s < stop) for start, stop in sounds], axis=0)
    buzz = 0.1 * sum(np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 9))
    return (on * buzz + noise * np.random.default_rng(0).standard_normal(len(time_s))).astype(np.float32)


def say(path: Path, samples: np.ndarray | int = 0, rate: int = RATE) -> Path:
    """Write a recording; a number is that of three seconds of speech."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speech(samples) if isinstance(samples, int) else samples, rate)
    return path


def run(root: Path, out: Path, *options: object):
    arguments = ["--root", root, "--out", out, "--jobs", 1, "--split", "train", *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def prepared(root: Path, out: Path, *options: object) -> dict[str, Utterance]:
    """The utterances by id, all in one set."""
    result = run(root, out, *options)
    assert result.exit_code == 0, (result.output, result.exception)
    return {utterance.id: utterance for utterance in read_datadir(out / "train")}


def lines(path: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in path.read_text().splitlines())
