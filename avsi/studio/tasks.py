"""Tasks of the process that holds the models: what is found, restored, aligned, looked at and rated.

All times are the player's, but in :class:`avsi.video.tracks.Tracks` and in spans of samples.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio.samples import resample, to_float
from ..data.gaps import Gap, gap_spans, gaps_by_channel
from ..detecting.detect import detect_in
from ..errors import DataError, GapError
from ..media.sound_reading import Sound
from ..restoring.channels import plan_restoration
from ..restoring.detection import why_left
from ..restoring.excerpts import MAX_GAP_S, Excerpt, plan_excerpts
from ..timebase import join_stretches, to_samples, to_seconds
from ..words.alignment import AlignedWord, Alignment, Phone
from .faces import FaceCache
from .loaded import aligner, inpainter, listener
from .opened import Opened
from .results import read_result, write_result
from .sounds import Patched

if TYPE_CHECKING:
    from ..restoring.inpainting import Inpainter
    from ..words.captions import Caption
    from .worker import Teller

LOOKED_AHEAD = 2  # excerpts
MOST_RATED = 8  # gaps
AROUND_S = 1.0  # of a gap, what is rated with it
ROUNDED_S = 0.011  # how far times in messages may be off
UNSEEN = "there is no video"  # what a model says of a face that it is not shown
OUTSIDE = "lies outside the sound"
TOO_LONG = f"longer than {MAX_GAP_S:g} s, which is the most that can be restored"


def warm(teller: Teller, model: str) -> None:
    """Load what the first restoration needs, and run it once."""
    teller.step("loading the model")
    rate = inpainter(model).model.config.stft.sample_rate
    noise = np.random.default_rng(0).standard_normal(3 * rate) / 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inpainter(model).inpaint(noise, rate, [Gap(1.0, 1.5)])


def look_around(teller: Teller, clip: Opened, gaps: Sequence[tuple[float, float]]) -> None:
    """Look at the face around the first gaps before they are restored; soon done, since the next task waits."""
    taken, _ = _that_can_be_restored(clip.sound, [Gap(*gap) for gap in gaps])
    if taken:
        stretches = _stretches(_excerpts(clip.sound, taken), clip.sound.rate)
        faces = FaceCache(clip.faces, clip.face, clip.name)
        missing = [each for each in stretches if faces.missing([each])]
        clip.look(teller, missing[:LOOKED_AHEAD])


def look_between(teller: Teller, clip: Opened, start_s: float, end_s: float) -> None:
    clip.look(teller, [(start_s - clip.sound.start_s, end_s - clip.sound.start_s)])


def find(teller: Teller, clip: Opened, kinds: Sequence[str] | None, sure: float, look: bool) -> list[dict[str, Any]]:
    """The damage of a clip, each as a gap of the page."""
    tracks = clip.whole_face(teller) if look else None
    heard_by = replace(listener(), video=tracks, look=tracks is not None)
    found = detect_in(clip.path, clip.sound, kinds, sure, False, teller.progress, heard_by)
    reasons = why_left(found, kinds)
    return [{**asdict(damage), "repair": not why} for damage, why in zip(found, reasons, strict=True)]


def align(
    teller: Teller, clip: Opened, transcript: str, gaps: Sequence[tuple[float, float]], look: bool
) -> list[dict[str, Any]]:
    """When the words of a transcript are said, each as a word of the page."""
    from ..restoring.aligning import align_in

    captions = captions_of(transcript)
    tracks = clip.whole_face(teller) if look else None
    lost, _ = _that_can_be_restored(clip.sound, [Gap(*gap) for gap in gaps])
    at_s, shown = clip.sound.start_s, teller.progress
    alignment = align_in(clip.path, clip.sound, captions, aligner, lost, None, tracks, None, at_s, shown)
    return [_word(word) for word in alignment.words]


def captions_of(text: str) -> list[Caption]:
    """What is said, by a text or by captions with times. Raises DataError where there is no word."""
    from ..words.captions import Caption, parse_captions, said_in_text
    from ..words.transcript import holds_word

    # A text that looks like a file's name is a text here: what a page sends opens no file.
    captions = parse_captions(text) if "-->" in text else [Caption(said_in_text(text))]
    captions = [caption for caption in captions if holds_word(caption.text)]
    if not captions:
        raise DataError("the transcript holds no word; write what is said")
    return captions


def restore(
    teller: Teller,
    clip: Opened,
    gaps: Sequence[Gap],
    model: str,
    use_face: bool,
    transcript: str,
    words: list[dict[str, Any]] | None,
    reference: str | None,
    draw: int,
    adapt: bool,
    out: Path,
) -> dict[str, Any]:
    """Restore gaps; the samples that are made are kept in ``out``, an npz file, with what is listed of them.

    Args:
        transcript: what is said; "" where that is not known, or the model is not told.
        words: those of the transcript, where they have been found already.
        adapt: first adapt the model to the clip.

    Returns:
        The gaps that were restored, the reasons for what became of them or was left out, the words if they were found
        here, and whether the model was adapted.

    Raises:
        GapError: there is none that can be restored; and as :func:`avsi.inpaint_file`.
    """
    from ..restoring.edit_log import logged_plan
    from ..restoring.voice_input import check_takes_voice, hear_reference
    from ..words.alignment import timed_phones

    taken, reasons = _that_can_be_restored(clip.sound, gaps)
    if not taken:
        raise GapError(f"no gap can be restored: it {reasons[0]['reason']}" if reasons else "no gap is marked")
    found = None
    if transcript and words is None:
        words = found = align(teller, clip, transcript, [(gap.start_s, gap.end_s) for gap in taken], use_face)
    teller.step("loading the model")
    restorer = inpainter(model).with_draw(draw)
    sound, rate = clip.sound, clip.sound.rate
    looks = use_face and restorer.model.config.model.video
    if adapt:
        restorer = _adapted(restorer, clip, taken, looks, teller)
    plan = plan_restoration(taken, sound.read, sound.n_samples, rate, sound.channels, sound.start_s)
    excerpts = plan.excerpts
    faces = clip.look(teller, _stretches(excerpts, rate)) if looks and excerpts else None
    tracks = [faces.between(*stretch) if faces else None for stretch in _stretches(excerpts, rate)]
    if reference:
        teller.step("hearing the reference")
    heard = hear_reference(reference, [clip.path], taken, False, restorer.encoder)
    voice = heard.voice if heard else None
    check_takes_voice(restorer, voice)
    alignment = _alignment(words, clip) if words else None
    shown = teller.progress(excerpts, len(excerpts), "restoring")
    stretches = ((excerpt.of(sound.read(excerpt.start, excerpt.stop)), excerpt) for excerpt in shown)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = restorer.patches(stretches, rate, tracks, timed_phones(alignment, sound.start_s), voice)
        patches = plan.patches(made, sound.read, rate, restorer.kept)
    reasons += [_reason_of(str(warning.message), taken) for warning in caught]
    if not use_face:  # as the user chose
        reasons = [each for each in reasons if not each["reason"].startswith(UNSEEN)]
    for one in plan.taken:
        begin_s, end_s = (sound.start_s + to_seconds(at, rate) for at in (one.start, one.stop))
        part = "a part of " * any(one.goes_on)
        told = f"{part}channel {one.channel + 1} restored from channel {one.source + 1}, which holds the same sound"
        reasons.append({"start_s": begin_s, "end_s": end_s, "reason": told})
    edits = logged_plan(restorer, plan, rate, alignment, sound.start_s, heard.name if heard else None)
    write_result(out, patches, [asdict(edit) for edit in edits])
    adapted = restorer.adaptation is not None and restorer.adaptation.kept
    pairs = [list(pair) for pair in dict.fromkeys((gap.start_s, gap.end_s) for gap in taken)]
    return {"gaps": pairs, "reasons": reasons, "words": found, "adapted": adapted}


def _adapted(restorer: Inpainter, clip: Opened, gaps: Sequence[Gap], looks: bool, teller: Teller) -> Inpainter:
    """Adapted to a clip, as `avsi inpaint --adapt` does; a note says what that gained."""
    from ..restoring.adapting import adapt_if_possible
    from ..restoring.reliable import Source

    teller.step("adapting the model")
    sound, film = clip.sound, clip.film if looks else None
    source = Source(clip.name, sound.n_samples, sound.rate, sound.read, _spans(sound, gaps), film, clip.face)
    return adapt_if_possible(restorer, source, teller.progress)


def rate(
    teller: Teller, clip: Opened, gaps: Sequence[tuple[float, float]], patched: Path
) -> list[dict[str, Any]] | None:
    """PLCMOS of each gap with what is around it, before and after; None without the extra for it, or of many."""
    from importlib.util import find_spec

    from ..metrics.checks import UndefinedMetric
    from ..metrics.mos import PACKAGES, RATE, plcmos

    if len(gaps) > MOST_RATED or any(find_spec(name) is None for name in PACKAGES):
        return None
    teller.step("rating")
    after = Patched(clip.sound, read_result(patched)[0])
    rated = []
    for start_s, end_s in gaps:
        span = [to_samples(at - clip.sound.start_s, clip.sound.rate) for at in (start_s - AROUND_S, end_s + AROUND_S)]
        scores: list[float | None] = []
        for each in (clip.sound, after):
            heard = to_float(each.read(max(span[0], 0), min(span[1], clip.sound.n_samples))).mean(axis=1)
            try:
                scores.append(round(plcmos(resample(heard, clip.sound.rate, RATE), RATE), 2))
            except UndefinedMetric:  # silence
                scores.append(None)
        rated.append({"start_s": start_s, "end_s": end_s, "before": scores[0], "after": scores[1]})
    return rated


def _that_can_be_restored(sound: Sound, gaps: Sequence[Gap]) -> tuple[list[Gap], list[dict[str, Any]]]:
    """Gaps, sorted, and disjoint in each channel, within the sound; and reasons for those that are left out."""
    end_s = sound.start_s + to_seconds(sound.n_samples, sound.rate)
    taken, reasons = list[Gap](), []
    everywhere = join_stretches((float(gap.start_s), float(gap.end_s)) for gap in gaps if not gap.channels)
    named = [*(Gap(*stretch) for stretch in everywhere), *(gap for gap in gaps if gap.channels)]
    for gap in gaps_by_channel(named, sound.channels):
        start_s, stop_s = gap.start_s, gap.end_s
        begin_s, until_s = max(start_s, sound.start_s), min(stop_s, end_s)
        if until_s - begin_s < 2 / sound.rate:
            reasons.append({"start_s": start_s, "end_s": stop_s, "reason": OUTSIDE})
        elif until_s - begin_s > MAX_GAP_S:
            reasons.append({"start_s": start_s, "end_s": stop_s, "reason": TOO_LONG})
        else:
            taken.append(Gap(begin_s, until_s, gap.channels))
    return taken, reasons


def _excerpts(sound: Sound, gaps: Sequence[Gap]) -> list[Excerpt]:
    return plan_excerpts(_spans(sound, gaps), sound.n_samples, sound.rate, sound.start_s)


def _spans(sound: Sound, gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    return gap_spans([*gaps], sound.n_samples, sound.rate, sound.start_s)


def _stretches(excerpts: Sequence[Excerpt], rate: int) -> list[tuple[float, float]]:
    return [(to_seconds(each.start, rate), to_seconds(each.stop, rate)) for each in excerpts]


def _reason_of(text: str, gaps: Sequence[Gap]) -> dict[str, Any]:
    """What was told of a gap, which its message names, or of no single one."""
    named = re.fullmatch(r"gap ([\d.]+)-([\d.]+) s: (.*)", text, re.DOTALL)
    for gap in gaps if named else ():
        if named and max(abs(float(named[1]) - gap.start_s), abs(float(named[2]) - gap.end_s)) < ROUNDED_S:
            return {"start_s": gap.start_s, "end_s": gap.end_s, "reason": named[3]}
    return {"start_s": gaps[0].start_s, "end_s": gaps[-1].end_s, "reason": text}


def _word(word: AlignedWord) -> dict[str, Any]:
    phones = [[phone.label, round(phone.start_s, 4), round(phone.end_s, 4)] for phone in word.phones]
    times = {"start_s": round(word.start_s, 4), "end_s": round(word.end_s, 4)}
    return {**times, "word": word.text, "confidence": round(word.confidence or 0.0, 3), "phones": phones}


def _alignment(words: list[dict[str, Any]], clip: Opened) -> Alignment:
    aligned = []
    for word in words:
        phones = tuple(Phone(label, start_s, end_s) for label, start_s, end_s in word["phones"])
        aligned.append(AlignedWord(word["word"], word["start_s"], word["end_s"], None, phones))
    return Alignment(tuple(aligned), clip.sound.start_s + clip.length_s + 0.001)
