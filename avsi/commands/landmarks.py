"""`avsi landmarks`: find the landmarks of a face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..program import progress
from .options import Face


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

    from ..files import write_npz, written_beside
    from ..media.containers import open_container
    from ..media.sound_reading import open_sound
    from ..media.sound_writing import copy_patched
    from ..media.video_reading import sound_start_s, video_info
    from ..media.video_writing import write_mp4
    from ..pages.overlay import draw_tracks
    from ..restoring.recordings import check_output
    from ..video.landmarks import track_face

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
