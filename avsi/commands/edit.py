"""`avsi edit`: have other words said in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..pretrained import ALIGNER, REFINER, WITH_TEXT
from ..program import print_table, progress
from .options import Device, Face, Pronounce, ReferenceVoice, Refine

if TYPE_CHECKING:
    from ..restoring.inpainting import Inpainter


def edit(
    clip: Annotated[Path, typer.Argument(help="A sound or video file.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The file to write: .wav, .flac, or .mp4 to keep the picture."
        ),
    ],
    transcript: Annotated[
        str | None,
        typer.Option(
            help="What is said: the words themselves, or a file that holds them: .txt, or .srt or .vtt, whose captions "
            "are looked for within half a second of their times. --say needs it; to --insert it tells the speaker's "
            "pace and what is said around.",
            show_default=False,
        ),
    ] = None,
    say: Annotated[
        str | None,
        typer.Option(
            help="What is to be said instead: all of it, the words themselves or a .txt, .srt or .vtt file of them. "
            "Words that differ from the transcript are replaced, inserted or removed.",
            metavar="TEXT|FILE",
            show_default=False,
        ),
    ] = None,
    insert: Annotated[
        list[str],
        typer.Option(
            help="Words to say at a time in seconds where nothing is replaced, such as '1.2:now please'; the sound "
            "becomes longer by them. Repeatable; instead of --say.",
            metavar="SECONDS:WORDS",
        ),
    ] = [],  # noqa: B006
    model: Annotated[
        str,
        typer.Option(
            help="A model that is told what is said: a pretrained one, or a folder (trained with model.text)."
        ),
    ] = WITH_TEXT,
    aligner: Annotated[str, typer.Option(help="The model that finds the words.")] = ALIGNER,
    pronounce: Pronounce = [],  # noqa: B006
    keep_length: Annotated[
        bool | None,
        typer.Option(
            "--keep-length/--no-keep-length",
            help="Say the new words in the time of the old ones, faster or more slowly; if that is too short, up to "
            "two words beside them are said anew, too. Removed words leave a pause. With --no-keep-length words take "
            "the time that the speaker usually needs, and all that follows moves. By default a film keeps its length, "
            "which it must, and sound alone does not.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            help="The video of the speaker, where the clip itself has none, as in avsi inpaint. It helps to find the "
            "words; the lips in the gaps are not used, since they say the old words."
        ),
    ] = None,
    face: Face = None,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample",
            help="Count all times, also those of captions and in messages, from the first sample of the sound; without "
            "it they are those that a player shows.",
        ),
    ] = False,
    reference: ReferenceVoice = None,
    refine: Refine = True,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be done, and write nothing; no model that restores is needed."),
    ] = False,
    device: Device = "auto",
) -> None:
    """Have other words said in a recording, in the voice of its speaker; every sample outside the changed words stays
    as it is.

    With --insert, words are only added. Without a transcript the model knows nothing else that is said, and the words
    take the time that they usually do.

    The words of a transcript are found as by `avsi align`. The edges of a gap lie up to 30 ms into the silence beside
    the changed words, or, where there is none, up to 25 ms inside their neighbours; where no words are known, 30 ms
    from the place. A picture stays as it is: its lips say the old words.
    """
    from functools import partial

    from ..errors import ConfigError
    from ..models.store import check_takes_text, find_model
    from ..restoring.aligning import load_aligner
    from ..restoring.editing import edit_file
    from ..restoring.inserting import Insertion, insert_file
    from ..restoring.voice_input import check_model_takes_voice, hear_reference
    from ..words.pronouncing import parse_pronunciation
    from ..words.transcript import read_transcript

    if bool(insert) == (say is not None):
        raise ConfigError("name what is to be said instead with --say, or words to --insert, and not both")
    if say is not None and transcript is None:
        raise ConfigError("--say: is compared to what is said now, which --transcript tells; or --insert words alone")
    if insert and keep_length:
        raise ConfigError("--keep-length: inserted words need time of their own; leave it out")
    own = dict(parse_pronunciation(text) for text in pronounce)
    present = None if transcript is None else read_transcript(transcript)
    wanted = None if say is None else read_transcript(say, "--say")
    insertions = [Insertion.parse(text) for text in insert]
    find_model(aligner)
    if not dry_run:
        check_takes_text(model)
    if reference is not None and not dry_run:
        check_model_takes_voice(model)
    heard = hear_reference(reference, [], None, from_first_sample)

    def load() -> Inpainter:
        from ..restoring.inpainting import Inpainter

        return Inpainter.from_pretrained(model, None, device, REFINER if refine else None)

    loads = partial(load_aligner, aligner, device), None if dry_run else load
    options: dict[str, Any] = {
        "pronunciations": own,
        "video": video,
        "face": face,
        "from_first_sample": from_first_sample,
        "progress": progress,
        "reference": heard,
    }
    if present is not None and wanted is not None:
        edits = edit_file(clip, out, present, wanted, *loads, keep_length, **options)
    else:
        edits = insert_file(clip, out, insertions, *loads, present, **options)
    rows = [
        [
            each.before or "-",
            each.words or "-",
            *(f"{time_s:.3f}" for gap in (each.was, each.now) for time_s in (gap.start_s, gap.end_s)),
            *(f"{gap.length_s:.3f}" for gap in (each.was, each.now)),
        ]
        for each in edits
    ]
    header = ["was said", "is said", "from s", "to s", "now from s", "to s", "length was", "is"]
    print_table(f"{'would be ' if dry_run else ''}edited in {clip.name}", header, rows)
    if not dry_run:
        typer.echo(f"{len(edits)} gap{'s' * (len(edits) > 1)} -> {out}")
