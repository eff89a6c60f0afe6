"""Keyword accuracy: which words that matter an independent recogniser hears in restored or clean speech.

python -m evaluation.keywords exp/evaluation --grammar conf/grid.gram

In GRID these are the colour, the letter and the digit, as in tests with listeners (Cooke et al., 2006). The recogniser
always chooses a sentence of the grammar: who guesses is right in 1/4 of the colours, 1/25 of the letters and 1/10 of
the digits, 0.13 of all, and what it hears in the clean speech is the most that a restored set can reach.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import AvsiError, DataError
from avsi.files import digest
from avsi.media.sound_reading import read_mono
from avsi.metrics.registry import KEYWORDS
from avsi.program import print_table, run_program

from .folder.layout import JUDGES, WORDS
from .folder.rows import merged_rows, write_rows
from .listeners.grammar import Grammar
from .listeners.recognition_sets import (
    RecognitionSet,
    all_locked,
    evaluations_in,
    recognition_sets,
    recognize_in_parallel,
)
from .listeners.word_recognizer import RATE, WordRecognizer, check_installed

JUDGE = JUDGES[KEYWORDS.name]
app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Evaluations that evaluation.restore wrote, and data directories: clean speech."),
    ],
    grammar: Annotated[Path, typer.Option(help="The sentences of the corpus, in JSGF.")],
    lexicon: Annotated[
        Path | None, typer.Option(help="How their words are pronounced; lexicon.txt beside the grammar by default.")
    ] = None,
    keywords: Annotated[str, typer.Option(help="The places of the sentence that count.")] = "colour,letter,digit",
    jobs: Annotated[int, typer.Option(min=1, help="Processes to recognise with.")] = 2,
) -> None:
    """Write keywords.jsonl for the clean speech and for each system and condition: a row an utterance. What was heard
    whole with the same grammar and lexicon stays.
    """
    check_installed()
    sentences = Grammar.read(grammar)
    lexicon = lexicon or grammar.with_name("lexicon.txt")
    names = [name.strip() for name in keywords.split(",")]
    sentences.check_places(names)
    WordRecognizer(sentences, lexicon)  # one that cannot be made is refused before any work
    engine = f"PocketSphinx {version('pocketsphinx')}"
    judge = f"{engine}, grammar {digest(grammar)}, lexicon {digest(lexicon)}, {','.join(names)}"
    table = []
    speeches = recognition_sets(folders)
    with all_locked(folders):
        for speech in speeches:
            rows = list(merged_rows(speech.folder, WORDS).values())
            if [(row["id"], row.get(JUDGE)) for row in rows if row["keywords"] is not None] != [
                (utterance.id, judge) for utterance in speech.utterances
            ]:
                rows = [{**row, JUDGE: judge} for row in recognize_set(speech, sentences, lexicon, names, jobs)]
                write_rows(speech.folder / WORDS, rows)
            table.append([speech.name, *summary(rows, names)])
        for evaluation in evaluations_in(folders):
            evaluation.add_run()
    print_table(
        f"keywords heard, by {engine} with {grammar}",
        ["set", "keywords", *names, "utterances", "nothing heard", "not scored"],
        table,
    )
    for evaluation in filter(lambda one: one.caution, evaluations_in(folders)):
        print(f"{evaluation.folder}: {evaluation.caution}")


def recognize_set(
    speech: RecognitionSet, grammar: Grammar, lexicon: Path, keywords: list[str], jobs: int
) -> list[dict]:
    """One row per utterance of the clean set, in order; of those not restored, with the reason in ``failed``.

    Where nothing is heard, no keyword is right: that is a property of the sound, not a fault of the measurement.
    """
    heard = recognize_in_parallel(speech, jobs, "keywords", _hear, grammar, lexicon)
    rows = []
    for utterance in speech.utterances:
        row = {"id": utterance.id, "speaker": utterance.speaker, "said": " ".join(utterance.words)}
        words = heard[utterance.id]
        try:
            said = grammar.parse(utterance.words)
            if isinstance(words, str):
                raise DataError(speech.failed.get(utterance.id, words))
        except DataError as error:
            nothing = dict.fromkeys(("heard", "keywords", *keywords))
            rows.append({**row, **nothing, "failed": {"keywords": str(error)}})
            continue
        right = keywords_right(said, grammar.parse(words) if words else {}, keywords)
        share = sum(right.values()) / len(right)
        rows.append({**row, "heard": " ".join(words), "keywords": share, **right, "failed": {}})
    return rows


def keywords_right(said: dict[str, str], heard: dict[str, str], keywords: list[str]) -> dict[str, bool]:
    """Whether the same word was heard as said in each of the keywords' places, of two sentences by place."""
    return {place: heard.get(place) == said[place] for place in keywords}


def _hear(wavs: dict[str, str | None], grammar: Grammar, lexicon: Path) -> dict[str, list[str] | str]:
    """By id, the words, or why there are none to be heard."""
    recognizer = WordRecognizer(grammar, lexicon)
    heard: dict[str, list[str] | str] = {}
    for id_, wav in wavs.items():
        try:
            if wav is None:
                raise DataError("not restored")
            heard[id_] = recognizer.recognize(read_mono(wav, RATE), RATE)
        except (AvsiError, OSError) as error:
            heard[id_] = str(error)
    return heard


def summary(rows: list[dict], keywords: list[str]) -> list[object]:
    """(keywords, each of them, utterances, of them nothing heard, not scored): shares that were right."""
    scored = [row for row in rows if row["keywords"] is not None]
    right = [sum(row[key] for row in scored) for key in ("keywords", *keywords)]
    shares = [f"{number / len(scored):.3f}" if scored else "-" for number in right]
    silent = sum(not row["heard"] for row in scored)
    return [*shares, len(rows), silent, len(rows) - len(scored)]


if __name__ == "__main__":
    run_program(app)
