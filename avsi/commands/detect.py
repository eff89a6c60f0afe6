"""`avsi detect`: find where recordings are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..program import error_text, print_error, progress
from .damage_table import parse_kinds, print_damage
from .options import Exact, Face, Kinds, Sure


def detect(
    files: Annotated[list[Path], typer.Argument(help="Sound or video files.", metavar="FILE...")],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="LABELS|DIR/",
            help="The file to write: .txt, a label track for Audacity; .TextGrid, for Praat; or .json, with all that "
            "is known. `avsi inpaint --gaps-file` reads each of them; first delete what is not to be restored, such as "
            "clipping. Or a folder, which is made if its name ends with '/': the labels of talk.wav are then "
            "talk.wav.labels.txt in it. By default a table is shown and nothing is written.",
            show_default=False,
        ),
    ] = None,
    kinds: Kinds = None,
    sure: Sure = 0.5,
    face: Face = None,
    exact: Exact = False,
    no_face: Annotated[
        bool,
        typer.Option(
            "--no-face",
            help="Do not look at the picture of a film, which is faster. Otherwise the lips help to tell damage from "
            "pauses.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of labels that exists.")] = False,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample",
            help="Count all times from the first sample of the sound, as Audacity does; without it they are those that "
            "a player shows.",
        ),
    ] = False,
) -> None:
    """Find where recordings are damaged. Nothing is changed.

    Kinds of damage: silence (that is no pause: zeros, a constant, or what a codec makes of them), jump (time stamps
    skip: sound or pictures are missing), repeat (the same sound again, as of a packet that was played twice), clipping
    (flat tops: louder than could be recorded), tone (such as a bleep), click (a few milliseconds of crackling), level
    (much softer than the speech around), burst (a cough, a door), noise (over the speech: wind, hiss, traffic) and
    unknown (damage of another kind: nothing finds it, but labels may name it).

    In the table, "seen by" says what found the damage: a rule, which has the name of the kind; "picture", if pictures
    are missing while the sound goes on; "tagger", the trained model; or "tagger+face", if that also saw the lips.
    "channel" is the number of the damaged channel, 1 for the left one, or "all".
    """
    from ..detecting.damage_files import check_damage_path, write_damage
    from ..detecting.detect import check_asked, detect_in
    from ..detecting.listener import load_listener
    from ..errors import AvsiError, ConfigError
    from ..folders import check_folder, made_folder
    from ..media.sound_reading import open_sound
    from ..timebase import to_seconds

    asked = parse_kinds(kinds)
    check_asked(asked, sure)
    outputs: dict[Path, Path] = {}
    if out is not None:
        if not out:
            raise ConfigError("--out: names nothing; expected a file, or a folder with '/' at its end")
        into_folder = out.endswith("/") or Path(out).is_dir()
        if len(files) > 1 and not into_folder:
            raise ConfigError(f"{out}: the labels of several files are written into a folder; end its name with '/'")
        for file in files:
            labels = Path(out) / f"{file.name}.labels.txt" if into_folder else Path(out)
            if labels in outputs.values():
                raise ConfigError(f"{file}: the labels of another of the files would be written to {labels} too")
            outputs[file] = labels
        if into_folder:
            check_folder(Path(out))
        for labels in outputs.values():
            if labels.parent.is_dir() or not into_folder:
                check_damage_path(labels, force)
    if face is not None and (no_face or exact):
        raise ConfigError(f"--face {face}: is looked at by the tagger alone; leave it out, or --no-face and --exact")
    listener = None if exact else load_listener(look=not no_face, face=face)
    failed = False
    for number, file in enumerate(files, 1):
        what = f"{file.name} ({number} of {len(files)})" if len(files) > 1 else file.name

        def shown(items, total, _, what=what):  # type: ignore[no-untyped-def]
            return progress(items, total, what)

        try:
            with open_sound(file, shown) as sound:
                found = detect_in(file, sound, asked, sure, from_first_sample, shown, listener)
                end_s = (0.0 if from_first_sample else sound.start_s) + to_seconds(sound.n_samples, sound.rate)
            print_damage(file, found, ", from its first sample on" if from_first_sample else "")
            if file in outputs:
                with made_folder(outputs[file].parent):
                    write_damage(outputs[file], found, end_s)
                typer.echo(f"{len(found)} found -> {outputs[file]}")
        except (AvsiError, OSError) as error:
            if len(files) == 1:
                raise
            failed = True
            print_error(error_text(error), error)
    raise typer.Exit(int(failed))
