"""Score what a system restored, utterance by utterance.

python -m evaluation.score exp/av/gaps_800ms
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import kaldiio
import numpy as np
import torch
import typer

from avsi.audio.files import read_mono
from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import StftConfig
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gaps import gap_spans, lost_frames
from avsi.data.stats import Stats
from avsi.errors import AvsiError
from avsi.files import write_text
from avsi.metrics import UndefinedMetric, gap_l1, pesq_nb, stoi
from avsi.program import in_parallel, print_table, progress, run_program

from .restored import SCORES, RestoredSet

METRICS = ("l1", "stoi", "pesq")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders that evaluation.restore wrote.")],
    stats: Annotated[Path, typer.Option(help="Training-set statistics: the unit of L1.")] = Path(
        "data/train/stats.npz"
    ),
    jobs: Annotated[int, typer.Option(help="Processes to score with.")] = 2,
) -> None:
    """Write scores.jsonl into each folder: L1 on the gap, STOI and narrow-band PESQ (LQO) on the utterance."""
    std = Stats.load(stats).audio_std
    for folder in folders:
        restored = RestoredSet.read(folder)
        rows = score_set(restored, std, jobs)
        write_text(folder / SCORES, "".join(json.dumps(row) + "\n" for row in rows))
        print_table(f"{restored.about['corpus']}: {folder}", ["metric", "mean", "scored", "not scored"], summary(rows))


def score_set(restored: RestoredSet, std: np.ndarray, jobs: int) -> list[dict]:
    """One row per utterance of the *clean* set, matched by id: what is missing is counted, and shifts nothing."""
    tasks = [(score_utterance, utterance, restored, std) for utterance in read_datadir(restored.about["datadir"])]
    return list(progress(in_parallel(jobs, tasks), len(tasks), f"{restored.folder}: scores"))


def score_utterance(utterance: Utterance, restored: RestoredSet, std: np.ndarray) -> dict:
    """A metric's value, or null beside the reason in ``failed``."""
    id_ = utterance.id
    row: dict = {"id": id_, "speaker": utterance.speaker, **dict.fromkeys(METRICS), "failed": {}}
    stft = StftConfig()
    rate = stft.sample_rate
    clean = read_mono(utterance.wav, rate)

    def attempt(metric: str, compute: Callable[[], float]) -> None:
        try:
            if id_ not in restored.wavs:
                raise UndefinedMetric(restored.failed.get(id_, "not restored"))
            row[metric] = compute()
        except (AvsiError, OSError, ValueError) as error:
            row["failed"][metric] = str(error)

    def l1() -> float:
        truth = log_magnitude(spectrum(torch.from_numpy(clean), stft), stft).numpy()
        lost = lost_frames(gap_spans(restored.gaps[id_], len(clean), rate), len(truth), stft)
        return gap_l1(kaldiio.load_mat(restored.spectra[id_]), truth[lost], std)

    attempt("l1", l1)
    attempt("stoi", lambda: stoi(clean, read_mono(restored.wavs[id_], rate), rate))
    attempt("pesq", lambda: pesq_nb(clean, read_mono(restored.wavs[id_], rate), rate))
    return row


def summary(rows: list[dict]) -> list[list[object]]:
    """(metric, mean, number scored, number not scored) for each metric."""
    table = []
    for metric in METRICS:
        values = [row[metric] for row in rows if row[metric] is not None]
        mean = math.fsum(values) / len(values) if values else math.nan
        table.append([metric, f"{mean:.3f}", len(values), len(rows) - len(values)])
    return table


if __name__ == "__main__":
    run_program(app)
