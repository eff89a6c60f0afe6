"""One damaged file in, one restored file out."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..data.gaps import Gap, gap_spans
from ..errors import AvsiWarning, ConfigError, GapError, MediaError
from ..files import written_beside
from ..media.containers import check_file
from ..media.sound_reading import Sound, open_sound
from ..media.sound_writing import copy_patched
from ..media.video_reading import has_picture, sound_start_s
from ..media.video_writing import write_mp4
from ..words.alignment import Alignment, timed_phones
from .arguments import check_takes_words
from .channels import RestorationPlan, plan_restoration
from .detection import plan_repair
from .edit_log import drop_list, kept_under, logged_plan, read_edits, tell_dropped_list, write_edits

if TYPE_CHECKING:
    from .inpainting import Inpainter
    from .voice_input import HeardReference

# Clocks that differ by less are the same to people.
CLOCKS_DIFFER_S = 0.05
# The sound formats that can be written: libsndfile's name by suffix.
FORMATS = {".wav": "WAV", ".flac": "FLAC"}


class NothingDetectedError(GapError):
    """A recording without a gap to be found."""


def inpaint_file(
    path: str | Path,
    out: str | Path,
    inpainter: Inpainter | Callable[[], Inpainter],
    gaps: list[Gap] | None = None,
    video: str | Path | None = None,
    progress: Callable = lambda items, total, what: items,
    face: int | None = None,
    from_first_sample: bool = False,
    adapt: bool = False,
    alignment: Alignment | None = None,
    log: bool = True,
    reference: str | Path | HeardReference | None = None,
    draws: int = 1,
    seed: int | None = None,
    find: Callable[[Path, Sound, bool], RestorationPlan] = plan_repair,
) -> list[Gap]:
    """Restore the gaps of a sound or video file into a new file, in the memory of a short one.

    Times are those that a player of ``path`` shows: where its sound starts later than its picture, so much of them
    passes before the first sample.

    Args:
        path: any sound or video file that libsndfile or FFmpeg reads.
        out: ``.wav`` or ``.flac`` in the input's rate, channels and sample format (sound decoded from a lossy format is
            kept as decoded), or ``.mp4`` with the picture track as it was and the sound as lossless FLAC.
            All that a player shows at one time of ``path`` stays together, pictures before the sound too.
        inpainter: or what loads one, once everything else is found to be good.
        gaps: None has them found by ``find``.
        video: the picture, where it is not in ``path``; the first sample of its own sound (or, without sound, its first
            picture) belongs to the first sample of ``path``.
        face: which of several in the picture, as :func:`avsi.video.landmarks.track_each_stretch` counts them.
        from_first_sample: times, of what is returned too, count from the first sample instead, as in Audacity.
        adapt: restore with a copy of the inpainter that is first adapted to the recording, as by
            :func:`avsi.restoring.adapting.adapt`; a warning says what that gained, or why it is not.
        alignment: what is said when, as :func:`avsi.align_file` finds it, its times as those of the gaps; for a model
            that takes that.
        log: list what was restored in a file beside ``out``, as :mod:`avsi.restoring.edit_log` describes, and what the
            list beside ``path`` says of its other parts. Without it a list that lies there goes with the old ``out``,
            and a warning says that the one beside ``path`` is not carried on.
        reference: a file with the speaker's voice, ``FILE`` or ``FILE@START:END`` in seconds, for a model that is told
            whose voice is heard; it may be ``path``, without its gaps. By default that is what is heard around a gap.
        draws: how many answers of the refiner are written, each into a file of its own: ``out``, then the others, as
            ``talk.2.wav`` beside ``talk.wav``.
        seed: of the first draw; the next ones have the seeds after it. By default that of the inpainter.
        find: as :func:`.detection.plan_repair`.
        progress: wraps the loops over the frames in which a face is looked for and over the stretches that are
            restored, as :func:`avsi.program.progress` does.

    Returns:
        The gaps that were restored.

    Raises:
        GapError, MediaError, FaceError, ConfigError, ModelError, DataError: as :meth:`Inpainter.inpaint`; nothing is
            then written.
    """
    path, out, video = Path(path), Path(out), Path(video) if video else None
    outputs = numbered(out, draws)
    for each in outputs:
        check_output(path, each)
    check_file(path)
    if video is not None and not has_picture(video):
        raise MediaError(f"{video}: has no picture track")
    with open_sound(path, progress) as sound:
        earlier = read_edits(path, sound) if log else []
        if not log:
            tell_dropped_list(path)
        start_s = 0.0 if from_first_sample else sound.start_s
        detected = gaps is None
        if gaps is None:
            plan = find(path, sound, from_first_sample)
            if not plan.gaps:
                raise NothingDetectedError(
                    f"{path}: no damage is found that could be repaired; name the gaps with --gap"
                )
            gaps = plan.gaps
        else:
            plan = plan_restoration(gaps, sound.read, sound.n_samples, sound.rate, sound.channels, start_s)
        spans = gap_spans(gaps, sound.n_samples, sound.rate, start_s, sound.channels)
        # What libsndfile reads in place has no picture; all else was decoded by FFmpeg.
        if video is None and sound.path != path and has_picture(path):
            video = path
        picture, out_start_s = output_picture(out, path, sound, video)
        if face is not None and video is None:
            raise ConfigError(f"{path}: face {face} is asked for, but there is no picture; name a --video")
        if not (detected or from_first_sample) and sound.start_s > CLOCKS_DIFFER_S:
            warnings.warn(
                f"{path}: a player shows {sound.start_s:.3f} s when its sound starts, and the gaps are taken at a "
                "player's times; where they count from the first sample, as in Audacity, add --from-first-sample",
                AvsiWarning,
                stacklevel=2,
            )
        tell_other_clock(out, out_start_s, start_s)
        from .voice_input import check_takes_voice, hear_reference  # which needs torch

        encoder = None if callable(inpainter) else inpainter.encoder
        heard = hear_reference(reference, [path], gaps, from_first_sample, encoder)
        voice, name = (heard.voice, heard.name) if heard else (None, None)
        if callable(inpainter):
            inpainter = inpainter()
        check_takes_words(inpainter, alignment)
        check_takes_voice(inpainter, voice)
        if draws > 1 and inpainter.refiner is None:
            raise ConfigError(f"{draws} draws are asked for, but without a refiner there is one alone")
        if adapt:
            from .adapting import adapt_if_possible
            from .reliable import Source

            source = Source(path.name, sound.n_samples, sound.rate, sound.read, spans, video, face)
            inpainter = adapt_if_possible(inpainter, source, progress)
        if not detected:  # of what is found it has been told
            plan.tell()
        tracks = inpainter.follow_face(video, plan.excerpts, sound.rate, face, progress)
        phones = timed_phones(alignment, start_s)
        first = inpainter.draw if seed is None else seed
        for number, each in enumerate(outputs):
            inpainter = inpainter.with_draw(first + number)
            what = f"restoring {each.name}" if draws > 1 else "restoring"
            shown = progress(plan.excerpts, len(plan.excerpts), what)
            stretches = ((excerpt.of(sound.read(excerpt.start, excerpt.stop)), excerpt) for excerpt in shown)
            with warnings.catch_warnings():
                if number:  # what there is to say of the recording has been said
                    warnings.simplefilter("ignore", AvsiWarning)
                made = inpainter.patches(stretches, sound.rate, tracks, phones, voice)
                patches = plan.patches(made, sound.read, sound.rate, inpainter.kept)
            write_restored(sound, patches, each, picture, out_start_s)
            if log:
                kept = kept_under(earlier, plan.spans(), sound.channels, sound.rate)
                edits = logged_plan(inpainter, plan, sound.rate, alignment, start_s, name)
                write_edits(each, [*kept, *edits], sound, 0.0 if from_first_sample else out_start_s, from_first_sample)
    return plan.gaps


def numbered(out: Path, draws: int) -> list[Path]:
    """The files of several draws: ``talk.wav``, ``talk.2.wav`` and so on."""
    return [out, *(out.with_stem(f"{out.stem}.{number}") for number in range(2, draws + 1))]


def check_output(path: Path, out: Path, kinds: tuple[str, ...] = (*FORMATS, ".mp4")) -> None:
    """Raise MediaError for an output of a kind that is not known, in no folder, or in the input's place."""
    if out.is_dir():
        raise MediaError(f"{out}: is a folder; name a file in it")
    if out.suffix.lower() not in kinds:
        raise MediaError(f"{out}: unknown kind of file '{out.suffix}'; expected {', '.join(kinds)}")
    if not out.parent.is_dir():
        raise MediaError(f"{out}: the folder {out.parent} does not exist")
    if out.exists() and path.exists() and out.samefile(path):
        raise MediaError(f"{out}: is the input itself; choose another name")


