"""The figures of a model's card, from evaluations: means under each condition, and differences to interpolation.

python -m evaluation.card ../../avsi/pretrained/av exp/evaluation/general_{unseen,seen} --family general_av
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import ConfigError, DataError
from avsi.files import digest
from avsi.metrics.registry import COLUMNS
from avsi.models.card import CARD, update_card
from avsi.models.store import WEIGHTS, find_model, read_description
from avsi.program import run_program

from .folder.evaluation import Evaluation
from .reporting.markdown import to_markdown
from .reporting.sections import gap_sources, heading, on_clean, programs, tested_on
from .reporting.tables import difference_table, system_table
from .statistics.summarize import summarize
from .statistics.summary import Summary, System

BASELINE = "interpolation"
app = typer.Typer(add_completion=False)


@app.command()
def main(
    model: Annotated[Path, typer.Argument(help="A folder that avsi export wrote; its card is begun if there is none.")],
    evaluations: Annotated[
        list[Path], typer.Argument(help="Evaluations that evaluation.score has scored, of the model's weights.")
    ],
    metrics: Annotated[
        str, typer.Option(help=f"Some of {', '.join(COLUMNS)}, separated by commas; by default all that were scored.")
    ] = "",
    family: Annotated[
        str,
        typer.Option(
            help="For evaluations without the model: the system there that is a family of models made like it."
        ),
    ] = "",
) -> None:
    """Write a model's facts and figures into the parts of its card that are marked for them."""
    folder = find_model(model)
    if unknown := set(filter(None, map(str.strip, metrics.split(",")))) - set(COLUMNS):
        raise ConfigError(f"--metrics: unknown {', '.join(sorted(unknown))}; expected some of {', '.join(COLUMNS)}")
    wanted = [name.strip() for name in metrics.split(",")] if metrics else list(COLUMNS)
    sections = [_section(folder, Evaluation.read(evaluation), wanted, family) for evaluation in evaluations]
    update_card(folder, "\n\n".join(sections))
    print(f"{folder / CARD}: the figures of {len(sections)} evaluation(s)")


def _section(folder: Path, evaluation: Evaluation, metrics: list[str], family: str) -> str:
    system, measured = _find(folder, evaluation, family)
    name = folder.resolve().name
    summary = _summary_of(summarize(evaluation, [(BASELINE, system)]), system, name, metrics)
    if not summary.columns:
        raise DataError(f"{evaluation.folder}: {system} was scored in none of {', '.join(metrics)}")
    tables = [system_table(summary, summary.systems[0])]
    if summary.differences:
        tables.append(difference_table(summary, BASELINE, name))
    return "\n\n".join(
        [
            f"### {heading(evaluation)}",
            f"{tested_on(evaluation)} {measured}{on_clean(summary)}",
            *(to_markdown(table).strip() for table in tables),
            gap_sources(evaluation),
            programs(evaluation),
        ]
    )


def _find(folder: Path, evaluation: Evaluation, family: str) -> tuple[str, str]:
    """The system of an evaluation that is the model, or a family that stands for it, and a sentence on its weights.

    Raises:
        DataError: no system has the model's weights, or those that it was exported from, and there is no such family.
    """
    shipped = digest(folder / WEIGHTS)
    before = read_description(folder).get("about", {}).get("exported_from")
    found = {about["weights"]: name for name, about in evaluation.about["systems"].items() if "weights" in about}
    if shipped in found:
        return found[shipped], f"Measured with the weights {shipped}."
    if before in found:
        return found[before], f"Measured with the weights {before}, before they were rounded to these ({shipped})."
    if "models" in evaluation.about["systems"].get(family, {}):
        return family, (
            f"Measured on {evaluation.about['systems'][family]['models']} models made like this one ({shipped}), each "
            "trained without the speakers that it was tested on."
        )
    raise DataError(
        f"{evaluation.folder}: no system there has the weights of {folder} ({shipped}), or those it was exported from "
        f"({before or 'not known'}), nor a family of models by the name of '{family}'; evaluation.restore adds them"
    )


def _summary_of(summary: Summary, system: str, name: str, metrics: list[str]) -> Summary:
    """The summary of one system alone, renamed, in some metrics and under the conditions where it was scored."""
    estimates = {(name, *of): value for (one, *of), value in summary.estimates.items() if one == system}
    differences = {
        (first, name, *of): value for (first, second, *of), value in summary.differences.items() if second == system
    }
    senses = next(one.senses for one in summary.systems if one.name == system)
    scored = {condition for _, condition, _ in estimates}
    columns = {column for _, _, column in estimates} & set(metrics)
    return replace(
        summary,
        systems=[System(name, senses)],
        conditions=[condition for condition in summary.conditions if condition.name in scored],
        columns=[column for column in summary.columns if column.name in columns],
        clean={column: value for column, value in summary.clean.items() if column in columns},
        estimates=estimates,
        differences=differences,
    )


if __name__ == "__main__":
    run_program(app)
