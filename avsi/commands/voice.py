"""`avsi voice`: how alike the voices of recordings are, and which are of one person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pretrained import SPEAKER_ENCODER
from ..program import print_table
from .options import Device


def voice(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Sound or video files; FILE@START:END names a stretch of one, in seconds as a player shows them.",
            metavar="FILE...",
        ),
    ],
    gap: Annotated[
        list[str],
        typer.Option(help="START:END in seconds: what is not to be heard, the same in each file; repeatable."),
    ] = [],  # noqa: B006
    gaps_file: Annotated[Path | None, typer.Option(help="The same, as inpaint takes it.")] = None,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample", help="Count all times from the first sample of the sound, as Audacity does."
        ),
    ] = False,
    json_: Annotated[
        bool,
        typer.Option("--json", help="Print JSON, the vectors too, and no tables. What is unsure is null there."),
    ] = False,
    model: Annotated[str, typer.Option(help="A speaker encoder: a pretrained model, or a folder.")] = SPEAKER_ENCODER,
    device: Device = "auto",
) -> None:
    """Say how alike voices are, pair by pair, and whether they are one person's. What is said and how loud it is do not
    matter; digital silence and pauses are not heard. Two people with similar voices can be taken for one, and one
    person with a cold or in another room for two: it is no proof. With less than 3 s of speech the answer is "unsure".
    """
    import json
    from itertools import combinations

    from ..data.gaps import Gap
    from ..detecting.damage_files import read_gaps
    from ..media.containers import check_file
    from ..restoring.voices import LITTLE_SPEECH_S, VoiceEncoder, parse_reference, voice_of_file

    references = [parse_reference(file) for file in files]
    for reference in references:
        check_file(reference.path)
    gaps = [Gap.parse(text) for text in gap] + (read_gaps(gaps_file) if gaps_file else [])
    encoder = VoiceEncoder.from_pretrained(model, device)
    voices = [voice_of_file(reference, encoder, gaps, from_first_sample) for reference in references]
    pairs = [
        (one, two, cosine, None if unsure else cosine >= encoder.threshold)
        for (one, first), (two, second) in combinations(zip(files, voices, strict=True), 2)
        for cosine, unsure in [(first.alike(second), min(first.speech_s, second.speech_s) < LITTLE_SPEECH_S)]
    ]
    if json_:
        told = {
            "encoder": encoder.digest,
            "threshold": encoder.threshold,
            "voices": [
                {
                    "file": file,
                    "speech_s": round(each.speech_s, 3),
                    "halves_alike": each.halves if each.halves is None else round(each.halves, 4),
                    "vector": [round(float(value), 6) for value in each.vector],
                }
                for file, each in zip(files, voices, strict=True)
            ],
            "pairs": [
                {"files": [one, two], "alike": round(cosine, 4), "one_person": same} for one, two, cosine, same in pairs
            ],
        }
        typer.echo(json.dumps(told, indent=2))
        return
    rows = [[file, f"{each.speech_s:.1f}"] for file, each in zip(files, voices, strict=True)]
    print_table("speech", ["file", "seconds of speech"], rows)
    if pairs:
        print_table(
            f"voices: 1 is the same, and one person's are {encoder.threshold:.2f} or more",
            ["file", "and", "alike", "one person"],
            [
                [one, two, f"{cosine:.2f}", {None: "unsure", True: "yes", False: "no"}[same]]
                for one, two, cosine, same in pairs
            ],
        )
