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
        help="Whether what is restored gets the fine structure of recorded speech. Without it, it is smoother.",
    ),
]
NoLog = Annotated[
    bool,
    typer.Option(
        "--no-log",
        help="Write no list of what was restored; without it one lies beside the output, as out.wav.edits.json, with "
        "what the list beside the input says of the rest.",
    ),
]
ReferenceVoice = Annotated[
    str | None,
    typer.Option(
        "--reference",
        help="A recording of the speaker, of five seconds of speech or more, whose voice a model is told that takes "
        "one, as av_text does, which restores where the words are known; FILE@START:END names a stretch of it in "
        "seconds. It may be the clip itself, whose gaps are not heard.",
        metavar="FILE[@START:END]",
        show_default=False,
    ),
]
Kinds = Annotated[
    str | None,
    typer.Option(
        "--kinds",
        help="The kinds of damage, such as silence,tone; `avsi detect --help` explains them. By default all "
        "but click, of which inpaint leaves clipping as it is.",
        metavar="KIND,KIND...",
        show_default=False,
    ),
]
Sure = Annotated[
    float,
    typer.Option("--sure", min=0.0, max=1.0, help="What is less likely to be damage than this is left out."),
]
EXACT_RULES = (
    "Take as damaged what `avsi detect --exact` finds, but for clipping. That is what exact rules tell; for the rest, "
    "write labels with `avsi detect -o labels.txt`, delete those of clipping, and name them as --gaps-file."
)
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Only what exact rules tell; without it a trained tagger also finds noise, bursts, drop-outs in level and "
        "silences that the rules are not sure of.",
    ),
]
