"""When the words and phones of data directories are said: ``align`` and ``phones``.

python -m data_prep.align data/train data/valid --lexicon data/lexicon.txt
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Timed, Utterance, read_datadir, write_datadir
from avsi.data.features import load_features
from avsi.data.phones import Lexicon
from avsi.data.said import words_at
from avsi.errors import DataError, MediaError
from avsi.files import blamed_on, digest, read_lines, write_text
from avsi.folders import locked
from avsi.models.store import WEIGHTS, find_model, load_model
from avsi.pretrained import ALIGNER
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.words.aligner import align_frames

# Files of a data directory: the reasons for missing times, and what a run that was stopped has done.
FAILED, JOURNAL = "align_failed", ".align_journal"
DEPENDS_ON = ("wav.scp", "utt2dur", "text", "align", "landmarks.scp")  # of a data directory
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="Data directories; landmarks first, where there is a face.")],
    lexicon: Annotated[Path, typer.Option(help="How each word is said, as data_prep.lexicon writes it.")],
    model: Annotated[str, typer.Option(help="A model that aligns: a pretrained one, or a folder.")] = ALIGNER,
    anew: Annotated[bool, typer.Option("--anew", help="Also where the times of words are known.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[
        float, typer.Option(help="Fail, and change no list, where a larger share cannot be aligned.")
    ] = 0.05,
) -> None:
    """Find when each word and each phone is said. Known times of words stay, and bound those of their phones;
    utterances without words are passed over. A stopped run goes on where it was.
    """
    load_model(model, "aligner")
    for datadir in datadirs:
        with locked(datadir):
            align(datadir, lexicon, model, anew, jobs, max_left_out)


def align(datadir: Path, lexicon: Path, model: str, anew: bool, jobs: int, max_left_out: float) -> None:
    """Fill one data directory's ``align`` and ``phones``; ``align_failed`` has the reasons for missing ones.

    Raises:
        DataError: words that are not in the lexicon, or a larger share than ``max_left_out`` that cannot be aligned.
    """
    utterances, known = read_datadir(datadir), Lexicon.read(lexicon)
    said = [utterance for utterance in utterances if utterance.words]
    if not said:
        raise DataError(f"{datadir}: has no words in its text")
    for utterance in said:
        known.in_words(utterance)
    aligner = load_model(model, "aligner")
    if unknown := set(known.phones) - set(aligner.phones):
        raise DataError(f"{lexicon}: {model} does not know its phones {', '.join(sorted(unknown))}")
    of_data = [digest(datadir / name) for name in DEPENDS_ON if (datadir / name).is_file()]
    state = " ".join([digest(find_model(model) / WEIGHTS), digest(lexicon), str(anew), *of_data])
    found, failed = _find(datadir, said, state, (str(lexicon), model, anew), jobs)
    write_text(datadir / FAILED, "".join(f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    if len(failed) > max_left_out * len(said):
        raise DataError(
            f"{datadir}: {len(failed)} of {len(said)} utterances cannot be aligned, more than --max-left-out "
            f"{max_left_out:g}; {datadir / FAILED} gives each reason"
        )
    timed = {u.id: found.get(u.id, (list(u.alignment), [])) for u in utterances}
    write_datadir(
        datadir,
        [dataclasses.replace(u, alignment=tuple(timed[u.id][0]), phones=tuple(timed[u.id][1])) for u in utterances],
    )
    (datadir / JOURNAL).unlink()
    silent = len(utterances) - len(said)
    rows = [[str(datadir), len(found), sum(len(words) for words, _ in found.values()), silent, len(failed)]]
    print_table("aligned", ["set", "utterances", "words", "without words", "left out"], rows)


def _find(
    datadir: Path, utterances: list[Utterance], state: str, settings: tuple[str, str, bool], jobs: int
) -> tuple[dict[str, tuple[list[Timed], list[Timed]]], dict[str, str]]:
    """By id, the times of words and of phones, and the reasons for missing ones."""
    journal = datadir / JOURNAL
    done: dict[str, dict] = {}
    lines = read_lines(journal) if journal.is_file() else []
    if lines[:1] == [state]:
        for line in lines[1:]:
            try:
                entry = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            done[entry["id"]] = entry
    write_text(journal, "".join([f"{state}\n", *(f"{json.dumps(entry)}\n" for entry in done.values())]))
    todo = [u for u in utterances if u.id not in done]
    with blamed_on(journal), journal.open("a", encoding="utf-8") as file:
        results = in_parallel(jobs, [(_align, utterance, *settings) for utterance in todo], ordered=False)
        for entry in progress(results, len(todo), f"{datadir.name}: words"):
            done[entry["id"]] = entry
            file.write(f"{json.dumps(entry)}\n")
            file.flush()
    there = {utterance.id for utterance in utterances}
    found = {
        id_: ([tuple(each) for each in entry["words"]], [tuple(each) for each in entry["phones"]])
        for id_, entry in done.items()
        if id_ in there and "words" in entry
    }
    return found, {id_: entry["reason"] for id_, entry in done.items() if id_ in there and "reason" in entry}


def _align(utterance: Utterance, lexicon: str, model: str, anew: bool) -> dict:
    """What the journal says of an utterance."""
    aligner = once(load_model, model, "aligner")
    try:
        features = load_features(utterance, aligner.config)
        n_frames = len(features.log_spectrum)
        word_at = None if anew else words_at(utterance, n_frames, aligner.config.stft)
        lost = features.log_spectrum.new_zeros(n_frames).bool()
        words = [[phones] for phones in once(Lexicon.read, lexicon).in_words(utterance)]
        aligned = align_frames(aligner, features.log_spectrum, features.visual, lost, words, word_at)
    except (DataError, MediaError) as error:
        return {"id": utterance.id, "reason": " ".join(str(error).split())}
    phones, times = aligned.timed_phones(aligner), list(utterance.alignment)
    if word_at is None or word_at[0] < 0:
        times = []
        for number, word in enumerate(utterance.words):
            own = [phone for phone, of in zip(phones, aligned.words, strict=True) if of == number]
            times.append((own[0][0], own[-1][0] + own[-1][1] - own[0][0], word))
    return {"id": utterance.id, "words": times, "phones": phones}


if __name__ == "__main__":
    run_program(app)
