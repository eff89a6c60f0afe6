"""Options that several commands have."""

from typing import Annotated

import typer

Face = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Where several people are seen: which of them speaks, 1 for the one furthest to the left. By default the "
        "largest face is taken.",
        show_default=False,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="What the models compute on: auto (a GPU if there is one, else the processor), cpu, cuda:1, mps ..."
    ),
]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set", help="A setting that replaces that of the config: key=value, such as training.seed=1. Repeatable."
    ),
]
Transcript = Annotated[
    str,
    typer.Option(
        help="What is said: the words themselves, or a file that holds them: .txt, or .srt or .vtt, whose captions are "
        "looked for within half a second of their times."
    ),
]
Pronounce = Annotated[
    list[str],
    typer.Option(
        help="How a word is said, in the phones of the CMU dictionary, such as 'avsi=EY V IY EH S AY'; repeatable.",
        metavar="WORD=PHONES",
    ),
]
Refine = Annotated[
    bool,
    typer.Option(
        "--refine/--no-refine",
        help="Whether a second model, the refiner, makes what is restored sound less blurred, with the fine detail of "
        "recorded speech.",
    ),
]
NoLog = Annotated[
    bool,
    typer.Option(
        "--no-log",
        help="Do not write the list of what was restored. Otherwise out.wav gets such a list, out.wav.edits.json, "
        "which also repeats the list of the input, if that has one.",
    ),
]
ReferenceVoice = Annotated[
    str | None,
    typer.Option(
        "--reference",
        help="A recording of the speaker's voice, with at least five seconds of speech, for a model that is told whose "
        "voice to restore, such as av_text. FILE@START:END takes a part of it, in seconds. It may be the clip itself: "
        "its gaps are then left out.",
        metavar="FILE[@START:END]",
        show_default=False,
    ),
]
Kinds = Annotated[
    str | None,
    typer.Option(
        "--kinds",
        help="The kinds of damage to look for, such as silence,tone; `avsi detect --help` explains them. By default "
        "all but click; and `avsi inpaint` does not repair clipping, which may be meant, unless it is named here.",
        metavar="KIND,KIND...",
        show_default=False,
    ),
]
Sure = Annotated[
    float,
    typer.Option(
        "--sure",
        min=0.0,
        max=1.0,
        help="How sure it must be that something is damage, from 0 to 1: the higher, the less is found.",
    ),
]
EXACT_RULES = (
    "Find the gaps as `avsi detect --exact` does: by rules alone, and without clipping. For other damage, write labels "
    "with `avsi detect -o labels.txt`, delete those of clipping, and pass the file as --gaps-file."
)
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Look by rules alone, without the trained tagger: faster, but noise, bursts, drop-outs in level and "
        "doubtful silences are then not found.",
    ),
]
