"""`avsi inpaint`: restore the gaps of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..pretrained import ALIGNER, AUDIO_ONLY, DEFAULT, REFINER, WITH_TEXT
from ..program import print_error, print_table, progress
from .damage_table import parse_kinds, print_damage
from .options import Device, Exact, Face, Kinds, NoLog, Pronounce, ReferenceVoice, Refine, Sure

if TYPE_CHECKING:
    from ..data.damage import Damage
    from ..data.gaps import Gap
    from ..media.sound_reading import Sound
    from ..restoring.channels import RestorationPlan
    from ..restoring.inpainting import Inpainter
    from ..restoring.keeping import Kept
    from ..restoring.many_recordings import FileResult

STEADY = {"noise", "tone"}  # kinds of damage under which speech may still be heard


def inpaint(
    clips: Annotated[list[Path], typer.Argument(help="Sound or video files.", metavar="CLIP...")],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|DIR/",
            help="The file to write: .wav, .flac, or .mp4 to keep the picture. Or a folder, which is made if its name "
            "ends with '/': each file is written there under its own name; other kinds of video become .mp4 and other "
            "kinds of sound .wav. A table says what became of each. A file that fails does not stop the others, and "
            "the exit status is then 1. Needed unless there is --dry-run.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        list[str],
        typer.Option(
            help="What is lost: START:END in seconds, as a player of the clip shows them. START:END@2 is lost in "
            "channel 2 alone (1 is the left one), START:END@1,3 in two channels; the others stay as they are. "
            "Repeatable; the same in each file."
        ),
    ] = [],  # noqa: B006
    gaps_file: Annotated[
        Path | None,
        typer.Option(
            help="A file of gaps: what `avsi detect -o` wrote (.txt, .json or .TextGrid), or lines of start and end in "
            "seconds and a label, such as an Audacity label track. The label may be missing; '(channel 2)' in it means "
            "that only channel 2 is lost. The same in each file."
        ),
    ] = None,
    from_first_sample: Annotated[
        bool,
        typer.Option(
            "--from-first-sample",
            help="Count all times, also in messages, from the first sample of the sound, as Audacity does. Without it "
            "they are those that a player shows, which differ where the sound starts later than the picture.",
        ),
    ] = False,
    detect: Annotated[
        bool,
        typer.Option(
            "--detect",
            help="Find the gaps, as `avsi detect` does, and first show a table of what is restored and what is not. If "
            "only one channel is damaged, it is restored from another one that holds the same sound, and the table "
            "says so. If the output is a folder, a file without damage is not copied there.",
        ),
    ] = False,
    kinds: Kinds = None,
    sure: Sure = 0.5,
    exact: Exact = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --detect: show the table, and write nothing.")
    ] = False,
    video: Annotated[
        Path | None,
        typer.Option(
            help="A video of the speaker, if the clip is sound alone. It must begin with the clip: its first sample of "
            "sound, or its first picture if it has no sound, belongs to the clip's first sample. For one clip alone."
        ),
    ] = None,
    face: Face = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A pretrained model, as `avsi info` lists them, or a folder that training wrote. By default "
            f"{DEFAULT}, or {WITH_TEXT} with a transcript.",
            show_default=False,
        ),
    ] = None,
    audio_only: Annotated[str, typer.Option(help="The model that takes over where no face is seen.")] = AUDIO_ONLY,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt",
            help="First train the model on with the undamaged part of each recording, as `avsi adapt` does. It takes "
            "some minutes for each.",
        ),
    ] = False,
    transcript: Annotated[
        str | None,
        typer.Option(
            help="What is said, also in the gaps: the words themselves, or a .txt, .srt or .vtt file of them. It is "
            "first found when they are said, as by `avsi align`, and the model is told. Only with a single clip.",
            show_default=False,
        ),
    ] = None,
    pronounce: Pronounce = [],  # noqa: B006
    aligner: Annotated[str, typer.Option(help="The model that finds the words of a transcript.")] = ALIGNER,
    reference: ReferenceVoice = None,
    refine: Refine = True,
    draws: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            help="How many versions to write, which differ in what the refiner makes of the gaps: talk.wav, talk.2.wav "
            "and so on. Files of these names are written over. Only with a single clip.",
        ),
    ] = 1,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="The number of the version, or of the first of several: the same seed gives the same sound."
        ),
    ] = 0,
    keep_below: Annotated[
        float | None,
        typer.Option(
            metavar="HZ",
            help="In the gaps, keep what lies below this frequency, and restore the rest: for damage that is high, "
            "such as hiss.",
            show_default=False,
        ),
    ] = None,
    keep_above: Annotated[
        float | None,
        typer.Option(
            metavar="HZ",
            help="In the gaps, keep what lies above this frequency, and restore the rest: for damage that is low, such "
            "as wind or hum.",
            show_default=False,
        ),
    ] = None,
    keep_audible: Annotated[
        bool,
        typer.Option(
            "--keep-audible",
            help="Of the gaps, keep each bit of the spectrogram in which speech stands out of a steady noise over it: "
            "hiss, hum, wind, a whistle. Nothing is kept where the noise hides it all. With --detect, only for --kinds "
            "noise,tone.",
        ),
    ] = False,
    no_log: NoLog = False,
    device: Device = "auto",
) -> None:
    """Restore the gaps of recordings; every sample outside them stays as it is."""
    from functools import cache, partial

    from ..audio.audible import AudibleBins
    from ..audio.kept_band import KeptBand
    from ..data.gaps import Gap
    from ..detecting.damage_files import read_gaps
    from ..detecting.detect import check_asked
    from ..detecting.listener import load_listener
    from ..errors import ConfigError, GapError
    from ..models.store import check_takes_text, find_model
    from ..restoring.detection import plan_repair
    from ..restoring.many_recordings import find_in_file, find_in_files, inpaint_files, plan_outputs
    from ..restoring.recordings import check_output, inpaint_file, numbered

    if detect and (gap or gaps_file):
        raise GapError("name the gaps with --gap or --gaps-file, or let --detect find them, and not both")
    asked = parse_kinds(kinds)
    for name, given in (
        ("--dry-run", dry_run),
        ("--kinds", asked is not None),
        ("--exact", exact),
        ("--sure", sure != 0.5),
    ):
        if given and not detect:
            raise ConfigError(f"{name}: belongs to --detect, which is not there")
    if not (detect or gap or gaps_file):
        raise GapError("no gaps are given: name the gaps with --gap or --gaps-file, or let --detect find them")
    check_asked(asked, sure)
    model = model or (DEFAULT if transcript is None else WITH_TEXT)
    gaps = None if detect else [Gap.parse(text) for text in gap] + (read_gaps(gaps_file) if gaps_file else [])
    for name in (model, audio_only, *([aligner] if transcript is not None else [])):
        find_model(name)
    if pronounce and transcript is None:
        raise ConfigError("--pronounce: says how words of a --transcript are said, and there is none")

    kept: Kept | None = None if keep_below is None and keep_above is None else KeptBand(keep_below, keep_above)
    if keep_audible:
        if kept is not None:
            raise ConfigError(f"--keep-audible: finds itself what to keep; leave out what says to keep all {kept}")
        if detect and not set(asked or ["all"]) <= STEADY:
            raise ConfigError(
                "--keep-audible: is for steady noise over speech; beside --detect it takes --kinds noise,tone"
            )
        kept = AudibleBins()

    def load() -> Inpainter:
        from ..restoring.inpainting import Inpainter

        return Inpainter.from_pretrained(model, audio_only, device, REFINER if refine else None).with_kept(kept)

    if out is None and not dry_run:
        raise typer.BadParameter("is missing; name a file, or a folder with '/'", param_hint="--out")
    if out == "":
        raise ConfigError("--out: names nothing; expected a file, or a folder with '/' at its end")
    into_folder = out is not None and (out.endswith("/") or Path(out).is_dir())
    if len(clips) > 1 and out is not None and not into_folder:
        raise ConfigError(f"{out}: several files are written into a folder; end its name with '/'")
    if len(clips) > 1 and video:
        raise ConfigError(f"--video {video}: is the picture of one file, and there are {len(clips)}")
    if len(clips) > 1 and transcript is not None:
        raise ConfigError(f"--transcript: is what one file says, and there are {len(clips)}; restore each by itself")
    if draws > 1 and into_folder:
        raise ConfigError("--draws: several answers are written beside one output file, and --out names a folder")
    if draws > 1 and not refine:
        raise ConfigError(f"--draws {draws}: without a refiner there is one answer alone; leave out --no-refine")
    if seed and not refine:
        raise ConfigError(f"--seed {seed}: without a refiner nothing is drawn; leave out --no-refine")
    alignment = heard = None
    clock = ", from its first sample on" if from_first_sample else ""
    listener = cache(partial(load_listener, video=video, face=face))
    detected: dict[Path, RestorationPlan] = {}  # of the last file: what is found for a transcript is what is restored

    def find(path: Path, sound: Sound, from_first_sample: bool) -> RestorationPlan:
        def show(found: list[Damage], left: list[str], sources: list[str]) -> None:
            if found or dry_run:
                print_damage(path, found, clock, left, sources, kept)

        if path not in detected:
            heard_by = None if exact else listener()
            detected.clear()
            detected[path] = plan_repair(path, sound, from_first_sample, asked, sure, progress, heard_by, show)
        return detected[path]

    def end_with(title: str, results: list[FileResult]) -> NoReturn:
        rows = []
        for file in results:
            gaps_s = sum(gap.length_s for gap in file.gaps)
            became = file.out or file.error or ("-" if file.gaps else "no gaps")
            rows.append([file.path, len(file.gaps), f"{gaps_s:.3f}", became])
        print_table(title, ["file", "gaps", "seconds of gaps", "output"], rows)
        raise typer.Exit(int(any(file.error for file in results)))

    outputs = plan_outputs(clips, Path(out)) if out and into_folder else {}
    if out and not into_folder:
        check_output(clips[0], Path(out))
    if dry_run and len(clips) == 1:
        find_in_file(clips[0], find, from_first_sample, progress)
        return
    if dry_run:
        end_with("would be restored", list(find_in_files(clips, find, print_error, from_first_sample, progress)))
    assert out is not None
    if reference is not None:
        from ..restoring.voice_input import check_model_takes_voice, hear_reference

        check_model_takes_voice(model)
        heard = hear_reference(reference, clips, gaps, from_first_sample)
    if transcript is not None:
        from ..restoring.aligning import align_file, load_aligner
        from ..words.pronouncing import parse_pronunciation
        from ..words.transcript import read_transcript

        own = dict(parse_pronunciation(text) for text in pronounce)
        captions = read_transcript(transcript)
        check_takes_text(model)
        start = partial(load_aligner, aligner, device)
        alignment = align_file(
            clips[0],
            captions,
            start,
            gaps,
            own,
            video,
            face,
            from_first_sample,
            progress,
            lambda *found_in: find(*found_in).gaps,
        )
    if into_folder:
        options: dict[str, Any] = {"video": video, "face": face, "from_first_sample": from_first_sample, "adapt": adapt}
        options |= {"alignment": alignment, "log": not no_log, "reference": heard, "seed": seed, "find": find}
        results = list(inpaint_files(outputs, load(), gaps, print_error, progress, **options))
        end_with(f"restored into {out}", results)
    restored = inpaint_file(
        clips[0],
        out,
        load,
        gaps,
        video,
        progress,
        face,
        from_first_sample,
        adapt,
        alignment,
        not no_log,
        heard,
        draws,
        seed,
        find,
    )
    shown = ", ".join(map(_named, sorted(restored)[:10]))
    more = f" and {len(restored) - 10} more" if len(restored) > 10 else ""
    clock = " from its first sample on" if from_first_sample else ""
    typer.echo(f"restored {shown}{more}{clock} -> {', '.join(map(str, numbered(Path(out), draws)))}")


def _named(gap: Gap) -> str:
    channels = " and ".join(str(channel + 1) for channel in gap.channels)
    return f"{gap.start_s:.3f}-{gap.end_s:.3f} s" + f" of channel {channels}" * bool(channels)
