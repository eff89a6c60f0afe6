"""The command `avsi`. What is heavy is imported by the command that needs it: ``avsi --help`` is instant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .pretrained import AUDIO_ONLY, DEFAULT
from .program import print_error, print_markdown, print_table, progress, run_program

if TYPE_CHECKING:
    from .config import AdaptConfig
    from .restoring.inpainting import Inpainter

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Audio-visual speech inpainting: restore missing stretches of speech from the sound around them and the "
    "speaker's face. Errors are one line; --debug shows where they come from.",
)
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


@app.command()
def inpaint(
    clips: Annotated[list[Path], typer.Argument(help="Sound or video files.", metavar="CLIP...")],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|DIR/",
            help="The file to write: .wav, .flac, or .mp4 to keep the picture. Or a folder, which is made if its name "
            "ends with '/': each file is written there under its own name, .wav, .flac and .mp4 as such, other videos "
            "as .mp4 and other sounds as .wav. A table says what became of each; one that fails does not stop the "
            "others, and the exit status is then 1.",
        ),
    ],
    gap: Annotated[
        list[str],
        typer.Option(
            help="START:END in seconds, as a player of the clip shows them; repeatable. The same in each file."
        ),
    ] = [],  # noqa: B006
    gaps_file: Annotated[
        Path | None,
        typer.Option(
            help="Lines '<start_s> <end_s> <label>', such as an Audacity label track; the label may be missing. The "
            "same in each file."
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
            help="Take every run of digital silence as a gap. Where the output is a folder, a file without any is said "
            "to have no gaps: it is not copied there, and is no failure.",
        ),
    ] = False,
    video: Annotated[
        Path | None,
        typer.Option(
            help="The video of the speaker, where the clip itself has none. Its first sample of sound, or its first "
            "picture if it has no sound, is taken to belong to the first sample of the clip. For one clip alone."
        ),
    ] = None,
    face: Face = None,
    model: Annotated[
        str, typer.Option(help="A pretrained model, as `avsi info` lists them, or a folder that training wrote.")
    ] = DEFAULT,
    audio_only: Annotated[str, typer.Option(help="The model that takes over where no face is seen.")] = AUDIO_ONLY,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt",
            help="First adapt the model to each recording by itself, as `avsi adapt` does: some minutes for each.",
        ),
    ] = False,
    device: Device = "auto",
) -> None:
    """Restore the gaps of recordings; every sample outside them stays as it is."""
    from .data.gap_files import read_label_file
    from .data.gaps import Gap
    from .errors import ConfigError, GapError
    from .models.store import find_model
    from .restoring.many_recordings import inpaint_files, plan_outputs
    from .restoring.recordings import inpaint_file

    if detect == bool(gap or gaps_file):
        raise GapError("name the gaps with --gap or --gaps-file, or let --detect find them, and not both")
    gaps = None if detect else [Gap.parse(text) for text in gap] + (read_label_file(gaps_file) if gaps_file else [])
    for name in (model, audio_only):
        find_model(name)

    def load() -> Inpainter:
        from .restoring.inpainting import Inpainter

        return Inpainter.from_pretrained(model, audio_only, device)

    if not out:
        raise ConfigError("--out: names nothing; expected a file, or a folder with '/' at its end")
    into_folder = out.endswith("/") or Path(out).is_dir()
    if len(clips) > 1 and not into_folder:
        raise ConfigError(f"{out}: several files are written into a folder; end its name with '/'")
    if len(clips) > 1 and video:
        raise ConfigError(f"--video {video}: is the picture of one file, and there are {len(clips)}")
    if into_folder:
        outputs = plan_outputs(clips, Path(out))
        options = {"video": video, "face": face, "from_first_sample": from_first_sample, "adapt": adapt}
        results = list(inpaint_files(outputs, load(), gaps, print_error, progress, **options))
        rows = []
        for file in results:
            gaps_s = sum(gap.length_s for gap in file.gaps)
            rows.append([file.path, len(file.gaps), f"{gaps_s:.3f}", file.out or file.error or "no gaps"])
        print_table(f"restored into {out}", ["file", "gaps", "seconds of gaps", "output"], rows)
        raise typer.Exit(int(any(file.error for file in results)))
    restored = inpaint_file(clips[0], out, load, gaps, video, progress, face, from_first_sample, adapt)
    shown = ", ".join(f"{gap.start_s:.3f}-{gap.end_s:.3f} s" for gap in sorted(restored)[:10])
    more = f" and {len(restored) - 10} more" if len(restored) > 10 else ""
    clock = " from its first sample on" if from_first_sample else ""
    typer.echo(f"restored {shown}{more}{clock} -> {out}")


@app.command()
def adapt(
    recordings: Annotated[
        list[Path], typer.Argument(help="Sound or video files of one speaker.", metavar="RECORDING...")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the adapted model.")],
    gap: Annotated[
        list[str],
        typer.Option(
            help="START:END in seconds: what is damaged, and is not learned from; repeatable. The same times in each "
            "file: of several damaged ones, leave out the damaged, or take --detect."
        ),
    ] = [],  # noqa: B006
    gaps_file: Annotated[Path | None, typer.Option(help="The same, as lines '<start_s> <end_s> <label>'.")] = None,
    detect: Annotated[bool, typer.Option("--detect", help="What is damaged is every run of digital silence.")] = False,
    model: Annotated[str, typer.Option(help="The model to start from: a pretrained one, or a folder.")] = DEFAULT,
    audio_only: Annotated[
        str, typer.Option(help="The model to start from where no recording shows a face.")
    ] = AUDIO_ONLY,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of training; by default those of the model, 120.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=-(2**63), max=2**63 - 1, help="By which the artificial gaps are drawn.")] = 0,
    face: Face = None,
    device: Device = "auto",
) -> None:
    """Adapt a model to a speaker's own recordings: it trains on with gaps cut into what is undamaged, and is kept only
    if it became better on stretches that were held out. Where no recording shows a face, it is the model that takes
    over without one that is adapted. A minute of speech takes some minutes.
    """
    from dataclasses import replace

    from .data.gap_files import read_label_file
    from .data.gaps import Gap
    from .errors import GapError
    from .folders import check_new
    from .models.store import find_model
    from .restoring.adapting import adapt_to_files, write_adapted

    if detect and (gap or gaps_file):
        raise GapError("name the gaps with --gap or --gaps-file, or let --detect find them, and not both")
    gaps = None if detect else [Gap.parse(text) for text in gap] + (read_label_file(gaps_file) if gaps_file else [])
    check_new(out)
    for name in (model, audio_only):
        find_model(name)

    def load() -> tuple[Inpainter, AdaptConfig]:
        from .restoring.inpainting import Inpainter

        inpainter = Inpainter.from_pretrained(model, audio_only, device)
        settings = replace(inpainter.model.config.adapt, seed=seed)
        return inpainter, settings if steps is None else replace(settings, steps=steps)

    adapted = adapt_to_files(recordings, load, gaps, progress, face)
    done = adapted.adaptation
    assert done is not None
    write_adapted(out, adapted, {"model": model, "audio_only": audio_only}[done.of])
    typer.echo(f"{done if done.kept else 'the model as it was, not adapted'} -> {out}")


@app.command()
def landmarks(
    clip: Annotated[Path, typer.Argument(help="A video of a face.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="An .mp4 with the face drawn in, or an .npz with the points; its times count from the first sample of "
            "the sound.",
        ),
    ],
    face: Face = None,
) -> None:
    """Find the 68 facial landmarks in every frame of a video."""
    import tempfile

    from .files import write_npz, written_beside
    from .media.containers import open_container
    from .media.sound_reading import open_sound
    from .media.sound_writing import copy_patched
    from .media.video_reading import sound_start_s, video_info
    from .media.video_writing import write_mp4
    from .pages.overlay import draw_tracks
    from .restoring.recordings import check_output
    from .video.landmarks import track_face

    check_output(clip, out, (".mp4", ".npz"))
    info = video_info(clip)
    tracks = track_face(clip, progress=lambda items: progress(items, info.n_frames, "faces"), face=face)
    if out.suffix.lower() == ".npz":
        write_npz(out, time_s=tracks.time_s, points=tracks.points)
    else:
        with (
            written_beside(out) as partial,
            tempfile.TemporaryDirectory(prefix="avsi-") as folder,
            open_container(clip) as container,
        ):
            wav = None
            if container.streams.audio:
                wav = Path(folder) / "sound.wav"
                with open_sound(clip) as sound:
                    copy_patched(sound, wav, [], "WAV")
            drawn = progress(draw_tracks(clip, tracks), len(tracks.time_s), "drawing")
            write_mp4(partial, drawn, wav, sound_start_s(clip))
    typer.echo(f"a face in {tracks.found.sum()} of {len(tracks.found)} frames -> {out}")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="The folder for the model, its logs and what a resumed run needs.")],
    config: Annotated[
        list[Path], typer.Option(help="A YAML file over the defaults of avsi/config.py; of several, the last decides.")
    ] = [],  # noqa: B006
    set_: Settings = [],  # noqa: B006
) -> None:
    """Train a model; the same command goes on where a stopped run was."""
    from contextlib import nullcontext

    from .config_files import load_config
    from .folders import locked

    settings = load_config(config, set_)
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    from .training.checkpoints import LAST
    from .training.run import train as run

    # On several GPUs each has a process, and all of them are one run.
    with locked(out, result=LAST) if getattr(rank_zero_only, "rank", 0) == 0 else nullcontext():
        lowest = run(settings, out)
    typer.echo(f"lowest validation loss {lowest:.4f} -> {out}")


@app.command()
def demo(
    clip: Annotated[Path, typer.Option(help="A video of a speaker.")],
    gap: Annotated[
        list[str],
        typer.Option(help="START:END in seconds, as a player of the clip shows them: what is cut out; repeatable."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the page and the sounds.")] = Path(
        "out/demo"
    ),
    about: Annotated[str, typer.Option(help="What the page should say of the clip.")] = "",
    face: Face = None,
) -> None:
    """Cut a hole into a clip, restore it without and with the face, and write a page that compares."""
    from .data.gaps import Gap
    from .pages.demo import PAGE, run_demo

    gaps = [Gap.parse(text) for text in gap]
    rows = [
        [name, *("-" if value is None else f"{value:.3f}" for value in values)]
        for name, *values in run_demo(clip, gaps, out, about, face)
    ]
    if about:
        typer.echo(about)
    print_table(f"{clip.name}, gap {', '.join(map(str, gaps))} s", ["version", "STOI", "PESQ (MOS-LQO)"], rows)
    typer.echo(f"a page to look at and listen to -> {out / PAGE}")


@app.command()
def augment(
    clip: Annotated[Path, typer.Argument(help="A sound or video file of one speaker.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the sounds, a table and a picture.")],
    copies: Annotated[int, typer.Option(min=1, help="Variations to write.")] = 4,
    seed: Annotated[int, typer.Option(help="By which voices and variations are drawn.")] = 0,
    config: Annotated[
        list[Path], typer.Option(help="A config with sections 'voices' and 'augment'; else the pretrained model's.")
    ] = [],  # noqa: B006
    set_: Settings = [],  # noqa: B006
) -> None:
    """Write what training hears of a clip: other voices, each at another speed and with noise."""
    from .pages.augmentation_preview import HEADER, PICTURE, preview_augmentation, preview_config

    rows = preview_augmentation(clip, out, preview_config(config, set_), copies, seed)
    print_table(f"{clip.name}, factors of what was recorded", HEADER, rows)
    typer.echo(f"{len(rows)} sounds to listen to, and to look at {PICTURE} -> {out}")


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="A folder that training wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    trained_on: Annotated[str, typer.Option(help="What `avsi info` should say of it.")],
    sound_alone: Annotated[
        bool, typer.Option("--sound-alone", help="Of a model of sound and face, the part that needs no face.")
    ] = False,
) -> None:
    """Write a trained model in half precision, to be shipped, with a card that holds what is known of it."""
    import shutil

    from .files import digest
    from .folders import files_together
    from .models.card import CARD, update_card
    from .models.store import LEXICON, TRAIN_IDS, WEIGHTS, load_model, read_description, save_model, size_mb

    about = read_description(model).get("about", {})
    about |= {"trained_on": trained_on, "exported_from": digest(model / WEIGHTS)}
    trained = load_model(model, "inpainter").without_face() if sound_alone else load_model(model)
    with files_together(out) as folder:
        save_model(folder, trained, about, half=True)
        for source in (model / TRAIN_IDS, model / LEXICON, out / CARD):
            if source.is_file():
                shutil.copyfile(source, folder / source.name)
        update_card(folder, name=out.resolve().name)
    typer.echo(f"{model} -> {out} ({size_mb(out):.1f} MB); its card is {out / CARD}")


@app.command()
def info(
    model: Annotated[
        str | None, typer.Argument(help="A pretrained model, or a folder with one: shows its card.", show_default=False)
    ] = None,
) -> None:
    """List versions and the pretrained models, or show the card of one: what it is for, its figures, its limits."""
    from importlib.metadata import version

    from . import __version__
    from .config_files import config_from_dict
    from .models.card import CARD, read_card
    from .models.store import PRETRAINED, find_model, pretrained_names, read_description, size_mb

    if model is not None:
        print_markdown(read_card(find_model(model)))
        return

    rows = [["avsi", __version__], *([name, version(name)] for name in ("torch", "mediapipe", "av", "lightning"))]
    print_table("versions", ["package", "version"], rows)
    models = []
    for name in pretrained_names():
        description = read_description(PRETRAINED / name)
        parts = config_from_dict(description["config"]).model
        takes = " and ".join(what for what, used in (("sound", parts.audio), ("face", parts.video)) if used)
        role = {DEFAULT: " (default)", AUDIO_ONLY: " (where no face is seen)"}.get(name, "")
        about = [parts.kind, takes, f"{size_mb(PRETRAINED / name):.1f}"]
        models.append([name + role, *about, description["about"].get("trained_on", "")])
    print_table("pretrained models", ["name", "kind", "from", "MB", "trained on"], models)
    typer.echo(f"The card of each: avsi info NAME, or {PRETRAINED / 'NAME' / CARD}")


def main() -> None:
    run_program(app)


if __name__ == "__main__":
    main()
