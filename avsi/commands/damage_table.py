"""What commands that detect damage have in common: the kinds that are asked for, and the table of what is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..program import print_table

if TYPE_CHECKING:
    from ..data.damage import Damage
    from ..restoring.keeping import Kept

MOST_SHOWN = 200  # lines of a table


def parse_kinds(text: str | None) -> list[str] | None:
    """The kinds of an option, such as ``silence,tone``; None where it is not given."""
    return None if text is None else [kind.strip() for kind in text.split(",")]


def print_damage(
    path: Path,
    found: Sequence[Damage],
    clock: str = "",
    left: Sequence[str] | None = None,
    sources: Sequence[str] = (),
    kept: Kept | None = None,
) -> None:
    """A table of the damage of a file; a line where there is none.

    Args:
        clock: of its times, where that is not a player's.
        left: why each damage is left as it is, "" where it is restored; None where nothing is to be restored.
        sources: what each is restored from, where that is another channel; else "".
        kept: what is not restored of those that are.
    """
    if not found:
        typer.echo(f"{path}: nothing found")
        return
    rows = [
        [f"{each.start_s:.3f}", f"{each.end_s:.3f}", each.kind, f"{each.sure:.2f}", each.seen_by, _channel(each)]
        for each in found[:MOST_SHOWN]
    ]
    header = ["start s", "end s", "kind", "how sure", "seen by", "channel"]
    if left is not None:
        header.append("restored")
        restored, rest = ("yes", "") if kept is None else (f"in part: the sound {kept} is kept", "the rest ")
        for row, reason, source in zip(rows, left, sources or [""] * len(left), strict=False):
            row.append(f"no, left as it is: {reason}" if reason else restored + f", {rest}from {source}" * bool(source))
    print_table(f"damage of {path}{clock}", header, rows)
    if len(found) > MOST_SHOWN:
        typer.echo(f"and {len(found) - MOST_SHOWN} more")


def _channel(damage: Damage) -> str:
    return "all" if damage.channel is None else f"{damage.channel + 1}"
