"""The section of a results page on one evaluation, in Markdown."""

from avsi.metrics.registry import COLUMNS

from ..folder.evaluation import Evaluation
from ..statistics.comparisons import ablation_pairs
from ..statistics.summary import Summary
from ..systems.names import SYSTEMS
from .cells import mean_text
from .markdown import escape_markdown, to_markdown
from .tables import (
    condition_table,
    difference_table,
    harm_table,
    has_voices,
    length_table,
    speaker_table,
    voice_table,
)

CUT = (
    "An arrow and a name at the top of a panel: this system is far worse than the others, and its line leaves the "
    "panel. L1 is not drawn for systems that predict no spectrum."
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
        f"{tested_on(evaluation)} Every system restored the same gaps.{on_clean(summary)}",
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
    if summary.voices:
        parts.append("### Whose voice it is")
        heard = [condition for condition in summary.conditions if has_voices(summary, condition)]
        parts += [to_markdown(voice_table(summary, condition)).strip() for condition in heard]
    if len(speakers) > 1:
        parts.append("### By speaker")
        parts += [to_markdown(speaker_table(summary, condition)).strip() for condition in summary.conditions]
    if pairs := ablation_pairs(evaluation):
        parts.append("### Gains from sound, video and phones")
        parts += [to_markdown(difference_table(summary, *pair)).strip() for pair in pairs]
    parts += [
        "### How these figures were made",
        gap_sources(evaluation),
        f"Statistics, for the unit of L1 and the mean fill of `unprocessed`: `{about['stats']}`."
        if "stats" in about
        else "",
        _models(evaluation),
        programs(evaluation),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def heading(evaluation: Evaluation) -> str:
    """Its name, and the corpus and split."""
    split = f", split {evaluation.about['split']}" if evaluation.about["split"] else ""
    return f"{evaluation.folder.resolve().name}: {evaluation.about['corpus']}{split}"


def tested_on(evaluation: Evaluation) -> str:
    """The number of utterances and speakers, and whether it is a development set."""
    speakers = sorted({utterance.speaker for utterance in evaluation.utterances})
    of = speakers[0] if len(speakers) == 1 else f"{len(speakers)} speakers"
    caution = f" **{escape_markdown(evaluation.caution)}**" if evaluation.caution else ""
    return f"{len(evaluation.utterances)} utterances of {of} in `{evaluation.about['datadir']}`.{caution}"


def on_clean(summary: Summary) -> str:
    """The results of recognisers on the clean speech: no system can be expected to do better."""
    found = [f"{COLUMNS[name].label} {mean_text(estimate)}" for name, estimate in summary.clean.items()]
    return f" On clean speech: {', '.join(found)}." if found else ""


def gap_sources(evaluation: Evaluation) -> str:
    """The source of each condition's gaps."""
    return "Gaps: " + ", ".join(f"{name} {how}" for name, how in evaluation.about["conditions"].items()) + "."


def programs(evaluation: Evaluation) -> str:
    """A line for each program that was run on it."""
    return "\n".join(
        f"- {run['date']}, {run['commit']}, {run['machine']}: `{run['command']}`" for run in evaluation.about["runs"]
    )


def seen_in_training(evaluation: Evaluation, about: dict) -> str:
    """How much of the test set a model was trained on, by its description; "" where that is not known."""
    if "seen_speakers" not in about:
        return ""
    seen = len(about["seen_speakers"]), len(about["seen_utterances"])
    speakers = {utterance.speaker for utterance in evaluation.utterances}
    if not any(seen):
        return "no test speaker seen in training"
    return f"seen in training: {seen[0]} of the {len(speakers)} test speakers, {seen[1]} of the test utterances"


def _models(evaluation: Evaluation) -> str:
    """A line for each system that is no baseline: its source; for a model also its training, the train/test overlap and
    a digest of its weights.
    """
    lines = []
    for name, about in evaluation.about["systems"].items():
        if "senses" not in about:
            if about["system"] not in SYSTEMS:
                lines.append(f"- `{name}`: files of another program, in {about['system']}")
            continue
        facts = []
        if "models" in about:
            facts.append(f"{about['models']} models, each utterance restored by the one trained without its speaker")
        if "told_of_words" in about:
            facts.append(f"told of what is said: {about['told_of_words']}")
        if "refined_by" in about:
            facts.append(f"refined by {about['refined_by']}")
        if about.get("finds_gaps"):
            facts.append("finds the gaps by itself")
        if "told_of_voice" in about:
            facts.append(f"told of the voice: {about['told_of_voice']}")
        if about["trained_on"]:
            facts.append(f"trained on {about['trained_on']}")
        if seen := seen_in_training(evaluation, about):
            facts.append(seen)
        facts.append(f"training seed {about['seed']}")
        facts += [f"{key.replace('_', ' ')} {about[key]}" for key in ("epoch", "valid_loss") if key in about]
        lines.append(f"- `{name}`: {about['system']}, {', '.join(facts)}, weights {about['weights']}")
    return "\n".join(lines)
