"""Model cards: a page in a model's folder about its purpose, training, results and limits. Programs write the sections
between marks; people write the rest.
"""

import re
from pathlib import Path

from ..errors import DataError
from ..files import digest, read_text, write_text
from .card_facts import facts_table
from .store import WEIGHTS, read_description

CARD = "README.md"
FACTS, FIGURES = "facts", "figures"  # the sections that programs write
NO_FIGURES = {
    "inpainter": "None yet: `python -m evaluation.card FOLDER EVALUATION` puts those of an evaluation here.",
    "painter": "None yet: `python -m evaluation.card FOLDER EVALUATION` puts those of an evaluation here.",
    "aligner": "None yet: `python -m evaluation.align` measures them.",
    "durations": "None yet: `python -m evaluation.align` measures what it adds to an aligner.",
    "refiner": "None yet: `python -m evaluation.restore` with systems such as av and av:refined=FOLDER measures them.",
    "corrector": "None yet: `python -m evaluation.partial` measures them.",
    "speaker_encoder": "None yet: `python -m evaluation.speakers` measures them.",
    "tagger": "None yet: `python -m evaluation.detect` measures them.",
    "recognizer": "None yet: `python -m evaluation.recognize` measures them.",
}

_WHAT_FOR = "_To be written: which speakers and recordings it was made for, and which it was not._"
_HOW_MADE = "_To be written: each corpus with its hours and its licence; the command; the machine._"
_LIMITS = "_To be written: on which speakers, languages, lengths of gap, cameras and microphones it was never tried._"
_USAGE = {
    "inpainter": "avsi inpaint clip.mpg --gap 0.80:1.60 -o restored.mp4 --model {name}",
    "painter": "avsi inpaint clip.mpg --gap 0.80:1.60 -o restored.mp4 --model {name}",
    "aligner": 'avsi align clip.mpg --transcript "bin blue at f two now" --model {name}',
    "durations": "avsi inpaint clip.wav --gap 0.80:1.60 --transcript TEXT -o restored.wav",
    "refiner": "avsi inpaint clip.wav --gap 0.80:1.60 -o restored.wav",
    "corrector": "avsi inpaint clip.wav --gap 0.80:1.60 --keep-above 800 -o restored.wav",
    "speaker_encoder": "avsi voice one.wav two.mp4@3.5:9 --model {name}",
    "tagger": "avsi detect clip.mp4 -o labels.txt",
    "recognizer": "python -m evaluation.recognize EVALUATION --recognizer {name}",
}
_NEW = """\
# {name}

{trained_on}

```sh
{usage}
```

## What it is for

{what_for}

## How it was made

{facts}

{how_made}

## Figures

{figures}

## Limits

{limits}
"""


def read_card(folder: Path) -> str:
    """Raises DataError if a model has no card, or one that is not UTF-8 text."""
    path = folder / CARD
    if not path.is_file():
        raise DataError(f"{path}: this model has no card; `avsi export` writes one")
    return read_text(path)


def update_card(
    folder: Path,
    figures: str | None = None,
    name: str | None = None,
    what_for: str = _WHAT_FOR,
    how_made: str = _HOW_MADE,
    limits: str = _LIMITS,
) -> None:
    """Update the sections of a model's card that programs write, or create the card.

    Args:
        figures: Markdown; None keeps the present ones, unless they are of other weights.
        name: the model's name on a new card; the folder's name by default.
        what_for, how_made, limits: what a new card says under "What it is for", "How it was made" and "Limits"; by
            default what people are to write there.

    Raises:
        DataError: a card without the marks of these sections.
    """
    if (folder / CARD).is_file():
        text = read_card(folder)
    else:
        description, name = read_description(folder), name or folder.resolve().name
        trained_on = description.get("about", {}).get("trained_on", "")
        text = _NEW.format(
            name=name,
            usage=_USAGE[description["config"]["model"]["kind"]].format(name=name),
            trained_on=f"Trained on {trained_on}." if trained_on else "",
            what_for=what_for,
            how_made=how_made,
            limits=limits,
            facts=_marked(FACTS, ""),
            figures=_marked(FIGURES, ""),
        )
    if figures is None and digest(folder / WEIGHTS) not in card_section(folder, text, FIGURES):
        figures = NO_FIGURES[read_description(folder)["config"]["model"]["kind"]]
    for mark, content in ((FACTS, facts_table(folder)), (FIGURES, figures)):
        if content is not None:
            text = text.replace(card_section(folder, text, mark), _marked(mark, content))
    write_text(folder / CARD, text)


def card_section(folder: Path, text: str, name: str) -> str:
    """A section of a card's text, with its marks."""
    found = re.search(f"<!-- {name} -->.*?<!-- end of {name} -->", text, re.DOTALL)
    if not found:
        raise DataError(
            f"{folder / CARD}: has no lines '<!-- {name} -->' and '<!-- end of {name} -->', between which its {name} "
            "belong"
        )
    return found[0]


def _marked(name: str, content: str) -> str:
    return f"<!-- {name} -->\n\n{content}\n\n<!-- end of {name} -->"
