"""The page of an evaluation in the browser: means, all utterances, what they sound like, and listening tests.

python -m evaluation.browse exp/evaluation/paper
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi.errors import ConfigError
from avsi.folders import check_folder
from avsi.program import print_table, run_program
from avsi.studio.serving import check_installed, end_when_told, serve_until_stopped

# What everybody can do who has the address.
OF_TEST = "hear this test and answer it, under any name"
OF_EVALUATION = "hear and read all of this evaluation, and draw and answer listening tests"

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="An evaluation that evaluation.restore wrote.")],
    listen: Annotated[
        str | None,
        typer.Option(
            help="Offer one listening test and nothing else, so that a listener cannot learn which system is heard: "
            "pairs (which of two is preferred) or mushra (all are rated from 0 to 100, beside the original and the "
            "unprocessed sound). On the evaluation's page, tests are made too.",
            show_default=False,
        ),
    ] = None,
    system: Annotated[
        list[str], typer.Option(help="A system of the listening test; by default all models. Repeatable.")
    ] = [],  # noqa: B006
    condition: Annotated[
        list[str],
        typer.Option(help="Gaps of the listening test, such as 800 for those of 800 ms; by default all. Repeatable."),
    ] = [],  # noqa: B006
    trials: Annotated[int, typer.Option(help="How many trials each listener has.")] = 20,
    seed: Annotated[int, typer.Option(help="By which utterances, order and positions are drawn.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder of listening tests; by default listening/ in it.", show_default=False),
    ] = None,
    port: Annotated[
        int, typer.Option(help="The port of the page; 0 takes a free one, and so does one that is taken.")
    ] = 0,
    host: Annotated[
        str, typer.Option(help="Another address of this machine, by which other machines reach the page. Dangerous.")
    ] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open a page in the browser: the report's means, live, all utterances sorted by any metric, every system's sound
    at the same position, and listening tests. `avsi studio FOLDER` does the same.
    """
    check_installed()
    from avsi.studio.server import open_server

    from .browsing.routes import make_app, make_listening_app
    from .browsing.snapshot import Live
    from .folder.layout import LISTENING
    from .listening.drawing import draw_test
    from .listening.outcome import outcome_tables

    live = Live(folder)
    evaluation, tests = live.whole(), out or folder / LISTENING
    test = None
    if listen is not None:
        check_folder(tests)
        models = [name for name, about in evaluation.about["systems"].items() if "senses" in about]
        gaps = _names(condition, list(evaluation.about["conditions"]))
        test = draw_test(evaluation, tests, listen, system or models, gaps, trials, seed)
    elif system or condition:
        raise ConfigError("--system and --condition are of a listening test: expected --listen pairs or mushra")
    end_when_told()
    with open_server(make_listening_app(live, test) if test else make_app(live, tests), host, port) as running:
        kept = f"ratings are kept in {test.folder if test else tests}"
        served = ("the listening test", OF_TEST) if test else ("the evaluation", OF_EVALUATION)
        serve_until_stopped(running, host, port, no_browser, kept, *served)
    for table in outcome_tables(test) if test else []:
        print_table(f"{evaluation.about['corpus']}: {test.folder}", table.header, table.rows)
        print(table.caption)


def _names(asked: list[str], there: list[str]) -> list[str]:
    """The names of gaps, which may be asked for by their length alone, as in evaluation.restore."""
    return [f"{name}ms" if name not in there and f"{name}ms" in there else name for name in asked] or there


if __name__ == "__main__":
    run_program(app)
