"""The section of a results page on one evaluation, in Markdown."""

from __future__ import annotations

from avsi.metrics.registry import COLUMNS

from ..folder.evaluation import Evaluation
from ..statistics.summary import Summary, shown, telling_pairs
from ..systems.names import SYSTEMS
from .markdown import escape_markdown, to_markdown
from .tables import condition_table, difference_table, harm_table, length_table, speaker_table

CUT = (
    "A system that is named at the top of a panel, with an arrow, is far worse than the rest there, and leaves it. The "
    "L1 of what predicts no spectrum is not drawn."
)


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
        if "seen_speakers" in about:
            seen = len(about["seen_speakers"]), len(about["seen_utterances"])
            facts.append(
                f"also of {seen[0]} of the {n_speakers} speakers judged and on {seen[1]} of these very utterances"
                if any(seen)
                else "of none of the speakers judged"
            )
        facts.append(f"training seed {about['seed']}")
        facts += [f"{key.replace('_', ' ')} {about[key]}" for key in ("epoch", "valid_loss") if key in about]
        lines.append(f"- `{name}`: {about['system']}, {', '.join(facts)}, weights {about['weights']}")
    return "\n".join(lines)
