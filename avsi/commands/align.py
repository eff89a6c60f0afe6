"""`avsi align`: find when known words are said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pretrained import ALIGNER
from ..program import print_table, progress
from .options import EXACT_RULES, Device, Face, Pronounce, Transcript

MOST_SHOWN = 60  # words in the table


def align(
    clip: Annotated[Path, typer.Argument(help="A sound or video file.")],
    transcript: Transcript,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="What to write: words and phones as a .TextGrid for Praat, words as a .txt for Audacity, or all of it "
            "as a .json. By default a table is shown and nothing is written.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        list[str],
        typer.Option(
            help="START:END in seconds, as a player of the clip shows them: where the sound is lost; repeatable. There "
            "the lips and the usual lengths of the phones say when the words are said."
        ),
    ] = [],  # noqa: B006
    gaps_file: Annotated[
        Path | None, typer.Option(help="A file of gaps, as `avsi inpaint --gaps-file` reads it.")
    ] = None,
    detect: Annotated[bool, typer.Option("--detect", help=EXACT_RULES)] = False,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample",
            help="Count all times from the first sample of the sound, as Praat and Audacity do; without it they are "
            "those that a player shows.",
        ),
    ] = False,
    pronounce: Pronounce = [],  # noqa: B006
    video: Annotated[
        Path | None, typer.Option(help="The video of the speaker, where the clip itself has none, as in avsi inpaint.")
    ] = None,
    face: Face = None,
    model: Annotated[str, typer.Option(help="A model that aligns: a pretrained one, or a folder.")] = ALIGNER,
    device: Device = "auto",
) -> None:
    """Find when each word and each phone of a transcript is said, also where the sound is lost. The confidence of a
    word is the mean probability of its phones, not that of the word being right: a low one is no error.
    Notes name the words that do not fit what is heard or seen.
    """
    from functools import partial

    from ..data.gaps import Gap
    from ..detecting.damage_files import read_gaps
    from ..errors import GapError
    from ..models.store import find_model
    from ..restoring.aligning import align_file, load_aligner
    from ..words.alignment_files import check_alignment_path, write_alignment
    from ..words.pronouncing import parse_pronunciation
    from ..words.transcript import read_transcript

    if detect and (gap or gaps_file):
        raise GapError("name the gaps with --gap or --gaps-file, or let --detect find them, and not both")
    gaps = None if detect else [Gap.parse(text) for text in gap] + (read_gaps(gaps_file) if gaps_file else [])
    if out is not None:
        check_alignment_path(out)
    own = dict(parse_pronunciation(text) for text in pronounce)
    captions = read_transcript(transcript)
    find_model(model)

    alignment = align_file(
        clip, captions, partial(load_aligner, model, device), gaps, own, video, face, from_first_sample, progress
    )
    rows = [
        [
            word.text,
            f"{word.start_s:.2f}",
            f"{word.end_s:.2f}",
            f"{word.confidence:.2f}",
            " ".join(phone.label for phone in word.phones),
        ]
        for word in alignment.words[:MOST_SHOWN]
    ]
    print_table(f"words of {clip.name}", ["word", "start s", "end s", "confidence", "phones"], rows)
    if len(alignment.words) > MOST_SHOWN:
        typer.echo(f"and {len(alignment.words) - MOST_SHOWN} words more")
    if out is not None:
        write_alignment(out, alignment)
        typer.echo(f"{len(alignment.words)} words -> {out}")
