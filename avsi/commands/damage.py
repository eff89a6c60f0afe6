"""`avsi damage`: a recording damaged on purpose, with the truth of where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..program import print_table


def damage(
    clip: Annotated[Path, typer.Argument(help="A sound or video file.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The file to write: .wav, .flac, or .mp4 to keep the picture."),
    ],
    truth: Annotated[
        Path, typer.Option(help="The file to write what is damaged into, as an Audacity label track: start, end, kind.")
    ],
    kind: Annotated[
        list[str],
        typer.Option(
            help="What damage to make: silence, loss (lost packets of a call, which are written down as silences and "
            "repeats), jump (zeros; the time stamps of the file stay whole, so that `avsi detect` calls it a silence), "
            "repeat, clipping, tone, click, level (a drop-out), burst (a cough, a door) or noise. Repeatable."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, max=10000, help="How many stretches of each kind.")] = 1,
    channel: Annotated[
        int | None,
        typer.Option(min=1, help="The one channel to damage, 1 for the left one; by default all.", show_default=False),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(help="Then encode and decode all of the sound: mp3, aac or opus.", show_default=False),
    ] = None,
    kbits: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="The codec's bit rate for each channel, in kbit/s; by default a random one.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="The number of the random damage: the same seed gives the same damage.")
    ] = 0,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample",
            help="Count the times from the first sample of the sound, as Audacity does. Without it they are those that "
            "a player of the output shows.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over the file of --truth if it exists.")] = False,
) -> None:
    """Damage a recording at random places in its speech, to try out what finds and repairs damage. Every sample outside
    what is written down stays as it is, unless there is a --codec.
    """
    from ..damaging.clips import MAKERS
    from ..damaging.coding import CODECS
    from ..errors import ConfigError, DataError
    from ..restoring.recordings import check_output

    for name, allowed, what in ((kind, MAKERS, "--kind"), ([codec] if codec else [], CODECS, "--codec")):
        for each in name:
            if each not in allowed:
                raise ConfigError(f"{what} {each}: expected {', '.join(allowed)}")
    if kbits and not codec:
        raise ConfigError(f"--kbits {kbits}: is the bit rate of a --codec, and none is named")
    check_output(clip, out)
    if truth.exists() and not force:
        raise DataError(f"{truth}: is there already; choose another name, or overwrite it with --force")
    if not truth.parent.is_dir():
        raise DataError(f"{truth}: the folder {truth.parent} does not exist")
    from ..damaging.files import damage_file

    made = damage_file(clip, out, truth, kind * count, seed, codec, kbits, from_first_sample, channel and channel - 1)
    print_table(
        f"{clip} -> {out}{f', channel {channel}' if channel else ''}",
        ["kind", "start", "end"],
        [[each.kind, f"{each.start_s:.3f}", f"{each.end_s:.3f}"] for each in made],
    )
