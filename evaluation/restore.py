"""Restore the gaps of a whole set with several systems.

python -m evaluation.restore data/test --protocol ../../evaluation/protocols/paper.yaml --system interpolation \
    --system exp/av --system "unseen=exp/folds/*/av" --out exp/evaluation
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.data.datadir import Utterance, corpus_of, development_of, read_datadir, split_of, write_datadir
from avsi.data.gap_files import (
    check_gaps_cover,
    check_gaps_fit,
    gap_file_path,
    gap_file_remark,
    read_gap_file,
    write_gap_file,
)
from avsi.data.matrices import append_matrix
from avsi.data.protocol import parse_conditions, read_protocol
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.files import write_text, written_beside
from avsi.folders import files_together, locked
from avsi.program import in_parallel, progress, run_program

from .folder.evaluation import Evaluation, read_made_from
from .folder.layout import ABOUT, CLEAN, FAILED, SPECTRA, STATS, STFT, SYSTEM, WAVS
from .systems.description import describe
from .systems.fingerprints import made_from
from .systems.names import SYSTEMS, named
from .systems.restorers import check_system
from .systems.worker import restore_utterances, wav_path

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The clean set, with its gap files.")],
    systems: Annotated[
        list[str],
        typer.Option(
            "--system",
            help=f"{', '.join(SYSTEMS)}, a folder that training wrote, a pretrained model, a pattern of such folders "
            "('exp/folds/*/av') of which each utterance gets the model that has not met its speaker, or a folder of "
            "wav files <condition>/<utterance>.wav that another program restored; NAME=... gives it a name. "
            "Repeatable.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the evaluation.")],
    gaps: Annotated[
        list[str],
        typer.Option(help="random, a length in ms, or a gap file; data_prep.gaps writes the first two. Repeatable."),
    ] = [],  # noqa: B006
    protocol: Annotated[Path | None, typer.Option(help="A YAML file of such conditions.")] = None,
    stats: Annotated[
        Path,
        typer.Option(help="Training-set statistics: the unit of L1, what the unprocessed spectrum is filled with."),
    ] = Path("data/train/stats.npz"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes to restore with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a system cannot restore a larger share.")] = 0.05,
) -> None:
    """Write what each system makes of each utterance and condition. What is there already stays: a stopped run goes on,
    and systems and conditions can be added.
    """
    if (out / "wav.scp").exists():
        raise ConfigError(f"{out}: is a data directory; --out names a folder of its own")
    utterances = read_datadir(datadir)
    conditions = [*(read_protocol(protocol)[0] if protocol else []), *parse_conditions(gaps)]
    if not conditions:
        raise ConfigError("name the gaps to restore: --gaps, or --protocol FILE")
    files = {condition.name: condition.file or gap_file_path(datadir, condition.name) for condition in conditions}
    specs = dict(map(named, systems))
    if len(specs) < len(systems) or len(files) < len(conditions):
        raise ConfigError("two systems, or two kinds of gaps, of one name; NAME=... tells systems apart")
    for path in files.values():
        check_gaps_cover(read_gap_file(path), utterances, path)
        check_gaps_fit(read_gap_file(path), utterances, path, STFT.sample_rate)
    for spec in specs.values():
        check_system(spec, stats, utterances)  # one that cannot be loaded is refused before any work
    if (bins := len(Stats.load(stats).audio_mean)) != STFT.n_bins:
        raise DataError(f"{stats}: is of {bins} bins, expected {STFT.n_bins}, on which scores are measured")
    described = {name: describe(spec, utterances) for name, spec in specs.items()}
    for name, about in described.items():
        if seen := about.get("seen_utterances"):
            warnings.warn(
                f"{name} was trained on {len(seen)} of these {len(utterances)} utterances, such as {seen[0]}",
                AvsiWarning,
                stacklevel=2,
            )
    with locked(out, result=f"*/*/{SYSTEM}"):
        evaluation = _opened(out, datadir, utterances, stats, files, described)
        missing = [of for name in specs for of in _to_make(evaluation, name, specs[name], list(files))]
        # A few large shares, so that each process loads a system once.
        shares = [share for index in range(4 * jobs) if (share := utterances[index :: 4 * jobs])]
        tasks = [
            (
                restore_utterances,
                share,
                evaluation.gaps[condition],
                specs[name],
                evaluation.folder / STATS,
                condition,
                folder,
            )
            for name, condition in missing
            for folder in [evaluation.set_folder(name, condition)]
            for share in shares
        ]
        results = progress(in_parallel(jobs, tasks), len(tasks), "restored, shares")
        for name, condition in missing:
            _finish(evaluation, name, condition, [next(results) for _ in shares])
        next(results, None)  # the bar's end
        _report(evaluation, list(specs), list(files), max_left_out)


def _opened(
    out: Path, datadir: Path, utterances: list[Utterance], stats: Path, files: dict[str, Path], systems: dict[str, dict]
) -> Evaluation:
    """The evaluation in ``out``, made or added to: what it has of the same names must be the same.

    Args:
        systems: what is said of each.
    """
    measured = {"stats": str(stats), "development": development_of(datadir)}
    fixed = {"corpus": corpus_of(datadir), "split": split_of(datadir), "datadir": str(datadir)}
    if (out / ABOUT).is_file():
        evaluation = Evaluation.read(out)
        there, here = ({u.id: (u.duration_s, u.words) for u in of} for of in (evaluation.utterances, utterances))
        if fixed != {key: evaluation.about[key] for key in fixed} or there != here:
            was = ", ".join(filter(None, (evaluation.about[key] for key in fixed)))
            raise ConfigError(f"{out}: an evaluation of {was}, as it was then; name another folder, or remove this")
        if not Stats.load(stats).same_audio(evaluation.stats):
            raise ConfigError(
                f"{out}: was made with other statistics than {stats}; name another folder, or remove this"
            )
        for condition, path in files.items():
            if condition in evaluation.gaps and read_gap_file(path) != evaluation.gaps[condition]:
                raise ConfigError(
                    f"{out}: has other gaps of {condition} ({evaluation.about['conditions'][condition]}) than {path} "
                    f"({gap_file_remark(path) or 'without a remark'}); use those, or name another folder"
                )
        measured["stats"] = evaluation.about.get("stats", str(stats))  # of the same figures
        measured["development"] = measured["development"] or evaluation.development  # told once, it stays
        for name, about in systems.items():
            spec = about["system"]
            before = evaluation.about["systems"].get(name, {}).get("system", spec)
            if before != spec and Path(before).resolve() != Path(spec).resolve():
                raise ConfigError(f"{out}: {name} is {before} there, and not {spec}; NAME=... gives this another name")
            for path in (evaluation.set_folder(name, condition) / SYSTEM for condition in files):
                if path.is_file():
                    read_made_from(path)  # a broken one is told before anything is written
    remarks = {condition: gap_file_remark(path) or f"from {path}" for condition, path in files.items()}
    with files_together(out) as new:
        if (out / ABOUT).is_file():
            shutil.copyfile(out / ABOUT, new / ABOUT)
        else:
            write_datadir(new / CLEAN, utterances, fixed["corpus"], fixed["split"])
            shutil.copyfile(stats, new / STATS)
        for condition, path in files.items():
            write_gap_file(gap_file_path(new, condition), read_gap_file(path), gap_file_remark(path))
        Evaluation.add(new, fixed | measured, remarks, systems)
    return Evaluation.read(out)


def _to_make(evaluation: Evaluation, name: str, spec: str, conditions: list[str]) -> list[tuple[str, str]]:
    """(name, condition) of the sets that are not there, or that the system would not make again: those are removed."""
    wanted = []
    for condition in conditions:
        folder = evaluation.set_folder(name, condition)
        there = (folder / SYSTEM).is_file()
        if there and read_made_from(folder / SYSTEM) == made_from(spec, condition):
            continue
        if there:
            print(f"{name}, {condition}: has changed since it was restored, and is restored anew")
            shutil.rmtree(folder)
        wanted.append((name, condition))
    return wanted


def _report(evaluation: Evaluation, systems: list[str], conditions: list[str], max_left_out: float) -> None:
    """Say how much was restored, and why something was not. Raises DataError where that is too much."""
    total, too_many = len(evaluation.utterances), []
    for name in systems:
        sets = [evaluation.set(name, condition) for condition in conditions]
        there = sum(len(one.wavs) for one in sets)
        print(f"{name}: {there} of {len(sets) * total} restored, in {evaluation.folder / name}")
        for one in sets:
            if one.failed:
                id_, reason = next(iter(one.failed.items()))
                warnings.warn(
                    f"{one}: {len(one.failed)} not restored, such as {id_}: {reason}", AvsiWarning, stacklevel=2
                )
            if total - len(one.wavs) > max_left_out * total:
                too_many.append(one)
    if too_many:
        raise DataError(
            f"{too_many[0]}: {len(too_many[0].failed)} of {total} utterances could not be restored, more than "
            f"--max-left-out {max_left_out:g}; {too_many[0].folder / FAILED} gives each reason; once they are mended, "
            f"remove {too_many[0].folder} and run this again"
        )


def _finish(
    evaluation: Evaluation, name: str, condition: str, parts: list[tuple[dict[str, np.ndarray], dict[str, str], dict]]
) -> None:
    """Write the lists of a set whose sounds are there. Raises DataError where the system changed meanwhile."""
    folder = evaluation.set_folder(name, condition)
    spectra, failed = ({id_: value for part in parts for id_, value in part[kind].items()} for kind in (0, 1))
    made = parts[0][2]
    described = evaluation.about["systems"][name].get("weights", "")
    if any(part[2] != made for part in parts) or made["weights"] != described:
        raise DataError(f"{name}: changed while it was restored; run this again when that is over")
    ark = (folder / "spectra.ark").resolve()
    with written_beside(ark) as partial:
        places = {}
        with partial.open("wb") as file:
            for id_ in sorted(spectra):
                places[id_] = append_matrix(file, id_, spectra[id_])
    write_text(folder / SPECTRA, "".join(f"{id_} {ark}:{place}\n" for id_, place in places.items()))
    write_text(folder / WAVS, "".join(f"{id_} {wav_path(folder, id_).resolve()}\n" for id_ in sorted(spectra)))
    write_text(folder / FAILED, "".join(f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    write_text(folder / SYSTEM, json.dumps(made) + "\n")


if __name__ == "__main__":
    run_program(app)
