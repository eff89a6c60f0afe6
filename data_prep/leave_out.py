"""Folds: training sets without some speakers, and test sets of these, for models that are tested on unseen speakers.

python -m data_prep.leave_out data/voices data/folds --fold s04 --fold s26 --fold "others=s02 s03 s05"
"""

import re
from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import DEVELOPMENT, MADE_OF, OPTIONAL, Utterance, corpus_of, read_datadir, write_datadir
from avsi.data.ids import recording_in, speaker_in
from avsi.errors import ConfigError, DataError
from avsi.files import read_lines, write_text
from avsi.folders import files_together
from avsi.program import print_table, run_program

ALWAYS = "always"  # the folder of the speakers who are in no fold

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="All speakers, with or without copies in other voices.")],
    out: Annotated[Path, typer.Argument(help="The folder to write <fold>/train and <fold>/test into.")],
    fold: Annotated[
        list[str],
        typer.Option(help="Speakers who are left out together: 's04', 's02 s03', or 'NAME=s02 s03'. Repeatable."),
    ] = [],  # noqa: B006
    each_speaker: Annotated[bool, typer.Option("--each-speaker", help="A fold for every speaker.")] = False,
    valid: Annotated[
        Path | None, typer.Option(help="The set by which the epoch is chosen; fail where a fold's speaker is in it.")
    ] = None,
    development: Annotated[
        Path | None,
        typer.Option(help="Two lines: what was chosen, and on which speakers: their sets are development sets."),
    ] = None,
) -> None:
    """Write, for each fold, all other speakers' utterances in all voices (train), and those of the fold's speakers in
    their own voice (test). Speakers in no fold are in every training set, and together in always/train.
    """
    if each_speaker == bool(fold):
        raise ConfigError("name the speakers to leave out, by --fold, or all in turn by --each-speaker, and not both")
    utterances = read_datadir(datadir)
    _check_ids(datadir, utterances)
    speakers = sorted({utterance.speaker for utterance in utterances})
    folds = parse_folds(speakers if each_speaker else fold, speakers)
    if valid:
        _check_unseen(valid, folds)
    chosen_on = _read_development(development) if development else ("", set())
    left_out = {speaker for of in folds.values() for speaker in of}
    sets = {Path(name) / "train": without(utterances, of) for name, of in folds.items()}
    sets |= {Path(name) / "test": in_own_voice(utterances, of) for name, of in folds.items()}
    if always := without(utterances, left_out):
        sets[Path(ALWAYS) / "train"] = always
    for name, chosen in sets.items():
        if not chosen:
            raise DataError(f"{datadir}: fold '{name.parent}' leaves nothing for its {name.name} set")
    if other := next((path for path in sorted(out.glob("*/train")) if path.relative_to(out) not in sets), None):
        raise DataError(f"{other.parent}: a fold of an earlier run; remove it, or name another folder than {out}")
    corpus, rows = corpus_of(datadir), []
    with files_together(
        out, [f"{name}/{made}" for name in sets for made in (*OPTIONAL, *MADE_OF, DEVELOPMENT)]
    ) as folder:
        for name, chosen in sorted(sets.items()):
            write_datadir(folder / name, chosen, corpus, f"leave-out {name.parent}")
            if name.name == "test" and folds[name.parent.name] & chosen_on[1]:
                write_text(folder / name / DEVELOPMENT, f"{chosen_on[0]}\n")
            rows.append([str(name), len({utterance.speaker for utterance in chosen}), len(chosen)])
    print_table(str(out), ["set", "speakers", "utterances"], rows)


def parse_folds(texts: list[str], speakers: list[str]) -> dict[str, set[str]]:
    """By its name, the speakers of each fold, from ``s04``, ``s02 s03`` (named ``s02_s03``) or ``NAME=s02 s03``.

    Raises:
        ConfigError: a name that cannot be a folder's or occurs twice, no speaker, one who is not there or in two folds.
    """
    folds: dict[str, set[str]] = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        of = (listed if equals else text).split()
        name = name if equals else "_".join(of)
        if not of:
            raise ConfigError(f"fold '{text}': expected speakers, such as 's02 s03' or 'NAME=s02 s03'")
        if name in folds:
            raise ConfigError(f"fold '{text}': there is a fold of that name already")
        if not re.fullmatch(r"[\w.+-]+", name) or not name.strip(".") or name == ALWAYS:
            raise ConfigError(
                f"fold '{text}': expected a name of letters, digits and -_.+, and not '{ALWAYS}', which is taken"
            )
        for speaker in of:
            if speaker not in speakers:
                raise ConfigError(f"fold '{text}': no speaker {speaker}; there are {', '.join(speakers)}")
            if other := next((fold for fold, known in folds.items() if speaker in known), None):
                raise ConfigError(f"fold '{text}': {speaker} is in fold '{other}' already")
        folds[name] = set(of)
    return folds


def without(utterances: list[Utterance], speakers: set[str]) -> list[Utterance]:
    """The utterances of other speakers, in all voices."""
    return [utterance for utterance in utterances if utterance.speaker not in speakers]


def in_own_voice(utterances: list[Utterance], speakers: set[str]) -> list[Utterance]:
    """The utterances of some speakers, without the copies in other voices by data_prep.voices."""
    ids = {utterance.id for utterance in utterances}
    copies = {id_ for id_ in ids if recording_in(id_) != id_ and recording_in(id_) in ids}
    return [utterance for utterance in utterances if utterance.speaker in speakers and utterance.id not in copies]


def _check_ids(datadir: Path, utterances: list[Utterance]) -> None:
    """Raise DataError where an id does not begin with its speaker: models list their training set by id."""
    for utterance in utterances:
        if speaker_in(utterance.id) != utterance.speaker:
            raise DataError(
                f"{datadir}: {utterance.id} does not begin with its speaker, {utterance.speaker}, and '_', by which a "
                "model's train_ids name its training speakers"
            )


def _read_development(path: Path) -> tuple[str, set[str]]:
    """(what was chosen, the speakers on whose clips). Raises DataError for a file of another form."""
    lines = read_lines(path) if path.is_file() else []
    if len(lines) != 2 or not all(map(str.strip, lines)):
        raise DataError(f"{path}: expected two lines: what was chosen, and the speakers on whose clips it was chosen")
    return lines[0].strip(), set(lines[1].split())


def _check_unseen(valid: Path, folds: dict[str, set[str]]) -> None:
    """Raise ConfigError where a speaker of a fold is in the set by which the epoch is chosen."""
    choosing = {utterance.speaker for utterance in read_datadir(valid)}
    for name, of in folds.items():
        if seen := sorted(of & choosing):
            raise ConfigError(
                f"fold '{name}': {', '.join(seen)} cannot be left out, being in {valid}, by which the epoch is chosen; "
                "name speakers who have no utterance there"
            )


if __name__ == "__main__":
    run_program(app)