def output_picture(out: Path, path: Path, sound: Sound, video: Path | None) -> tuple[Path | None, float]:
    """(the video whose picture an output keeps, when a player of it plays the first sample in seconds); None and 0 of
    a sound file.

    Raises:
        MediaError: an MP4, and there is no picture; or a sound file of a kind that cannot hold the samples as they are.
    """
    import soundfile

    if out.suffix.lower() == ".mp4":
        if video is None:
            raise MediaError(
                f"{out}: an MP4 keeps the picture, but {path} has none; choose a .wav file, or name a --video"
            )
        if sound.over_24_bit:
            warnings.warn(f"{out}: holds the sound to 24 bit; a .wav file keeps all of it", AvsiWarning, stacklevel=3)
        return video, sound.start_s if video == path else sound_start_s(video)
    suffix = out.suffix.lower()
    if suffix in FORMATS and not soundfile.check_format(FORMATS[suffix], _subtype_in(FORMATS[suffix], sound)):
        raise MediaError(f"{out}: {suffix} cannot hold {sound.subtype} samples; choose a .wav file")
    return None, 0.0


def tell_other_clock(out: Path, out_start_s: float, start_s: float) -> None:
    """Warn where a player of the output shows ``out_start_s`` at its first sample, and the times that are used
    ``start_s``.
    """
    later_s = out_start_s - start_s
    if abs(later_s) > CLOCKS_DIFFER_S:
        warnings.warn(
            f"{out}: its sound starts at {out_start_s:.3f} s, so that a player shows times "
            f"{abs(later_s):.3f} s {'later' if later_s > 0 else 'earlier'} than those of the gaps",
            AvsiWarning,
            stacklevel=3,
        )


