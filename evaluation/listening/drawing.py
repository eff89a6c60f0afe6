"""What is drawn for a listening test: utterances, conditions and systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

from avsi.errors import AvsiError, ConfigError, DataError
from avsi.folders import locked
from avsi.rng import generator

from ..folder.evaluation import Evaluation
from ..folder.versions import ORIGINAL, UNPROCESSED, read_version
from .listening_test import KINDS, MUSHRA, PAIRS, TEST, ListeningTest, Trial

WAIT_S = 60  # for another that draws the same test
MOST_TRIALS = 500
MOST_SEED = 2**32 - 1
MOST_OF_MUSHRA = 10  # versions beside the hidden original and the unprocessed sound: ITU-R BS.1534-3 has 12 in all


def draw_test(
    evaluation: Evaluation,
    out: Path,
    kind: str,
    systems: Sequence[str],
    conditions: Sequence[str],
    n_trials: int,
    seed: int,
) -> ListeningTest:
    """The listening test of a kind and seed in the folder ``out``: drawn and written, or read where it is there.

    Each condition, and each pair of systems, comes equally often, and so does each speaker, as far as the numbers
    allow. No trial comes twice.

    Raises:
        ConfigError: settings that make no test, or other ones than those of the test that is there; ratings of a test
            that is gone.
        DataError: a system was not restored.
    """
    _check(evaluation, kind, systems, conditions, n_trials, seed)
    folder = out / f"{kind}_{seed}"
    settings = tuple(dict.fromkeys(systems)), tuple(dict.fromkeys(conditions))
    with locked(folder, result=TEST, wait_s=WAIT_S):
        return _drawn_or_read(evaluation, folder, kind, settings, n_trials, seed)


def _drawn_or_read(
    evaluation: Evaluation,
    folder: Path,
    kind: str,
    settings: tuple[tuple[str, ...], tuple[str, ...]],
    n_trials: int,
    seed: int,
) -> ListeningTest:
    if (folder / TEST).is_file():
        there = ListeningTest.read(folder)
        if (there.systems, there.conditions, len(there.trials)) != (*settings, n_trials):
            raise ConfigError(
                f"{folder}: a test of {len(there.trials)} trials of {', '.join(there.systems)} under "
                f"{', '.join(there.conditions)}; take another seed for another test"
            )
        return there
    if rated := sorted(path.name for path in folder.glob("*.csv")):
        raise ConfigError(
            f"{folder}: holds ratings ({', '.join(rated)}), but the test that they are of ({TEST}) is gone; move the "
            "folder away, or take another seed"
        )
    trials, left_out = _draw(evaluation, kind, *settings, n_trials, seed)
    if len(trials) < n_trials:
        lacking = f"; {len(left_out)} more cannot be played" if left_out else ""
        raise ConfigError(
            f"{n_trials} trials are too many: there are {len(trials)} different ones of these utterances, gaps and "
            f"systems{lacking}; {f'take {len(trials)} or fewer' if trials else 'take other systems or gaps'}"
        )
    test = ListeningTest(folder, kind, seed, *settings, tuple(trials), left_out)
    test.write()
    return test


def _check(
    evaluation: Evaluation, kind: str, systems: Sequence[str], conditions: Sequence[str], n_trials: int, seed: int
) -> None:
    if kind not in KINDS:
        raise ConfigError(f"listening test '{kind}': expected {' or '.join(KINDS)}")
    if not 1 <= n_trials <= MOST_TRIALS:
        raise ConfigError(f"{n_trials} trials: expected 1 to {MOST_TRIALS}")
    if not 0 <= seed <= MOST_SEED:
        raise ConfigError(f"seed {seed}: expected 0 to {MOST_SEED}")
    for system in systems:
        evaluation.known(system)
    if len(set(systems)) < (2 if kind == PAIRS else 1):
        chosen = ", ".join(dict.fromkeys(systems)) or "no system"
        more = "two systems or more, to compare them in pairs" if kind == PAIRS else "a system or more"
        raise ConfigError(f"{chosen}: choose {more}")
    if kind == MUSHRA and UNPROCESSED in systems:
        raise ConfigError(f"{UNPROCESSED}: every trial of {kind} has it anyway; leave it out")
    if kind == MUSHRA and len(set(systems)) > MOST_OF_MUSHRA:
        raise ConfigError(f"{len(set(systems))} systems: at most {MOST_OF_MUSHRA} can be rated together")
    for condition in conditions:
        if condition not in evaluation.about["conditions"]:
            there = ", ".join(evaluation.about["conditions"])
            raise ConfigError(f"{evaluation.folder}: has no gaps of '{condition}', but of {there}")
    if not conditions:
        raise ConfigError("choose the gaps that are judged")


def _draw(
    evaluation: Evaluation, kind: str, systems: tuple[str, ...], conditions: tuple[str, ...], n_trials: int, seed: int
) -> tuple[list[Trial], dict[str, str]]:
    """(the trials that could be drawn, why others were left out)."""
    rng, left_out = generator(seed, "listening test", kind), {}
    restored = {(of, name): set(evaluation.set(name, of).wavs) for of in conditions for name in systems}
    utterances = {utterance.id: utterance for utterance in evaluation.utterances}

    def is_playable(trial: Trial) -> bool:
        missing = [
            name for name in systems if name in trial.versions and trial.id not in restored[trial.condition, name]
        ]
        try:
            if missing:
                raise DataError(f"not restored by {', '.join(missing)}")
            for name in trial.versions:
                read_version(evaluation, utterances[trial.id], trial.condition, name)
        except (AvsiError, OSError) as error:
            left_out[f"{trial.id}, {trial.condition}"] = str(error)
            return False
        return True

    ids, turns = _by_turns(evaluation, rng.permutation), _turns(kind, systems, conditions, rng.permutation)
    trials: list[Trial] = []
    gone: set[Trial] = set()  # drawn, or left out
    place = 0
    while turns and len(trials) < n_trials:
        condition, versions = turns.pop(0)
        for step in range(len(ids)):
            trial = Trial(condition, ids[(place + step) % len(ids)], versions)
            if trial in gone:
                continue
            gone.add(trial)
            if is_playable(trial):
                trials.append(trial)
                place += step + 1
                turns.append((condition, versions))
                break
    return trials, left_out


def _turns(
    kind: str, systems: tuple[str, ...], conditions: tuple[str, ...], shuffled: Callable
) -> list[tuple[str, tuple[str, ...]]]:
    """What is judged under which condition, so that in any part of the list all pairs, and all conditions, are even."""
    groups = list(combinations(systems, 2)) if kind == PAIRS else [(ORIGINAL, UNPROCESSED, *systems)]
    groups, under = ([of[place] for place in shuffled(len(of))] for of in (groups, list(conditions)))
    return [
        (under[(place + turn) % len(under)], group) for turn in range(len(under)) for place, group in enumerate(groups)
    ]


def _by_turns(evaluation: Evaluation, shuffled: Callable) -> list[str]:
    """The ids in a drawn order in which the speakers take turns."""
    of: dict[str, list[str]] = {}
    for place in shuffled(len(evaluation.utterances)):
        utterance = evaluation.utterances[place]
        of.setdefault(utterance.speaker, []).append(utterance.id)
    longest = max(map(len, of.values()), default=0)
    return [ids[turn] for turn in range(longest) for ids in of.values() if turn < len(ids)]
