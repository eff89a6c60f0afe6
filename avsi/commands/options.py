"""Options that several commands have."""

from typing import Annotated

import typer

Face = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Which face, where several are seen, counted from the left over the whole recording; by default the "
        "largest.",
        show_default=False,
    ),
]
Device = Annotated[
    str, typer.Option(help="Where the models compute: auto (a GPU where there is one), or cpu, cuda:1, mps ...")
]
Settings = Annotated[
    list[str], typer.Option("--set", help="key=value over the config, such as training.seed=1; repeatable.")
]
