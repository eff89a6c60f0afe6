"""Lips for voices that were never filmed, for training.

python -m data_prep.lips fit data/voices --out data/lips.npz
python -m data_prep.lips apply data/lips.npz data/speech data/speech_lips
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import MADE_OF, OPTIONAL, Utterance, corpus_of, read_datadir, split_of, write_datadir
from avsi.data.matrices import append_matrix
from avsi.errors import DataError, MediaError
from avsi.files import digest, write_text
from avsi.folders import check_folder, files_together
from avsi.media.sound_reading import read_mono
from avsi.program import in_parallel, print_table, progress, run_program

from .fitting import fit as learn
from .model import LipModel
from .sound import STFT

FAILED = "lips_failed"  # by id, why an utterance has no lips
PART = 40  # utterances a process takes at a time, for which it loads the model once
app = typer.Typer(add_completion=False)


@app.command()
def fit(
    datadirs: Annotated[
        list[Path], typer.Argument(help="Films with their landmarks; with copies in other voices, too.")
    ],
    out: Annotated[Path, typer.Option(help="The model to write, an .npz file.")],
    networks: Annotated[int, typer.Option(min=1, help="Networks whose mean is the prediction.")] = 2,
    steps: Annotated[int, typer.Option(min=10, help="Training steps of each network.")] = 1500,
    seed: Annotated[int, typer.Option(help="By which networks begin and examples are drawn.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share cannot be learned from.")] = 0.05,
) -> None:
    """Learn from films what lips do to a sound, and print how much of it is told on speakers who were left out. What
    could not be learned from is listed in OUT.left_out.
    """
    if out.suffix != ".npz":
        raise DataError(f"{out}: expected the name of an .npz file")
    if out.is_dir():
        raise DataError(f"{out}: is a folder; expected the name of an .npz file")
    check_folder(out.absolute().parent)
    utterances = [utterance for datadir in datadirs for utterance in read_datadir(datadir)]
    model, scores, left_out = learn(utterances, networks, steps, seed, jobs, max_left_out)
    out.parent.mkdir(parents=True, exist_ok=True)
    model.save(out)
    reasons = out.with_name(f"{out.name}.left_out")
    reasons.unlink(missing_ok=True)
    print_table(
        f"{out}: learned from {len(model.ids)} utterances of {len(model.gains)} speakers",
        ["held-out speaker", "correlation", "variance explained"],
        [
            [speaker, f"{np.nanmean(scores.correlation[speaker]):.2f}", f"{np.nanmean(scores.explained[speaker]):.2f}"]
            for speaker in scores.correlation
        ],
    )
    if left_out:
        write_text(reasons, "".join(f"{id_} {reason}\n" for id_, reason in sorted(left_out.items())))
        id_, reason = next(iter(left_out.items()))
        print(f"left out {len(left_out)} ({reasons}), such as {id_}: {reason}")


@app.command()
def apply(
    model: Annotated[Path, typer.Argument(help="What fit wrote.")],
    datadir: Annotated[Path, typer.Argument(help="Recordings, none or some of which have landmarks.")],
    out: Annotated[Path, typer.Argument(help="The data directory to make.")],
    seed: Annotated[int, typer.Option(help="By which what the sound does not tell is drawn.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share gets no lips.")] = 0.05,
) -> None:
    """Write the same utterances with made lips, where there is neither landmarks nor a video. Gap files and statistics
    are not taken along. The file made_lips lists them; evaluation refuses such a set.
    """
    if out.resolve() == datadir.resolve():
        raise DataError(f"{out}: is the directory that lips are made for")
    check_folder(out)
    LipModel.load(model)  # one that cannot be loaded is told before anything is read
    utterances = read_datadir(datadir)
    todo = [utterance for utterance in utterances if utterance.landmarks is None and utterance.video is None]
    if not todo:
        raise DataError(f"{datadir}: each utterance has landmarks or a video; expected some that were never filmed")
    parts = [todo[start : start + PART] for start in range(0, len(todo), PART)]
    results = in_parallel(jobs, [(_make, model, part, seed) for part in parts])
    made_by, ark = digest(model), out.resolve() / "landmarks.ark"
    places: dict[str, str] = {}
    failed: dict[str, str] = {}
    with files_together(out, instead_of=[FAILED, *OPTIONAL, *MADE_OF]) as folder:
        with (folder / ark.name).open("wb") as file:
            for part in progress(results, len(parts), f"{out.name}: lips"):
                for id_, result in part:
                    if isinstance(result, str):
                        failed[id_] = result
                    else:
                        places[id_] = f"{ark}:{append_matrix(file, id_, result)}"
        if len(failed) > max_left_out * len(todo):
            id_, reason = next(iter(failed.items()))
            raise DataError(
                f"{datadir}: {len(failed)} of {len(todo)} utterances got no lips, more than --max-left-out "
                f"{max_left_out:g}, such as {id_}: {reason}"
            )
        kept = [
            dataclasses.replace(u, landmarks=places[u.id], made_lips=made_by) if u.id in places else u
            for u in utterances
        ]
        write_datadir(folder, kept, corpus_of(datadir), split_of(datadir) or None)
        if failed:
            write_text(folder / FAILED, "".join(f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    filmed = sum(utterance.landmarks is not None for utterance in utterances)
    print(
        f"{out}: {len(places)} utterances with made lips, {filmed} filmed, {len(kept) - len(places) - filmed} without"
    )


def _make(model: Path, utterances: list[Utterance], seed: int) -> list[tuple[str, np.ndarray | str]]:
    """By id, landmarks as a matrix or the reason why there are none."""
    lips, made = LipModel.load(model), []
    for utterance in utterances:
        try:
            samples = read_mono(utterance.wav, STFT.sample_rate)
            made.append((utterance.id, lips.make(samples, utterance.speaker, utterance.id, seed).to_matrix()))
        except MediaError as error:
            made.append((utterance.id, str(error)))
    return made


if __name__ == "__main__":
    run_program(app)
