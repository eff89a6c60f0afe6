"""Making an evaluation, or adding systems and conditions to one: what it holds already must be the same."""

import shutil
from pathlib import Path

from avsi.data.datadir import Utterance, corpus_of, development_of, split_of, write_datadir
from avsi.data.gap_files import gap_file_path, gap_file_remark, write_gap_file
from avsi.data.gaps import Gap
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError
from avsi.folders import files_together

from .evaluation import Evaluation
from .layout import ABOUT, CLEAN, STATS
from .restored_set import read_fingerprint


def check_filmed(datadir: Path, utterances: list[Utterance]) -> None:
    """Raise DataError for made lips: they were made from the sound that is to be restored."""
    if made := [utterance.id for utterance in utterances if utterance.made_lips]:
        raise DataError(
            f"{datadir}: the lips of {len(made)} of {len(utterances)} utterances, such as {made[0]}, were made from "
            "their sound by data_prep.lips; expected faces that were filmed, or none: name the data directory that "
            "they were made for"
        )


def open_evaluation(
    out: Path,
    datadir: Path,
    utterances: list[Utterance],
    stats: Path,
    files: dict[str, Path],
    gaps: dict[str, dict[str, list[Gap]]],
    systems: dict[str, dict],
) -> Evaluation:
    """The evaluation in ``out``, made or added to.

    Args:
        utterances: those of ``datadir``.
        files, gaps: by condition, the gap file and its content.
        systems: the description of each.

    Raises:
        ConfigError: the folder holds an evaluation of another set, or other statistics, gaps or systems by these names.
        DataError: a broken file.
    """
    measured = {"stats": str(stats), "development": development_of(datadir)}
    fixed = {"corpus": corpus_of(datadir), "split": split_of(datadir), "datadir": str(datadir)}
    if (out / ABOUT).is_file():
        evaluation = Evaluation.read(out)
        _check_set(evaluation, fixed, utterances, stats)
        _check_gaps(evaluation, files, gaps)
        _check_systems(evaluation, systems, list(files))
        measured["stats"] = evaluation.about.get("stats", str(stats))  # of the same figures
        measured["development"] = measured["development"] or evaluation.development  # told once, it stays
    remarks = {condition: gap_file_remark(path) for condition, path in files.items()}
    with files_together(out) as new:
        if (out / ABOUT).is_file():
            shutil.copyfile(out / ABOUT, new / ABOUT)
        else:
            write_datadir(new / CLEAN, utterances, fixed["corpus"], fixed["split"])
            shutil.copyfile(stats, new / STATS)
        for condition, of in gaps.items():
            write_gap_file(gap_file_path(new, condition), of, remarks[condition])
        drawn = {condition: remark or f"from {files[condition]}" for condition, remark in remarks.items()}
        Evaluation.add(new, fixed | measured, drawn, systems)
    return Evaluation.read(out)


def _check_set(evaluation: Evaluation, fixed: dict[str, str], utterances: list[Utterance], stats: Path) -> None:
    out, about = evaluation.folder, evaluation.about
    there, here = ({u.id: (u.duration_s, u.words) for u in of} for of in (evaluation.utterances, utterances))
    if fixed != {key: about[key] for key in fixed} or there != here:
        was = ", ".join(filter(None, (about[key] for key in fixed)))
        raise ConfigError(f"{out}: an evaluation of {was}, as it was then; name another folder, or remove this")
    if not Stats.load(stats).same_audio(evaluation.stats):
        raise ConfigError(f"{out}: was made with other statistics than {stats}; name another folder, or remove this")


def _check_gaps(evaluation: Evaluation, files: dict[str, Path], gaps: dict[str, dict[str, list[Gap]]]) -> None:
    for condition, path in files.items():
        if evaluation.gaps.get(condition, gaps[condition]) != gaps[condition]:
            raise ConfigError(
                f"{evaluation.folder}: has other gaps of {condition} ({evaluation.about['conditions'][condition]}) "
                f"than {path} ({gap_file_remark(path) or 'without a remark'}); use those, or name another folder"
            )


def _check_systems(evaluation: Evaluation, systems: dict[str, dict], conditions: list[str]) -> None:
    for name, about in systems.items():
        spec = about["system"]
        before = evaluation.about["systems"].get(name, {}).get("system", spec)
        if before != spec and Path(before).resolve() != Path(spec).resolve():
            raise ConfigError(
                f"{evaluation.folder}: {name} is {before} there, and not {spec}; NAME=... gives this another name"
            )
        for condition in conditions:
            read_fingerprint(evaluation.set_folder(name, condition))  # a broken file is told before anything is written
