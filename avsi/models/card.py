"""The card of a model: the page beside its weights that says what it is for, how it was made, how good it is, and what
it was never tried on. Parts of it are written by programs, between marks; the rest is for people to write.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path

from ..config import Config
from ..data.ids import recording_in, speaker_in
from ..errors import DataError
from ..files import digest, write_text
from .store import WEIGHTS, learnt_from, load_model, read_description

CARD = "README.md"
FACTS, FIGURES = "facts", "figures"  # the parts that programs write
NO_FIGURES = "None yet: `python -m evaluation.card FOLDER EVALUATION` puts those of an evaluation here."

# Where and how fast a run was made: no matter to what it made.
_ELSEWHERE = ("training.accelerator", "training.devices", "training.workers", "training.cache")
# What training tells of a run, and how a card calls it.
_RUN = {"epoch": "{keep} epoch", "valid_loss": "validation loss", "precision": "precision"}
_POINTS = {
    "face": "its 68 landmarks",
    "mouth": "the 37 landmarks of jaw and lips",
    "articulation": "measures of lips and jaw, from 68 landmarks",
}
_LEVELS = {
    "corpus": "that of the training recordings is expected: what is much louder or softer is restored worse",
    "utterance": "normalised by the recording itself: how loud it is does not matter",
}

_NEW = """\
# {name}

{trained_on}

```sh
avsi inpaint clip.mpg --gap 0.80:1.60 -o restored.mp4 --model {name}
```

## What it is for

_To be written: which speakers and recordings it was made for, and which it was not._

## How it was made

{facts}

_To be written: each corpus with its hours and its licence; the command; the machine._

## Figures

{figures}

## Limits

_To be written: on which speakers, languages, lengths of gap, cameras and microphones it was never tried._
"""


def read_card(folder: Path) -> str:
    """Raises DataError where a model has none, or one that is no text."""
    path = folder / CARD
    if not path.is_file():
        raise DataError(f"{path}: this model has no card; `avsi export` writes one")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from error


def update_card(folder: Path, figures: str | None = None, name: str | None = None) -> None:
    """Write what programs know of a model into its card, which is begun where there is none.

    Args:
        figures: Markdown; None leaves those that are there, unless they are of other weights.
        name: what a new card calls the model; the folder's name by default.

    Raises:
        DataError: a card without the marks between which the parts belong.
    """
    if (folder / CARD).is_file():
        text = read_card(folder)
    else:
        trained_on = _about(folder).get("trained_on", "")
        text = _NEW.format(
            name=name or folder.resolve().name,
            trained_on=f"Trained on {trained_on}." if trained_on else "",
            facts=_marked(FACTS, ""),
            figures=_marked(FIGURES, ""),
        )
    if figures is None and digest(folder / WEIGHTS) not in part(folder, text, FIGURES):
        figures = NO_FIGURES
    for mark, content in ((FACTS, facts(folder)), (FIGURES, figures)):
        if content is not None:
            text = text.replace(part(folder, text, mark), _marked(mark, content))
    write_text(folder / CARD, text)


def part(folder: Path, text: str, name: str) -> str:
    """One of a card's parts, with its marks."""
    found = re.search(f"<!-- {name} -->.*?<!-- end of {name} -->", text, re.DOTALL)
    if not found:
        raise DataError(
            f"{folder / CARD}: has no lines '<!-- {name} -->' and '<!-- end of {name} -->', between which its {name} "
            "belong"
        )
    return found[0]


def facts(folder: Path) -> str:
    """A table of what a model's files tell: kind, input, gaps, speakers, settings, size."""
    about, model = _about(folder), load_model(folder)
    config, ids = model.config, learnt_from(folder) or set()
    layers = f"{config.model.layers} BLSTM layers of {config.model.hidden} units a direction"
    count = sum(weights.numel() for weights in model.parameters())
    inpaints = config.model.kind == "inpainter"
    rows = {
        "Kind": f"{config.model.kind}: {layers}, {count / 1e6:.2f} million parameters"
        + (", phones as a second task" if inpaints and config.model.ctc else ""),
        "Input": _input(config),
        "Output": "the sound of the gaps; every sample outside them stays as it is" if inpaints else "phones",
        "Level": _LEVELS[config.model.normalise],
        "Gaps in training": _gaps(config) if inpaints else "",
        "Trained on": str(about.get("trained_on", "")),
        "Utterances": _utterances(ids),
        "Training": ", ".join(
            [
                f"seed {config.training.seed}",
                *(
                    f"{name.format(keep=config.training.keep)} {about[key]}"
                    for key, name in _RUN.items()
                    if key in about
                ),
            ]
        ),
        "Settings": " ".join(f"`{setting}`" for setting in _settings(config)) or "the defaults",
        "Weights": f"{(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB, SHA-256 {digest(folder / WEIGHTS)}...",
    }
    lines = [f"| {name} | {text.replace('|', '/')} |" for name, text in rows.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def _about(folder: Path) -> dict:
    return read_description(folder).get("about", {})


def _marked(name: str, content: str) -> str:
    return f"<!-- {name} -->\n\n{content}\n\n<!-- end of {name} -->"


def _input(config: Config) -> str:
    rate = f"{config.stft.sample_rate / 1000:g} kHz"
    heard = f"sound at {rate}, each channel by itself (other rates are converted)" if config.model.audio else ""
    motion = f", their motion at {config.visual.fps:g} frames a second" if config.visual.motion else ""
    lost = f" (other rates are converted, and a face lost for up to {config.visual.max_lost_s:g} s is interpolated)"
    seen = f"the speaker's face: {_POINTS[config.visual.points]}{motion}{lost}" if config.model.video else ""
    return "; ".join(filter(None, [heard, seen]))


def _gaps(config: Config) -> str:
    if config.data.train_gaps:
        return "those of a gap file"
    gaps = config.gaps
    return (
        f"{gaps.min_count} to {gaps.max_count} an utterance, each of {gaps.min_ms:g} ms or more, together "
        f"{gaps.total_mean_ms:g} ms on average and {gaps.total_max_ms:g} ms at most, in its first {gaps.region_ms:g} ms"
    )


def _utterances(ids: set[str]) -> str:
    """How many of whom, speakers of as many together, and how many of them were given other voices too."""
    recordings = {recording_in(id_) for id_ in ids}
    if not recordings:
        return ""
    of = Counter(map(speaker_in, recordings))
    alike: dict[int, list[str]] = {}
    for speaker, count in sorted(of.items()):
        alike.setdefault(count, []).append(speaker)
    who = "; ".join(
        f"{count} {'each ' if len(names) > 1 else ''}of {', '.join(names)}"
        for count, names in sorted(alike.items())[::-1]
    )
    copies = len(ids) - len(recordings)
    more = f", and {copies} copies of them in other voices" if copies else ""
    return (who if len(of) == 1 else f"{len(recordings)} of {len(of)} speakers ({who})") + more


def _settings(config: Config) -> list[str]:
    """Those that are not the defaults, as ``avsi train --set`` takes them."""
    here, default = dataclasses.asdict(config), dataclasses.asdict(Config())
    # Another kind of model has settings that the usual one has not.
    default["model"] = dataclasses.asdict(type(config.model)()) | default["model"]
    names = [(section, key) for section, values in here.items() for key in values if section != "data"]
    return [
        f"{section}.{key}={here[section][key]}"
        for section, key in names
        if here[section][key] != default[section][key] and f"{section}.{key}" not in _ELSEWHERE
    ]
