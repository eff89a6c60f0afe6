"""How far one system is ahead of another on the same utterances and gaps.

python -m evaluation.compare exp/evaluation a av --require l1
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import ConfigError, DataError
from avsi.program import print_table, run_program

from .folder import Evaluation
from .summary import summarize
from .tables import verdict

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.score has scored.")],
    first: Annotated[str, typer.Argument(help="The system to beat, by its name there.")],
    second: Annotated[str, typer.Argument(help="The other.")],
    require: Annotated[
        list[str],
        typer.Option(
            help="Fail unless the second is better in this metric and the interval is clear of 0, in each condition."
        ),
    ] = [],  # noqa: B006
) -> None:
    """Print the mean difference of each metric over the utterances that both have, and its 95 % interval."""
    evaluation = Evaluation.read(folder)
    for name in (first, second):
        evaluation.known(name)
    summary = summarize(evaluation, [(first, second)])
    rows, unmet, known = [], [], []
    for condition in summary.conditions:
        for column in summary.columns:
            found = summary.differences.get((first, second, condition.name, column.name))
            if found is None:
                if column.name in require:
                    unmet.append(f"{column.name}, {condition.name}")
                continue
            known.append(column.name)
            means = [summary.estimates[name, condition.name, column.name].mean for name in (first, second)]
            values = [f"{value:.3f}" for value in (*means, found.mean, found.low, found.high)]
            arrow = "↓" if column.lower_is_better else "↑"
            judged = verdict(found, column)
            rows.append([condition.name, f"{column.name} {arrow}", *values, judged or "-", found.scored, found.missing])
            if column.name in require and judged != "better":
                unmet.append(f"{column.name}, {condition.name}")
    for name in require:
        if name not in known:
            raise ConfigError(f"--require {name}: expected one of {', '.join(dict.fromkeys(known))}, scored for both")
    header = ["gaps", "metric", first, second, "difference", "from", "to", f"{second} is", "compared", "not compared"]
    print_table(f"{evaluation.about['corpus']}: {second} minus {first}, 95 % interval", header, rows)
    if unmet:
        raise DataError(f"{second}: not better than {first}, or not clear of chance, in {'; '.join(unmet)}")


if __name__ == "__main__":
    run_program(app)