def write_restored(
    sound: Sound,
    patches: list[tuple[int, np.ndarray]],
    out: Path,
    picture: Path | None,
    sound_start_s: float,
    holds: str = "speech",
    progress: Callable = lambda items, total, what: items,
) -> None:
    """Write a sound with some of its samples replaced, as of :func:`.copy_patched`; beside a picture, at a player's
    times. The file's metadata says that it ``holds`` what is made. The list of what was restored in an old ``out`` goes
    with that.

    Args:
        progress: wraps the loops over parts of the sound, as :func:`avsi.program.progress` does.
    """
    comment = f"contains {holds} made by avsi {__version__}"
    with written_beside(out) as partial:
        if picture:
            with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
                track = Path(folder) / "restored.wav"
                copy_patched(sound, track, patches, "WAV", _subtype_in("WAV", sound), progress=progress)
                write_mp4(partial, picture, track, sound_start_s, comment, progress)
        else:
            format_ = FORMATS[out.suffix.lower()]
            copy_patched(sound, partial, patches, format_, _subtype_in(format_, sound), comment, progress)
        drop_list(out)  # before ``out`` is there: a list of another recording never lies beside it


def _subtype_in(format_: str, sound: Sound) -> str:
    """The sample format that keeps the input's samples exactly: its own where the container knows it."""
    import soundfile

    if soundfile.check_format(format_, sound.subtype):
        return sound.subtype
    return {"int16": "PCM_16", "int32": "PCM_32", "float32": "FLOAT", "float64": "DOUBLE"}[sound.dtype]
