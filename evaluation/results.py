"""What evaluations found, as one Markdown page with its pictures: tables, differences, and how they were made.

python -m evaluation.results exp/evaluation/paper --out RESULTS.md
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import AvsiWarning, DataError
from avsi.files import write_text, written_beside
from avsi.metrics.table import COLUMNS
from avsi.program import run_program

from .curves import length_curves
from .folder import Evaluation
from .summary import Summary, shown, summarize, telling_pairs
from .systems import SYSTEMS
from .tables import (
    condition_table,
    difference_table,
    escape_markdown,
    harm_table,
    length_table,
    speaker_table,
    to_markdown,
)

CUT = (
    "A system that is named at the top of a panel, with an arrow, is far worse than the rest there, and leaves it. The "
    "L1 of what predicts no spectrum is not drawn."
)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Evaluations that evaluation.score has scored.")],
    out: Annotated[Path, typer.Option(help="The page to write; pictures lie beside it.")],
) -> None:
    """Write a section for each evaluation."""
    sections = []
    for folder in folders:
        evaluation = Evaluation.read(folder)
        try:
            summary = summarize(evaluation, telling_pairs(evaluation))
        except DataError as error:
            warnings.warn(str(error), AvsiWarning, stacklevel=2)
            continue
        picture = None
        if summary.has_lengths:
            picture = out.with_name(f"{out.stem}_{folder.resolve().name}.png")
            with written_beside(picture) as partial:
                partial.write_bytes(length_curves(summary, "png"))
        sections.append(section(evaluation, summary, picture.name if picture else None))
    if not sections:
        raise DataError("none of these has scores that can be shown; the notes above say why")
    write_text(out, "\n".join(["# Results", "", *sections]))
    print(f"{out}: {len(sections)} evaluation(s)")


def section(evaluation: Evaluation, summary: Summary, picture: str | None) -> str:
    """An evaluation in Markdown.

    Args:
        picture: the address of its curves, if there are any.
    """
    about = evaluation.about
    speakers = {utterance.speaker for utterance in evaluation.utterances}
    whole = [condition for condition in summary.conditions if not (condition.gap_ms and summary.has_lengths)]
    parts = [
        f"## {heading(evaluation)}",
        f"{tested_on(evaluation)} Every system met the same gaps.{on_clean(summary)}",
        *(to_markdown(condition_table(summary, condition)).strip() for condition in whole),
    ]
    if summary.has_lengths:
        parts += [
            "### Over the length of the gap",
            *([f"![curves over the length of the gap]({picture})", CUT] if picture else []),
            *(to_markdown(length_table(summary, column)).strip() for column in summary.columns),
        ]
    if summary.harms:
        parts += ["### Worse than silence", to_markdown(harm_table(summary)).strip()]
    if len(speakers) > 1:
        parts.append("### By speaker")
        parts += [to_markdown(speaker_table(summary, condition)).strip() for condition in summary.conditions]
    if pairs := telling_pairs(evaluation):
        parts.append("### What hearing, sight and phones add")
        parts += [to_markdown(difference_table(summary, *pair)).strip() for pair in pairs]
    parts += [
        "### How it was made",
        drawn(evaluation),
        f"The unit of L1, and the mean that `unprocessed` is filled with: `{about['stats']}`."
        if "stats" in about
        else "",
        _models(about["systems"], len(speakers), len(evaluation.utterances)),
        programs(evaluation),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def heading(evaluation: Evaluation) -> str:
    """Its name, and the corpus and split."""
    split = f", split {evaluation.about['split']}" if evaluation.about["split"] else ""
    return f"{evaluation.folder.resolve().name}: {evaluation.about['corpus']}{split}"


def tested_on(evaluation: Evaluation) -> str:
    """How many utterances of whom, and whether something was chosen on them."""
    speakers = sorted({utterance.speaker for utterance in evaluation.utterances})
    of = speakers[0] if len(speakers) == 1 else f"{len(speakers)} speakers"
    told = f" **{escape_markdown(evaluation.caution)}**" if evaluation.caution else ""
    return f"{len(evaluation.utterances)} utterances of {of} in `{evaluation.about['datadir']}`.{told}"


def on_clean(summary: Summary) -> str:
    """What recognisers make of the clean speech: no system can be expected to do better."""
    found = [f"{COLUMNS[name].label} {shown(estimate)}" for name, estimate in summary.clean.items()]
    return f" Of the clean speech itself: {', '.join(found)}." if found else ""


def drawn(evaluation: Evaluation) -> str:
    """How the gaps of each condition were."""
    return "Gaps: " + ", ".join(f"{name} {how}" for name, how in evaluation.about["conditions"].items()) + "."


def programs(evaluation: Evaluation) -> str:
    """A line for each program that was run on it."""
    return "\n".join(
        f"- {run['date']}, {run['commit']}, {run['machine']}: `{run['command']}`" for run in evaluation.about["runs"]
    )


def _models(systems: dict[str, dict], n_speakers: int, n_utterances: int) -> str:
    """A line for each that is no baseline: from where; of a model, how it was trained, whether on those that it is
    judged on, and a digest of its weights.
    """
    lines = []
    for name, about in systems.items():
        if "senses" not in about:
            if about["system"] not in SYSTEMS:
                lines.append(f"- `{name}`: what another program restored, in {about['system']}")
            continue
        facts = []
        if "models" in about:
            facts.append(f"{about['models']} models, of which each utterance got the one that had not met its speaker")
        if about["trained_on"]:
            facts.append(f"trained on {about['trained_on']}")
        if "speakers_met" in about:
            met = len(about["speakers_met"]), len(about["utterances_met"])
            facts.append(
                f"also of {met[0]} of the {n_speakers} speakers judged and on {met[1]} of these very utterances"
                if any(met)
                else "of none of the speakers judged"
            )
        facts.append(f"training seed {about['seed']}")
        facts += [f"{key.replace('_', ' ')} {about[key]}" for key in ("epoch", "valid_loss") if key in about]
        lines.append(f"- `{name}`: {about['system']}, {', '.join(facts)}, weights {about['weights']}")
    return "\n".join(lines)


if __name__ == "__main__":
    run_program(app)
