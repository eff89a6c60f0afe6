"""The difference of two systems on the same utterances and gaps.

python -m evaluation.compare exp/evaluation a av --require l1
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import ConfigError, DataError
from avsi.program import print_table, run_program

from .folder.evaluation import Evaluation
from .statistics.comparisons import clear_of_0, comparable, count_comparisons, verdict
from .statistics.summarize import summarize

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.score has scored.")],
    first: Annotated[str, typer.Argument(help="The system to beat, by its name there.")],
    second: Annotated[str, typer.Argument(help="The other.")],
    require: Annotated[
        list[str],
        typer.Option(
            help="Fail unless the second is better in this metric, in each condition. Only those are tested; without "
            "any, all are. The more are tested, the wider their intervals (Bonferroni)."
        ),
    ] = [],  # noqa: B006
) -> None:
    """Print the mean difference of each metric over the utterances that both restored, and its 95 % interval."""
    evaluation = Evaluation.read(folder)
    for name in (first, second):
        evaluation.known(name)
    summary = summarize(evaluation, [(first, second)])
    rows, unmet = [], []
    known = list(dict.fromkeys(column for *_, column in summary.differences))
    for name in require:
        if name not in known:
            raise ConfigError(f"--require {name}: expected one of {', '.join(known)}, scored for both")
    tested = {column.name for column in summary.columns if not require or column.name in require}
    comparisons = count_comparisons(found for (*_, column), found in summary.differences.items() if column in tested)
    for condition in summary.conditions:
        for column in summary.columns:
            found = summary.differences.get((first, second, condition.name, column.name))
            if found is None:
                if column.name in require:
                    unmet.append(f"{column.name}, {condition.name}")
                continue
            means = [summary.estimates[name, condition.name, column.name].mean for name in (first, second)]
            values = [f"{value:.3f}" for value in (*means, found.mean, found.low, found.high)]
            arrow = "↓" if column.lower_is_better else "↑"
            outcome = verdict(found, column, summary.units, comparisons) if column.name in tested else ""
            counts = found.scored, found.missing
            rows.append([condition.name, f"{column.name} {arrow}", *values, outcome or "-", *counts])
            if column.name in require and outcome != "better":
                unmet.append(f"{column.name}, {condition.name}")
    header = ["gaps", "metric", first, second, "difference", "from", "to", f"{second} is", "compared", "not compared"]
    print_table(f"{evaluation.about['corpus']}: {second} minus {first}, 95 % interval", header, rows)
    if evaluation.caution:
        print(evaluation.caution)
    print(f"{second} is called better or worse where {clear_of_0(comparisons)}.")
    apart = [column.label for column in summary.columns if not comparable(summary.systems, first, second, column)]
    if apart:
        print(f"{' and '.join(apart)}: not compared, since only one of both predicts a spectrum; compare them by LSD.")
    if unmet:
        raise DataError(f"{second}: not better than {first}, or not clear of chance, in {'; '.join(unmet)}")


if __name__ == "__main__":
    run_program(app)
