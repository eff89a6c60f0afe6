"""Restore the gaps of a whole set with several systems.

python -m evaluation.restore data/test --protocol ../../evaluation/protocols/paper.yaml --system interpolation \
    --system exp/av --system "unseen=exp/folds/*/av" --out exp/evaluation
"""

import warnings
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gap_files import check_gaps_cover, check_gaps_fit, gap_file_path, read_gap_file
from avsi.data.gap_protocol import parse_conditions, read_protocol
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.folders import locked, remove_folder
from avsi.models.device import choose_device
from avsi.program import in_parallel, progress, run_program

from .folder.evaluation import Evaluation
from .folder.layout import CLEAN, FAILED, PARTS, STATS, STFT
from .folder.opening import check_filmed, open_evaluation
from .folder.restored_set import read_fingerprint
from .folder.set_parts import Part, parts_of, write_lists
from .systems.description import describe
from .systems.fingerprints import changed, fingerprint
from .systems.names import SYSTEMS, parse_system
from .systems.restorers import check_system
from .systems.worker import restore_part

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The clean set, with its gap files.")],
    systems: Annotated[
        list[str],
        typer.Option(
            "--system",
            help=f"{', '.join(SYSTEMS)}, a folder that training wrote, a pretrained model, a pattern of such folders "
            "('exp/folds/*/av'): for each utterance, the one that was trained without its speaker; or a folder of wav "
            "files <condition>/<utterance>.wav that another program restored. A model that takes what is said is told "
            "nothing of it, or what is added: NAME=exp/text:words (the words, which the shipped aligner finds, or "
            "another as of :words=exp/aligner), :times (with their times, by data_prep.align), :wrong-word (one in a "
            "gap is another); any model of sound and face :no-face. NAME=... gives a name. Repeatable.",
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
        typer.Option(help="Training-set statistics: the unit of L1, and the mean that fills the unprocessed spectrum."),
    ] = Path("data/train/stats.npz"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes to restore with.")] = 2,
    cluster: OnCluster = None,
    device: Annotated[
        str,
        typer.Option(
            help="Where the models compute: cpu, auto (a GPU where there is one), cuda:1, mps ... All processes share "
            "a GPU, and what it restores differs from a CPU's."
        ),
    ] = "cpu",
    max_left_out: Annotated[float, typer.Option(help="Fail where a system cannot restore a larger share.")] = 0.05,
) -> None:
    """Restore each utterance with each system under each condition. Results that are there stay: a stopped run goes on,
    and tries again what failed before; systems and conditions can be added.
    """
    if (out / "wav.scp").exists():
        raise ConfigError(f"{out}: is a data directory; --out names a folder of its own")
    utterances = read_datadir(datadir)
    check_filmed(datadir, utterances)
    conditions = [*(read_protocol(protocol)[0] if protocol else []), *parse_conditions(gaps)]
    device = str(choose_device(device))
    if not conditions:
        raise ConfigError("name the gaps to restore: --gaps, or --protocol FILE")
    files = {condition.name: condition.file or gap_file_path(datadir, condition.name) for condition in conditions}
    specs = dict(map(parse_system, systems))
    if len(specs) < len(systems) or len(files) < len(conditions):
        raise ConfigError("two systems, or two kinds of gaps, of one name; NAME=... tells systems apart")
    gaps_of = {condition: read_gap_file(path) for condition, path in files.items()}
    for condition, path in files.items():
        check_gaps_cover(gaps_of[condition], utterances, path)
        check_gaps_fit(gaps_of[condition], utterances, path, STFT.sample_rate)
    for spec in specs.values():
        check_system(spec, stats, datadir, utterances)  # one that cannot be loaded is refused before any work
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
    with locked(out, result=f"*/*/{PARTS}/*"):
        evaluation = open_evaluation(out, datadir, utterances, stats, files, gaps_of, described)
        parts = parts_of(utterances)
        todo = [
            _Todo(name, condition, evaluation.set_folder(name, condition), state)
            for name, spec in specs.items()
            for condition in files
            if (state := _state_to_restore(evaluation, name, spec, condition, device))
        ]
        missing = [[number for number, of in enumerate(parts) if one.lacks(number, of)] for one in todo]
        tasks = (
            (
                restore_part,
                number,
                parts[number],
                {utterance.id: gaps_of[one.condition][utterance.id] for utterance in parts[number]},
                specs[one.name],
                out / STATS,
                out / CLEAN,
                one.condition,
                one.folder,
                device,
                one.state,
            )
            for one, numbers in zip(todo, missing, strict=True)
            for number in numbers
        )
        results = progress(in_parallel(jobs, tasks), sum(map(len, missing)), "restored, parts")
        for one, numbers in zip(todo, missing, strict=True):
            for _ in islice(results, len(numbers)):
                pass
            if fingerprint(specs[one.name], one.condition, device) != one.state:
                raise changed(one.name)
            write_lists(one.folder, utterances, one.state)
        next(results, None)  # the bar's end
        _report(evaluation, list(specs), list(files), len(utterances), max_left_out)


class _Todo(NamedTuple):
    """A set that is to be restored, and the fingerprint of its system."""

    name: str
    condition: str
    folder: Path
    state: dict[str, str]

    def lacks(self, number: int, utterances: list[Utterance]) -> bool:
        """Whether a part is not there, or something failed in it: that is tried again."""
        part = Part(self.folder, number, self.state)
        return not part.read(utterances) or bool(part.failed)


def _state_to_restore(
    evaluation: Evaluation, name: str, spec: str, condition: str, device: str
) -> dict[str, str] | None:
    """The fingerprint of the system; None where the set was restored by it. What was restored by another state of the
    system is removed.
    """
    folder, state = evaluation.set_folder(name, condition), fingerprint(spec, condition, device)
    if state["weights"] != evaluation.about["systems"][name].get("weights", ""):
        raise changed(name)
    before = read_fingerprint(folder)
    if before == state:
        return None
    if before is not None:
        print(f"{name}, {condition}: has changed since it was restored, and is restored anew")
        remove_folder(folder, evaluation.folder)
    return state


def _report(evaluation: Evaluation, systems: list[str], conditions: list[str], total: int, max_left_out: float) -> None:
    """Print how much was restored, with a note on failures. Raises DataError where too much failed."""
    too_many = []
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


if __name__ == "__main__":
    run_program(app)
