"""Restore the gaps of a whole set with one system.

python -m evaluation.restore data/test --gaps data/test/gaps_800ms --system exp/av --out exp/av/gaps_800ms
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated

import kaldiio
import numpy as np
import typer

from avsi.audio.files import read_mono, write_wav
from avsi.data.datadir import Utterance, corpus_of, read_datadir
from avsi.data.dataset import check_gaps_cover
from avsi.data.gaps import Gap, gap_spans, read_gap_file, write_gap_file
from avsi.errors import AvsiWarning, DataError, FaceError, GapError
from avsi.files import write_text, written_beside
from avsi.program import in_parallel, progress, run_program

from .restored import ABOUT, FAILED, GAPS, SPECTRA, WAVS
from .systems import STFT, SYSTEMS, make_system, trained_on

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The clean set.")],
    gaps: Annotated[Path, typer.Option(help="The gap file of the set.")],
    system: Annotated[
        str, typer.Option(help=f"{', '.join(SYSTEMS)}, a folder that training wrote, or a pretrained model.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for what is restored.")],
    stats: Annotated[
        Path, typer.Option(help="Training-set statistics: what the unprocessed spectrum is filled with.")
    ] = Path("data/train/stats.npz"),
    jobs: Annotated[int, typer.Option(help="Processes to restore with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share cannot be restored.")] = 0.05,
) -> None:
    """Write the restored sound of every utterance, and the log spectrum of its lost frames as the system made it."""
    utterances, gaps_of = read_datadir(datadir), read_gap_file(gaps)
    check_gaps_cover(gaps_of, utterances, gaps)
    make_system(system, stats)  # a system that cannot be loaded is refused before any work
    if seen := trained_on(system) & {utterance.id for utterance in utterances}:
        warnings.warn(
            f"{system} was trained on {len(seen)} of these {len(utterances)} utterances, such as {min(seen)}",
            AvsiWarning,
            stacklevel=2,
        )
    (out / "wav").mkdir(parents=True, exist_ok=True)
    (out / ABOUT).unlink(missing_ok=True)
    # A few large shares, so that each process loads the system once.
    shares = [share for index in range(4 * jobs) if (share := utterances[index :: 4 * jobs])]
    results = in_parallel(
        jobs, [(_restore_share, share, gaps_of, system, stats, out) for share in shares], ordered=False
    )
    spectra: dict[str, np.ndarray] = {}
    failures: dict[str, str] = {}
    for done, failed in progress(results, len(shares), f"{system}, {gaps.name}: shares"):
        spectra.update(done)
        failures.update(failed)
    ark = (out / "spectra.ark").resolve()
    with written_beside(ark) as partial:
        places = {}
        with partial.open("wb") as file:
            for id_ in sorted(spectra):
                places[id_] = file.tell() + len(id_.encode()) + 1
                kaldiio.save_ark(file, {id_: spectra[id_]})
    write_text(out / SPECTRA, "".join(f"{id_} {ark}:{place}\n" for id_, place in places.items()))
    write_text(out / WAVS, "".join(f"{id_} {_wav(out, id_).resolve()}\n" for id_ in sorted(spectra)))
    write_text(out / FAILED, "".join(f"{id_} {reason}\n" for id_, reason in sorted(failures.items())))
    write_gap_file(out / GAPS, gaps_of)
    about = {"system": system, "corpus": corpus_of(datadir), "datadir": str(datadir), "gaps": str(gaps)}
    write_text(out / ABOUT, json.dumps(about, indent=2) + "\n")
    print(f"{system}: restored {len(spectra)} of {len(utterances)} utterances of {datadir} with {gaps.name} into {out}")
    if len(failures) > max_left_out * len(utterances):
        raise DataError(
            f"{len(failures)} of {len(utterances)} utterances could not be restored, more than --max-left-out "
            f"{max_left_out:g}; {out / FAILED} gives each reason"
        )


def _restore_share(
    share: list[Utterance], gaps_of: dict[str, list[Gap]], name: str, stats: Path, out: Path
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(log spectrum of the lost frames by utterance, reason by utterance that could not be restored)."""
    import torch

    torch.set_num_threads(1)
    system = make_system(name, stats)
    spectra, failures = {}, {}
    for utterance in share:
        samples = read_mono(utterance.wav, STFT.sample_rate)
        try:
            spans = gap_spans(gaps_of[utterance.id], len(samples), STFT.sample_rate)
            restored, spectra[utterance.id] = system(samples, spans, utterance)
        except (DataError, FaceError, GapError) as error:
            failures[utterance.id] = str(error)
        else:
            write_wav(_wav(out, utterance.id), restored, STFT.sample_rate)
    return spectra, failures


def _wav(out: Path, id_: str) -> Path:
    return out / "wav" / f"{id_}.wav"


if __name__ == "__main__":
    run_program(app)
