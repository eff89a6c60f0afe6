"""The page to browse restored speech: pictures, sounds, scores and phones of systems side by side."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avsi import __version__
from avsi.data.gaps import Gap
from avsi.errors import DataError
from avsi.metrics.phone_errors import Alignment, align
from avsi.metrics.registry import COLUMNS, Column
from avsi.pages import plots
from avsi.pages.html import data_uri, render, sound_uri
from avsi.program import in_parallel, progress

from ..systems.names import ORACLE
from .example_selection import RANKS, check_count
from .examples import Example

QUALITY = 60  # of the pictures; a page holds hundreds: half the size of those of the demo


@dataclass(frozen=True)
class Ranking:
    """The system and the column by which the examples were ranked."""

    system: str
    column: Column


def browse_page(
    title: str,
    about: str,
    examples: Sequence[Example],
    rate: int,
    ranking: Ranking,
    shown: Sequence[str] | None = None,
    jobs: int = 2,
) -> str:
    """The whole page as HTML, with all sounds and pictures inside.

    The choices of its reader are kept in its address, so that a link leads to an example and the systems beside it.

    Args:
        about: a sentence or two on the source of the results.
        examples: in the order in which each rank lists them; ranks may alternate.
        rate: of all sounds, in Hz.
        shown: the systems that it shows at first; by default the first and the last.
        jobs: processes to draw the pictures with.

    Raises:
        ConfigError: more examples than a page can hold, or none.
        DataError: two examples of one utterance and condition.
    """
    check_count(len(examples))
    keys = [f"{example.id} {example.condition}" for example in examples]
    for key, times in Counter(keys).items():
        if times > 1:
            raise DataError(f"{key}: is there {times} times; expected an utterance once under each condition")
    systems = list(dict.fromkeys(version.name for example in examples for version in example.systems))
    versions = [(example, version) for example in examples for version in example.versions]
    scored = {name for _, version in versions for name in version.scores}
    tasks = [(_media, version.samples, rate, example.gaps) for example, version in versions]
    media = iter(list(progress(in_parallel(jobs, tasks), len(tasks), "pictures and sounds")))
    ready = [_ready(key, example, systems, ranking, media) for key, example in zip(keys, examples, strict=True)]
    return render(
        "browse.html",
        "evaluation.reporting",
        title=title,
        about=about,
        examples=ready,
        ranks={rank: [one for one in ready if one["example"].rank == rank] for rank in RANKS},
        orders=RANKS[:3],
        ranking=ranking,
        systems=systems,
        shown=systems[:1] + systems[1:][-1:] if shown is None else shown,
        conditions=list(dict.fromkeys(example.condition for example in examples)),
        speakers=sorted({example.speaker for example in examples}),
        columns=[column for name, column in COLUMNS.items() if name in scored],
        has_phones=any(version.phones is not None and example.reference is not None for example, version in versions),
        version=__version__,
        plot=plots,
    )


def _media(samples: np.ndarray, rate: int, gaps: list[Gap]) -> tuple[str, str]:
    """The picture and the sound of a version, as addresses."""
    return data_uri("image/webp", plots.spectrogram(samples, rate, gaps, quality=QUALITY)), sound_uri(samples, rate)


def _ready(
    key: str, example: Example, systems: list[str], ranking: Ranking, media: Iterator[tuple[str, str]]
) -> dict[str, object]:
    """The values of an example for the template. ``media`` yields picture and sound of each version.

    The figures are the original, the damaged and all of ``systems``, in this order.
    """
    best = best_texts([version.scores for version in example.versions[1:] if version.name != ORACLE])
    figures = []
    for version in example.versions:
        picture, sound = next(media)
        figures.append(
            {
                "name": version.name,
                "picture": picture,
                "sound": sound,
                "scores": _marked(version.scores, {} if version.name in (example.original.name, ORACLE) else best),
                "phones": _aligned(example.reference, version.phones),
            }
        )
    restored = {figure["name"]: figure for figure in figures[2:]}
    ranked = next((version.scores for version in example.systems if version.name == ranking.system), {})
    return {
        "key": key,
        "example": example,
        "value": score_text(ranked.get(ranking.column.name)),
        "figures": figures[:2] + [restored.get(name, {"name": name}) for name in systems],
    }


def score_text(value: float | None) -> str | None:
    return None if value is None or not math.isfinite(value) else f"{value:.3f}"


def best_texts(scores: list[dict[str, float | None]]) -> dict[str, str]:
    """By column the text of the best value."""
    values: dict[str, list[str]] = {}
    for row in scores:
        for name, value in row.items():
            values.setdefault(name, []).extend(filter(None, [score_text(value)]))
    return {
        name: (min if COLUMNS[name].lower_is_better else max)(texts, key=float)
        for name, texts in values.items()
        if texts
    }


def _marked(scores: dict[str, float | None], best: dict[str, str]) -> list[tuple[Column, str | None, bool]]:
    """For each column, in the table's order, the text of the value, and whether it is the best."""
    texts = {name: score_text(scores[name]) for name in COLUMNS if name in scores}
    return [(COLUMNS[name], text, text is not None and text == best.get(name)) for name, text in texts.items()]


def _aligned(reference: Sequence[str] | None, recognized: Sequence[str] | None) -> Alignment | None:
    return None if reference is None or recognized is None else align(reference, recognized)
