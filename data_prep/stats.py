"""Normalisation statistics of a training set.

python -m data_prep.stats data/train --config conf/av.yaml
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.cluster import OnCluster
from avsi.config import Config
from avsi.config_files import load_config
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.features import load_features
from avsi.data.stats import RunningMoments, Stats
from avsi.program import in_parallel, print_table, progress, run_program

PART = 100  # utterances in a task, however many processes there are: the sums are the same to the last bit
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The training set, and no other.")],
    config: Annotated[
        list[Path], typer.Option(help="The config whose features are measured; of several, the last decides.")
    ] = [],  # noqa: B006
    set_: Annotated[list[str], typer.Option("--set", help="key=value over the config; repeatable.")] = [],  # noqa: B006
    out: Annotated[
        Path | None, typer.Option(help="The file to write; stats.npz in the data directory by default.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Measure mean and deviation of each log-magnitude bin and each visual feature."""
    settings = load_config(config, set_)
    utterances = read_datadir(datadir)
    audio, visual = RunningMoments(), RunningMoments()
    parts = [utterances[first : first + PART] for first in range(0, len(utterances), PART)]
    results = in_parallel(max(1, min(jobs, len(parts))), [(_measure, part, settings) for part in parts])
    for heard, seen in progress(results, len(parts), "statistics, parts"):
        audio.join(heard)
        visual.join(seen)
    ids = np.array([utterance.id for utterance in utterances])
    stats = Stats(*audio.result(), *visual.result(), ids)
    path = out or datadir / "stats.npz"
    stats.save(path)
    print_table(
        str(path),
        ["measured on", "count"],
        [
            ["utterances", len(utterances)],
            ["of them with landmarks", sum(utterance.landmarks is not None for utterance in utterances)],
            ["STFT frames", audio.count],
            ["log-magnitude bins", len(stats.audio_mean)],
            ["visual features", len(stats.visual_mean)],
        ],
    )


def _measure(utterances: list[Utterance], settings: Config) -> tuple[RunningMoments, RunningMoments]:
    """What some of the utterances add, of sound and of faces."""
    audio, visual = RunningMoments(), RunningMoments()
    for utterance in utterances:
        settings.model.video = utterance.landmarks is not None
        features = load_features(utterance, settings)
        audio.add(features.log_spectrum.numpy())
        if settings.model.video:
            known = ~features.visual.isnan().any(dim=1)
            visual.add(features.visual[known].numpy())
    return audio, visual


if __name__ == "__main__":
    run_program(app)
