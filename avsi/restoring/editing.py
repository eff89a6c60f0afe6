"""A recording, what is said in it and what is to be said -> a recording in which that is said."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..data.said import known_within
from ..errors import AvsiWarning, ConfigError, DataError, MediaError, ModelError
from ..media.containers import check_file
from ..media.sound_reading import Sound, open_sound
from ..media.spliced_sound import spliced
from ..media.video_reading import has_picture
from ..timebase import to_seconds
from ..words.alignment import Alignment, timed_phones
from ..words.captions import Caption
from ..words.changes import Change, find_changes
from ..words.pronouncing import pronounce
from ..words.transcript import Word, spoken_words
from .aligning import align_file
from .arguments import check_takes_words
from .edit_log import carried, logged, read_edits, write_edits
from .edit_planning import Edit, NewWord, plan_edits
from .excerpts import plan_excerpts
from .inpainting import Inpainter
from .recordings import check_output, output_picture, tell_other_clock, write_restored
from .voice_input import HeardReference, check_takes_voice, hear_reference

if TYPE_CHECKING:
    from ..models.aligner import PhoneAligner

# Words are doubted that would have to be said so many times as fast or as slowly as usual.
STRANGE = 2.0


class Wish(NamedTuple):
    """What is to be said in a recording.

    Attributes:
        alignment: what is said in it now; None where that is not known.
        new_words: all that are then to be said.
        changes: between the words of the two, at least one.
    """

    alignment: Alignment | None
    new_words: list[NewWord]
    changes: list[Change]


def edit_file(
    path: str | Path,
    out: str | Path,
    present: Sequence[Caption],
    wanted: Sequence[Caption],
    load_aligner: Callable[[], PhoneAligner],
    load_inpainter: Callable[[], Inpainter] | None,
    keep_length: bool | None = None,
    pronunciations: Mapping[str, tuple[str, ...]] | None = None,
    video: Path | None = None,
    face: int | None = None,
    from_first_sample: bool = False,
    progress: Callable = lambda items, total, what: items,
    reference: str | Path | HeardReference | None = None,
) -> list[Edit]:
    """Have other words said in a sound or video file: those that differ are replaced by gaps, as
    :func:`.plan_edits` says, which a model fills that is told what is said. Every sample outside them stays as it is.

    The model looks at no face: in the gaps the lips say the old words.

    Args:
        path, out: as in :func:`avsi.inpaint_file`.
        present, wanted: what is said, in the order of time, and what is to be said. The times of captions only help to
            find the present words.
        load_aligner: what loads the model that finds the words, once the files are found to be good.
        load_inpainter: what loads one whose model is told what is said; None only plans, and writes nothing.
        keep_length: gaps stay as long as the words before; otherwise they are as long as the new ones usually are, and
            what comes after them moves. None keeps it where the output has a picture, which cannot be moved.
        pronunciations: the user's own, as :func:`.pronounce` takes them; for words that the dictionary knows in several
            ways, its first one is said.
        video, face, from_first_sample, progress, reference: as in :func:`avsi.inpaint_file`. The face helps to find the
            present words.

    Returns:
        The gaps, in the order of time.

    Raises:
        GapError, MediaError, ConfigError, ModelError, DataError: as :func:`avsi.align_file` and
            :func:`avsi.inpaint_file`; also for transcripts of the same words, a model that is not told what is said or
            needs a face, and a picture whose sound would change its length. Nothing is then written.
    """
    path, out, own = Path(path), Path(out), pronunciations or {}
    check_files(path, out, video)
    old, new = ([w for caption in each for w in spoken_words(caption.text, own)] for each in (present, wanted))
    changes = find_changes(old, new)
    if not changes:
        raise DataError("the two transcripts are of the same words; nothing is to be edited")
    if changes[0].stop - changes[0].start == len(old):
        warnings.warn(
            "no word of the transcript stays; what is to be said must be all of it, and not the new words alone",
            AvsiWarning,
            stacklevel=2,
        )
    tell_unused(own, old + new, "neither transcript has such a word")
    new_words = _pronounced(new, changes, own)
    known = {word: own[word] for each in old for word in each.spoken if word in own}

    def wish(load: Callable[[], PhoneAligner]) -> Wish:
        alignment = align_file(path, present, load, (), known, video, face, from_first_sample, progress)
        return Wish(alignment, new_words, changes)

    with open_sound(path) as sound:
        return carry_out(
            wish,
            sound,
            path,
            out,
            load_aligner,
            load_inpainter,
            keep_length,
            video,
            from_first_sample,
            progress,
            reference,
        )


def carry_out(
    wish: Callable[[Callable[[], PhoneAligner]], Wish],
    sound: Sound,
    path: Path,
    out: Path,
    load_aligner: Callable[[], PhoneAligner],
    load_inpainter: Callable[[], Inpainter] | None,
    keep_length: bool | None,
    video: Path | None,
    from_first_sample: bool,
    progress: Callable,
    reference: str | Path | HeardReference | None,
) -> list[Edit]:
    """Make what is wished of a recording that is open; arguments and errors as of :func:`edit_file`.

    Args:
        wish: finds out what it is, with what loads the aligner, once the files are found to be good. Where it does not
            know what is said now, the model is only told the new words.
    """
    earlier = read_edits(path, sound)
    start_s = 0.0 if from_first_sample else sound.start_s
    pictured = path if sound.path != path and has_picture(path) else None
    picture, out_start_s = output_picture(out, path, sound, video or pictured)
    if picture and keep_length is False:
        raise ConfigError(
            f"{out}: its picture cannot be made longer or shorter with its sound; choose a .wav file, or replace words "
            "in the time of the old ones"
        )
    heard = hear_reference(reference, [], None, from_first_sample)
    voice = heard.voice if heard else None
    keep_length = picture is not None if keep_length is None else keep_length
    tell_other_clock(out, out_start_s, start_s)
    aligner = cache(load_aligner)
    present, new_words, changes = wish(aligner)
    alignment = present or Alignment((), start_s + to_seconds(sound.n_samples, sound.rate))
    plan = plan_edits(aligner(), alignment, new_words, changes, sound.n_samples, sound.rate, start_s, keep_length)
    excerpts = plan_excerpts(plan.lost, plan.n_samples, sound.rate, start_s)
    _tell_hurry(plan.edits)
    if load_inpainter is None:
        return plan.edits
    inpainter = load_inpainter()
    check_takes_words(inpainter, plan.alignment)
    check_takes_voice(inpainter, voice)
    _tell_long(plan.edits, sound.rate, inpainter.model.config.gaps.total_max_ms / 1000)
    edited = spliced(sound, plan.splices, plan.copies)
    shown = progress(excerpts, len(excerpts), "editing")
    stretches = ((edited.read(excerpt.start, excerpt.stop), excerpt) for excerpt in shown)
    phones = timed_phones(plan.alignment, start_s) or []
    if present is None:
        told = [(to_seconds(start, sound.rate), to_seconds(stop, sound.rate)) for start, stop in plan.lost]
        phones = known_within(phones, told, to_seconds(plan.n_samples, sound.rate))
    blind = _without_face(inpainter)
    patches = list(blind.patches(stretches, sound.rate, [None] * len(excerpts), phones, voice))
    write_restored(edited, patches, out, picture, out_start_s)
    made = logged(
        inpainter,
        (
            (each.now.start_s - start_s, each.now.end_s - start_s, each.kind, each.words, each.before)
            for each in plan.edits
        ),
        heard.name if heard else None,
    )
    kept = carried(earlier, plan.splices, sound.rate)
    write_edits(out, [*kept, *made], edited, 0.0 if from_first_sample else out_start_s, from_first_sample)
    return plan.edits


def check_files(path: Path, out: Path, video: Path | None) -> None:
    """Raise MediaError for files that cannot be read or written."""
    check_output(path, out)
    check_file(path)
    if video is not None and not has_picture(video):
        raise MediaError(f"{video}: has no picture track")


def tell_unused(own: Mapping[str, tuple[str, ...]], words: Sequence[Word], where: str) -> None:
    """A warning where the user says how a word is pronounced that is not among some words."""
    if unused := set(own) - {word for each in words for word in each.spoken}:
        warnings.warn(f"--pronounce {min(unused)}: {where}", AvsiWarning, stacklevel=3)


def _pronounced(new: Sequence[Word], changes: Sequence[Change], own: Mapping[str, tuple[str, ...]]) -> list[NewWord]:
    """The new words; those that are not changed without phones, since the recording tells theirs."""
    changed = {number for change in changes for number in range(change.new_start, change.new_stop)}
    spoken = [word for number in sorted(changed) for word in new[number].spoken]
    known = iter(pronounce(spoken, own))
    words = []
    for number, word in enumerate(new):
        several = itertools.islice(known, len(word.spoken)) if number in changed else ()
        words.append(NewWord(word.written, tuple(phone for variants in several for phone in variants[0])))
    return words


def _without_face(inpainter: Inpainter) -> Inpainter:
    """One that restores by the sound and the words. Raises ModelError where the model needs a face."""
    model = inpainter.model
    if not model.config.model.video:
        return inpainter
    if not (model.config.model.audio and hasattr(model, "without_face")):
        raise ModelError(
            "the model needs a face, and in an edited gap the lips say the old words; choose one of sound and words"
        )
    blind = copy.copy(inpainter)
    blind.model, blind.audio_only = model.without_face(), None
    return blind


def _tell_hurry(edits: Sequence[Edit]) -> None:
    for edit in edits:
        if not 1 / STRANGE <= edit.slowness <= STRANGE:
            warnings.warn(
                f"'{edit.words}' at {edit.now.start_s:.2f}-{edit.now.end_s:.2f} s: has {edit.slowness:.1f} of the time "
                "that this speaker usually needs for it",
                AvsiWarning,
                stacklevel=3,
            )


def _tell_long(edits: Sequence[Edit], rate: int, trained_s: float) -> None:
    for edit in edits:
        if max(stop - start for start, stop in edit.lost) > trained_s * rate:
            what = f"'{edit.words}'" if edit.words else "the silence"
            warnings.warn(
                f"{what} at {edit.now.start_s:.2f}-{edit.now.end_s:.2f} s: is longer than the {trained_s:g} s of the "
                "gaps that the model was trained on; expect little",
                AvsiWarning,
                stacklevel=3,
            )
