"""Any folder of sound or video, or any Kaldi data directory -> Kaldi data directories of short utterances.

python -m data_prep.recordings --root DIR --out data --speaker-from name
"""

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import MADE_OF, OPTIONAL, Utterance
from avsi.errors import ConfigError, DataError
from avsi.folders import check_folder, locked
from avsi.program import progress, run_program

from ..corpus import Corpus
from ..prepared import (
    LEFT_OUT,
    NOTES,
    Sets,
    check_left_out,
    check_none_empty,
    print_remarks,
    print_sets,
    write_remarks,
    write_sets,
)
from ..splits import SETS, SPEAKERS_HELD_OUT
from .folder import SPEAKER_FROM, Tables, find_recordings
from .journal import prepare_all
from .kaldi import find_utterances, is_kaldi
from .pauses import Lengths
from .preparation import Prepared
from .sets import INDEPENDENT, check_other_sets, load_split, sets_of
from .table import Table

app = typer.Typer(add_completion=False)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="A folder of recordings, or a Kaldi data directory (with wav.scp).")],
    out: Annotated[Path, typer.Option(help="Where the data directories go.")] = Path("data"),
    speaker_from: Annotated[
        str,
        typer.Option(
            help="What names the speaker: 'folder', the first below the root, or 'name', the part of the file's name "
            "before the first '-' or '_'; not for a Kaldi directory."
        ),
    ] = "folder",
    speakers: Annotated[
        Path | None, typer.Option(help="Or a table of lines '<file or folder> <speaker>', relative to the root.")
    ] = None,
    transcripts: Annotated[
        Path | None, typer.Option(help="A table of lines '<file> <words>'; else texts beside the recordings are read.")
    ] = None,
    late: Annotated[
        Path | None,
        typer.Option(help="A table of lines '<file or folder> <milliseconds>': the sound is late by these."),
    ] = None,
    corpus: Annotated[str | None, typer.Option(help="What the corpus is called; else as its folder.")] = None,
    id_prefix: Annotated[
        str | None, typer.Option(help="What ids begin with, to keep speakers of several corpora apart.")
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="'speaker-independent', 'speaker-dependent', a single set that all are in ('train', 'valid', 'test'), "
            "or a file of lines '<speaker> <train|valid|test>'."
        ),
    ] = INDEPENDENT,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.45, help="The share of the speakers for validation, and for the test.")
    ] = SPEAKERS_HELD_OUT,
    min_s: Annotated[float, typer.Option(help="The shortest utterance; not for a Kaldi directory.")] = Lengths.min_s,
    max_s: Annotated[
        float, typer.Option(help="The longest: what is longer is cut at pauses; not for a Kaldi directory.")
    ] = Lengths.max_s,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to prepare recordings with.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[
        float, typer.Option(help="Fail where a larger share of recordings, or of utterances, is left out.")
    ] = 0.05,
) -> None:
    """Prepare recordings: data/train, data/valid and data/test, with sound at 16 kHz; or one of these for one set. A
    stopped run goes on where it was.
    """
    root, out = root.resolve(), out.resolve()
    lengths = Lengths(min_s, max_s)
    of = _corpus(root, corpus, id_prefix)
    check_folder(out)
    if out == root:
        raise DataError(f"{out}: is the folder of the recordings; choose another --out")
    for folder in ((out / name).resolve() for name in SETS):
        if folder in (root, *root.parents):
            raise DataError(f"{root}: the recordings lie in {folder}, which a run may replace; choose another --out")
    if is_kaldi(root):
        options = {"speakers": speakers, "transcripts": transcripts, "late": late}
        if given := [name for name, path in options.items() if path]:
            raise ConfigError(f"--{given[0]}: {root} is a Kaldi data directory, which says itself what it holds")
        recordings, left_out, notes = find_utterances(root, of.id_prefix)
    else:
        if speaker_from not in SPEAKER_FROM:
            raise ConfigError(f"--speaker-from {speaker_from}: expected {' or '.join(SPEAKER_FROM)}")
        tables = Tables(
            speakers and Table(speakers, "speaker", name_last=True),
            transcripts and Table(transcripts, "words"),
            late and Table(late, "milliseconds", name_last=True),
        )
        recordings, left_out, notes = find_recordings(root, out, tables, speaker_from, of.id_prefix)
    found = len(recordings) + len(left_out)
    place = out / split if split in SETS else out
    # What an earlier run said of the data directories that are there stays until this one has replaced them.
    refused = place / "refused" if any((out / name / "wav.scp").exists() for name in sets_of(split)) else place
    if left_out:
        write_remarks(refused, left_out, notes)
        if len(left_out) > max_left_out * found:  # the usual reasons are told as at the end
            print_remarks(refused, left_out, notes)
        check_left_out(root, refused, len(left_out), found, "recordings", max_left_out)
    set_of = load_split(split, recordings, held_out)
    if split in SETS:
        check_other_sets(out, split, {recording.speaker for recording in recordings})

    # Sound that was cut otherwise stays as it is: until the end of this run it is in data directories.
    wav_folder = place / "wav" / f"{min_s:g}-{max_s:g}s"
    with locked(wav_folder):
        results = prepare_all(recordings, wav_folder, lengths, jobs)
        done: dict[str, Prepared] = dict(progress(results, len(recordings), "recordings"))
    prepared = [done[recording.id] for recording in recordings]
    utterances = [utterance for each in prepared for utterance in each.utterances]
    unusable = len(left_out) + sum(not each.utterances for each in prepared)
    pieces = sum(len(each.left_out) for each in prepared if each.utterances)
    left_out += [remark for each in prepared for remark in each.left_out]
    notes += [remark for each in prepared for remark in each.notes]
    kept, unassigned = _divided(utterances, set_of(utterances), split)
    notes += [(speaker, f"{count} utterances are in no set of the split") for speaker, count in unassigned.items()]
    print_sets(of.name, kept, "utterances", "with words", lambda utterance: bool(utterance.words))
    found_min, kept_min = (sum(each.duration_s for each in of_all) / 60 for of_all in (prepared, utterances))
    print(f"{found} recordings of {found_min:.1f} min; {kept_min:.1f} min of them in utterances")
    speakers_kept = {utterance.speaker for utterance in utterances}
    lost = {recording.speaker for recording in recordings} - speakers_kept
    try:
        check_left_out(root, refused, unusable, found, "recordings", max_left_out)
        check_left_out(root, refused, pieces, len(utterances) + pieces, "utterances", max_left_out)
        check_none_empty(split, kept, speakers_kept, lost, refused)
    except DataError:
        write_remarks(refused, left_out, notes)
        print_remarks(refused, left_out, notes)
        raise
    write_sets(out, kept, of.name, split, (*OPTIONAL, *MADE_OF))
    write_remarks(place, left_out, notes)
    print_remarks(place, left_out, notes)
    if refused != place:
        for name in (LEFT_OUT, NOTES):
            (refused / name).unlink(missing_ok=True)
        with suppress(OSError):  # not there, or it holds more
            refused.rmdir()


def _corpus(root: Path, name: str | None, id_prefix: str | None) -> Corpus:
    """The corpus as options name it, or the file in its folder, or the folder itself."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    of = Corpus.of(root, name or (root.parent.name if is_kaldi(root) else root.name))
    if id_prefix is not None and not re.fullmatch("[A-Za-z0-9-]*", id_prefix):
        raise ConfigError(f"--id-prefix '{id_prefix}': expected letters, digits and '-'")
    return Corpus(name or of.name, of.id_prefix if id_prefix is None else id_prefix)


def _divided(utterances: list[Utterance], set_of: dict[str, str], split: str) -> tuple[Sets, Counter]:
    """The utterances of each set, and by speaker how many are in none."""
    kept: Sets = {name: [] for name in sets_of(split)}
    unassigned = Counter(utterance.speaker for utterance in utterances if utterance.id not in set_of)
    for utterance in utterances:
        if utterance.id in set_of:
            kept[set_of[utterance.id]].append(utterance)
    return kept, unassigned


if __name__ == "__main__":
    run_program(app)
