"""Keyword accuracy: how many keywords an independent recogniser recognises in restored or clean speech.

python -m evaluation.keywords exp/evaluation --grammar conf/grid.gram

In GRID the keywords are the colour, the letter and the digit, as in listening tests (Cooke et al., 2006). The
recogniser always chooses a sentence of the grammar. A random choice is right in 1/4 of the colours, 1/25 of the letters
and 1/10 of the digits, 0.13 of all. The accuracy in clean speech is the most that a restored set can reach.
"""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance
from avsi.errors import AvsiWarning, ConfigError
from avsi.files import digest
from avsi.metrics.registry import KEYWORDS
from avsi.program import run_program

from .folder.layout import WORDS
from .recognizers.grammar import Grammar
from .recognizers.recognition import Folders, Jobs, Recognition, Recognizer, recognize_folders
from .recognizers.word_recognizer import RATE, WordRecognizer, check_pocketsphinx

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Folders,
    grammar: Annotated[Path, typer.Option(help="The sentences of the corpus, in JSGF.")],
    lexicon: Annotated[
        Path | None, typer.Option(help="Their words' pronunciations; lexicon.txt beside the grammar by default.")
    ] = None,
    keywords: Annotated[str, typer.Option(help="The places of the sentence that count.")] = "colour,letter,digit",
    jobs: Jobs = 2,
    cluster: OnCluster = None,
    if_installed: Annotated[bool, typer.Option("--if-installed", help="Do nothing without PocketSphinx.")] = False,
) -> None:
    """Write keywords.jsonl for the clean speech and for each system and condition: a row an utterance. Complete results
    of the same grammar and lexicon stay.
    """
    try:
        check_pocketsphinx()
    except ConfigError as error:
        if not if_installed:
            raise
        warnings.warn(f"left out: {error}", AvsiWarning, stacklevel=2)
        return
    sentences = Grammar.read(grammar)
    lexicon = lexicon or grammar.with_name("lexicon.txt")
    places = [name.strip() for name in keywords.split(",")]
    sentences.check_places(places)
    WordRecognizer(sentences, lexicon)  # one that cannot be made is refused before any work
    engine = f"PocketSphinx {version('pocketsphinx')}"
    recognition = Recognition(
        WORDS,
        KEYWORDS.name,
        state=f"{engine}, grammar {digest(grammar)}, lexicon {digest(lexicon)}, {','.join(places)}",
        load=(load_recognizer, grammar, lexicon),
        score=lambda utterance, words, _: score_keywords(sentences, places, utterance, words),
        keys=["recognized", KEYWORDS.name, *places],
    )
    title = f"keywords recognised, by {engine} with {grammar}"
    header = ["keywords", *places, "utterances", "nothing recognised", "not scored"]
    recognize_folders(folders, recognition, jobs, title, header, lambda rows: keyword_totals(rows, places))


def load_recognizer(grammar: Path, lexicon: Path) -> tuple[Recognizer, int]:
    """(a function from samples to words, their rate in Hz)."""
    recognizer = WordRecognizer(Grammar.read(grammar), lexicon)
    return lambda samples: recognizer.recognize(samples, RATE), RATE


def score_keywords(grammar: Grammar, places: list[str], utterance: Utterance, words: list[str]) -> dict:
    """The values of a row: the share of places where the word recognised is the word said, and whether it is for each.

    Where no words were recognised, no keyword is right: that is a property of the sound, not a failed measurement.
    Raises DataError where the utterance is no sentence of the grammar.
    """
    said = grammar.parse(utterance.words)
    recognized = grammar.parse(words) if words else {}
    right = {place: recognized.get(place) == said[place] for place in places}
    return {"recognized": " ".join(words), KEYWORDS.name: sum(right.values()) / len(right), **right}


def keyword_totals(rows: list[dict], places: list[str]) -> list[object]:
    """(accuracy of all keywords, of each place, utterances, of them nothing recognised, not scored)."""
    scored = [row for row in rows if row[KEYWORDS.name] is not None]
    right = [sum(row[key] for row in scored) for key in (KEYWORDS.name, *places)]
    accuracies = [f"{number / len(scored):.3f}" if scored else "-" for number in right]
    silent = sum(not row["recognized"] for row in scored)
    return [*accuracies, len(rows), silent, len(rows) - len(scored)]


if __name__ == "__main__":
    run_program(app)
