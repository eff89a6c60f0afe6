"""Restore the gaps of a whole set with several systems.

python -m evaluation.restore data/test --protocol ../../evaluation/protocols/paper.yaml --system interpolation \
    --system exp/av --out exp/evaluation
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Annotated

import kaldiio
import numpy as np
import typer

from avsi.data.datadir import corpus_of, read_datadir, split_of
from avsi.data.dataset import check_gaps_cover
from avsi.data.gaps import Gap, gap_file, read_gap_file, write_gap_file
from avsi.data.protocol import parse_conditions, read_protocol
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.files import write_text, written_beside
from avsi.program import in_parallel, progress, run_program

from .folder import ABOUT, FAILED, SPECTRA, STATS, SYSTEM, WAVS, Evaluation
from .shares import restore_share, wav_path
from .systems import SYSTEMS, describe, make_system, named, trained_on

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The clean set, with its gap files.")],
    systems: Annotated[
        list[str],
        typer.Option(
            "--system",
            help=f"{', '.join(SYSTEMS)}, a folder that training wrote, a pretrained model, or a folder of wav files "
            "<condition>/<utterance>.wav that another program restored; NAME=... gives it a name. Repeatable.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the evaluation.")],
    gaps: Annotated[list[Path], typer.Option(help="A gap file of the set; repeatable.")] = [],  # noqa: B006
    protocol: Annotated[
        Path | None, typer.Option(help="A YAML file of conditions, for which data_prep.gaps has written gap files.")
    ] = None,
    stats: Annotated[
        Path,
        typer.Option(help="Training-set statistics: the unit of L1, what the unprocessed spectrum is filled with."),
    ] = Path("data/train/stats.npz"),
    jobs: Annotated[int, typer.Option(help="Processes to restore with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a system cannot restore a larger share.")] = 0.05,
) -> None:
    """Write what each system makes of each utterance and condition. What is there already stays: a stopped run goes on,
    and systems and conditions can be added.
    """
    utterances = read_datadir(datadir)
    if protocol:
        gaps = [*gaps, *(gap_file(datadir, condition.name) for condition in read_protocol(protocol)[0])]
    if not gaps:
        raise ConfigError("name the gaps to restore: --gaps FILE, or --protocol FILE")
    specs = dict(map(named, systems))
    if len(specs) < len(systems):
        raise ConfigError(f"two systems of one name among {', '.join(systems)}; NAME=... tells them apart")
    drawn = {}
    for path, condition in zip(gaps, parse_conditions(list(map(str, gaps))), strict=True):
        drawn[condition.name] = read_gap_file(path)
        check_gaps_cover(drawn[condition.name], utterances, path)
    for name, spec in specs.items():
        make_system(spec, stats)  # one that cannot be loaded is refused before any work
        if seen := trained_on(spec) & {utterance.id for utterance in utterances}:
            warnings.warn(
                f"{name} was trained on {len(seen)} of these {len(utterances)} utterances, such as {min(seen)}",
                AvsiWarning,
                stacklevel=2,
            )
    evaluation = _opened(out, datadir, stats, drawn, specs)
    wanted = [(name, condition) for name in specs for condition in drawn]
    missing = [of for of in wanted if not (evaluation.set_folder(*of) / SYSTEM).is_file()]
    # A few large shares, so that each process loads a system once.
    shares = [share for index in range(4 * jobs) if (share := utterances[index :: 4 * jobs])]
    tasks = [
        (restore_share, share, evaluation.gaps[condition], specs[name], evaluation.folder / STATS, condition, folder)
        for name, condition in missing
        for share in shares
        for folder in [evaluation.set_folder(name, condition)]
    ]
    results = progress(in_parallel(jobs, tasks), len(tasks), "restored, shares")
    for name, condition in missing:
        parts = [next(results) for _ in shares]
        spectra, failed = ({id_: value for part in parts for id_, value in part[kind].items()} for kind in (0, 1))
        _finish(evaluation.set_folder(name, condition), specs[name], spectra, failed)
    next(results, None)  # the bar's end
    for name in specs:
        failures = [len(evaluation.set(name, condition).failed) for condition in drawn]
        total = len(drawn) * len(utterances)
        print(f"{name}: restored {total - sum(failures)} of {total} into {out / name}")
        if max(failures) > max_left_out * len(utterances):
            raise DataError(
                f"{name}: {max(failures)} of {len(utterances)} utterances could not be restored, more than "
                f"--max-left-out {max_left_out:g}; the files '{FAILED}' in {out / name} give each reason; once they "
                "are mended, remove that folder and run this again"
            )


def _opened(
    out: Path, datadir: Path, stats: Path, drawn: dict[str, dict[str, list[Gap]]], specs: dict[str, str]
) -> Evaluation:
    """The evaluation in ``out``, made or added to: what it has of the same names must be the same."""
    about = {"corpus": corpus_of(datadir), "split": split_of(datadir), "datadir": str(datadir)}
    out.mkdir(parents=True, exist_ok=True)
    if (out / ABOUT).is_file():
        evaluation = Evaluation.read(out)
        for key, value in about.items():
            if evaluation.about[key] != value:
                raise ConfigError(f"{out}: an evaluation of {key} {evaluation.about[key]}, not {value}; name another")
        if (out / STATS).read_bytes() != stats.read_bytes():
            raise ConfigError(f"{out}: was made with other statistics than {stats}; name another, or remove it")
        for condition, gaps in drawn.items():
            if gaps != evaluation.gaps.get(condition, gaps):
                raise ConfigError(f"{out}: has other gaps of the condition {condition}; name another, or remove it")
    else:
        evaluation = Evaluation(out, {**about, "conditions": [], "systems": {}, "runs": []})
        shutil.copyfile(stats, out / STATS)
    for condition, gaps in drawn.items():
        write_gap_file(gap_file(out, condition), gaps)
    known = evaluation.about["systems"]
    for name, spec in specs.items():
        description = describe(spec)
        if name in known and known[name] != description:
            print(f"{name}: has changed since it was restored into {out}, and is restored anew")
            shutil.rmtree(out / name, ignore_errors=True)
        known[name] = description
    evaluation.about["conditions"] = list(dict.fromkeys([*evaluation.about["conditions"], *drawn]))
    evaluation.write()
    return Evaluation.read(out)


def _finish(folder: Path, spec: str, spectra: dict[str, np.ndarray], failed: dict[str, str]) -> None:
    """Write the lists of a set whose sounds are there."""
    folder.mkdir(parents=True, exist_ok=True)
    ark = (folder / "spectra.ark").resolve()
    with written_beside(ark) as partial:
        places = {}
        with partial.open("wb") as file:
            for id_ in sorted(spectra):
                places[id_] = file.tell() + len(id_.encode()) + 1
                kaldiio.save_ark(file, {id_: spectra[id_]})
    write_text(folder / SPECTRA, "".join(f"{id_} {ark}:{place}\n" for id_, place in places.items()))
    write_text(folder / WAVS, "".join(f"{id_} {wav_path(folder, id_).resolve()}\n" for id_ in sorted(spectra)))
    write_text(folder / FAILED, "".join(f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    write_text(folder / SYSTEM, json.dumps({"system": spec}) + "\n")


if __name__ == "__main__":
    run_program(app)
