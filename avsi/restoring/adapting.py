"""An inpainter adapted to the speaker of some recordings."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .. import __version__
from ..config import AdaptConfig, StftConfig
from ..data.gaps import Gap
from ..errors import AvsiWarning, DataError, ModelError
from ..files import write_text
from ..folders import folder_beside, user_cache
from ..models.card import update_card
from ..models.spectrum_inpainter import SpectrumInpainter
from ..models.store import LEXICON, TRAIN_IDS, find_model, read_description, read_train_ids, save_model
from ..timebase import to_seconds
from ..training.adaptation import adapt_model
from ..training.stretches import Stretch
from ..video.face_detector import detector_identity
from ..video.tracks import Tracks
from .adapted import ABOUT, Adaptation, listed, read_cached, weights_digest, write_cached
from .copies import without_copies
from .excerpts import Excerpt
from .reliable import Piece, Source, near, open_source, read_pieces, share_out, speech_frames, still_mouth, timbre_of
from .voice_input import told_voices

if TYPE_CHECKING:
    from .inpainting import Inpainter

NEEDED = "only networks of avsi can be adapted"


class TooLittleSpeechError(DataError):
    """Recordings that hold too little speech to adapt a model to."""


def adapt(
    inpainter: Inpainter,
    sources: Sequence[Source],
    settings: AdaptConfig | None = None,
    progress: Callable = lambda items, total, what: items,
) -> Inpainter:
    """An inpainter whose model was trained on, with artificial gaps in the reliable sound of recordings of one speaker.

    Where they show no face, and there is an audio-only model, that one is adapted, since it is what restores them. Only
    a model that became better on sound that was held out is kept; else a warning says that the start model is used.
    The result is kept in the user's cache. What the recordings hold inside their gaps plays no part, and of copies of
    one recording one alone, as :func:`.copies.without_copies` says.

    Args:
        settings: by default those in the model's config.
        progress: wraps the loops over the frames in which a face is looked for and over the steps of training, as
            :func:`avsi.program.progress` does.

    Raises:
        TooLittleSpeechError: less speech than ``settings.min_speech_s``.
        ModelError: a model that is no network of this package.
        MediaError, ConfigError: as :meth:`Inpainter.inpaint`.
    """
    if not isinstance(inpainter.model, SpectrumInpainter):
        raise ModelError(NEEDED)
    config, settings = inpainter.model.config, settings or inpainter.model.config.adapt
    sources = without_copies(sources)
    shares_s = share_out(sources, settings.max_sound_s)
    pieces = [
        piece
        for source, longest_s in zip(sources, shares_s, strict=True)
        for piece in read_pieces(source, config.stft, longest_s)
    ]
    names = [source.name for source in sources]
    speech = _speech(sources, pieces, config.stft)
    _check_speech(names, _seconds(speech, config.stft), settings)
    folder = user_cache() / "adapted" / _key(inpainter, pieces, settings)
    result = read_cached(folder)
    if result is None:
        faces = _follow(inpainter, sources, pieces, progress)
        result = _train(inpainter, sources, pieces, speech, faces, settings, progress)
        write_cached(folder, *result)
    adaptation, adapted = result
    if not adaptation.kept:
        warnings.warn(str(adaptation), AvsiWarning, stacklevel=2)
    new = copy.copy(inpainter)
    new.adaptation = adaptation
    if adapted is not None:
        setattr(new, adaptation.of, adapted.to(inpainter.model.audio_mean.device))
    return new


def adapt_if_possible(inpainter: Inpainter, source: Source, progress: Callable) -> Inpainter:
    """As :func:`adapt`, to the recording that is to be restored, and a warning says what that gained. With too little
    speech in it the inpainter stays as it is, and the warning says so.
    """
    try:
        adapted = adapt(inpainter, [source], progress=progress)
    except TooLittleSpeechError as error:
        warnings.warn(f"{error}; the model is used as it is", AvsiWarning, stacklevel=2)
        return inpainter
    if adapted.adaptation and adapted.adaptation.kept:
        warnings.warn(str(adapted.adaptation), AvsiWarning, stacklevel=2)
    return adapted


def adapt_to_files(
    paths: Sequence[Path],
    load: Callable[[], tuple[Inpainter, AdaptConfig]],
    gaps: list[Gap] | None,
    progress: Callable = lambda items, total, what: items,
    face: int | None = None,
) -> Inpainter:
    """As :func:`adapt`, to sound or video files.

    Args:
        load: what loads an inpainter, and the settings, once the files are found to be good.
        gaps: those of each file, at a player's times; None finds them.
        face: which of several in the pictures.
    """
    for index, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:index]]:
            raise DataError(f"{path}: is named twice; what is held out of a recording must not be learned from in it")
    with ExitStack() as opened:
        sources = [opened.enter_context(open_source(path, gaps, face)) for path in paths]
        inpainter, settings = load()
        return adapt(inpainter, sources, settings, progress)


def write_adapted(out: Path, inpainter: Inpainter, start: str) -> None:
    """Write the model that was adapted into a new folder, with a card that says to whom.

    Args:
        start: the name or folder of the model that it began as.
    """
    done = inpainter.adaptation
    assert done is not None
    before = read_description(find_model(start)).get("about", {}).get("trained_on", "")
    heard = f"{listed(done.recordings)} ({done.speech_s:.0f} s of speech)"
    about = {
        "trained_on": "; ".join(filter(None, [before, f"adapted to {heard}" if done.kept else ""])),
        ABOUT: dataclasses.asdict(done),
    }
    ids = (read_train_ids(start) or set()) | {Path(name).stem for name in done.recordings if done.kept}
    with folder_beside(out) as folder:
        save_model(folder, getattr(inpainter, done.of), about)
        write_text(folder / TRAIN_IDS, "".join(f"{id_}\n" for id_ in sorted(ids)))
        if (lexicon := find_model(start) / LEXICON).is_file():
            shutil.copyfile(lexicon, folder / LEXICON)
        update_card(folder, name=out.resolve().name, **_on_the_card(done, heard, start))


def _on_the_card(done: Adaptation, heard: str, start: str) -> dict[str, str]:
    """What a card says of an adapted model that nobody needs to write: its sections by name."""
    before = f"The card of `{start}` says of which corpora that was made, and where its limits are"
    if not done.kept:
        return {
            "what_for": f"For what `{start}` is for: this is that model as it was. It did not become better by "
            f"adaptation to {heard}.",
            "how_made": f"{before}.",
            "limits": f"Those of `{start}`.",
        }
    return {
        "what_for": f"For the speaker of {heard}, with the same microphone and camera. Others are restored better by "
        f"the model that it was adapted from, `{start}`.",
        "how_made": f"`avsi adapt` of version {__version__} trained `{start}` on with gaps cut into these recordings. "
        f"{before}.",
        "limits": f"It was tried on nothing but {done.held_out_s:g} s of these recordings, which it did not learn "
        f"from: not on other days, places, microphones or cameras, nor on other speakers. The limits of `{start}` are "
        "its limits too.",
    }


def _train(
    inpainter: Inpainter,
    sources: Sequence[Source],
    pieces: list[Piece],
    speech: list[torch.Tensor],
    faces: list[Tracks | None],
    settings: AdaptConfig,
    progress: Callable,
) -> tuple[Adaptation, SpectrumInpainter | None]:
    """(what was adapted and gained, the adapted model if it is better than the start model)."""
    stft, names = inpainter.model.config.stft, [source.name for source in sources]
    seen = any(tracks is not None and tracks.found.any() for tracks in faces)
    of = "model" if seen or not inpainter.model.config.model.video or inpainter.audio_only is None else "audio_only"
    start = inpainter.model if of == "model" else inpainter.audio_only
    if not isinstance(start, SpectrumInpainter):
        raise ModelError(NEEDED)
    others = [said & still_mouth(tracks, len(said), stft) for said, tracks in zip(speech, faces, strict=True)]
    others_s, speech_s, stretches = _seconds(others, stft), 0.0, []
    frame_s = stft.hop_samples / stft.sample_rate
    for piece, said, other, tracks in zip(pieces, speech, others, faces, strict=True):
        for first, last in near(said & ~other, other, stft):
            samples = piece.samples[first * stft.hop_samples : last * stft.hop_samples]
            part = tracks and tracks.excerpt(first * frame_s, last * frame_s)
            stretches.append(Stretch(samples, piece.log_spectrum[first:last], part))
            speech_s += _seconds([said[first:last]], stft)
    _check_speech(names, speech_s, settings, others_s)
    if others_s >= 1:
        warnings.warn(
            f"{listed(names)}: {others_s:.0f} s of speech while the lips of the face are still were not learned from, "
            "as somebody else's",
            AvsiWarning,
            stacklevel=4,
        )
    gaps_s = [to_seconds(last - first, source.rate) for source in sources for first, last in source.gaps]
    voice = None
    if inpainter.encoder is not None and start.config.model.voice:
        heard = torch.cat([each.log_spectrum for each in stretches])
        voice = told_voices(inpainter.encoder, heard[None], torch.zeros(len(heard), dtype=torch.bool))[0]
    model, outcome = adapt_model(start, stretches, gaps_s, settings, progress, voice)
    adaptation = Adaptation(
        recordings=names,
        speech_s=round(speech_s, 1),
        held_out_s=round(outcome.held_out_s, 1),
        loss_before=round(outcome.before.loss, 4),
        loss_after=round(outcome.after.loss, 4),
        stoi_before=round(outcome.before.stoi, 4),
        stoi_after=round(outcome.after.stoi, 4),
        kept=outcome.better,
        of=of,
        start=weights_digest([start]),
        voice=[round(float(level_db), 2) for level_db in timbre_of([each.log_spectrum for each in stretches], stft)],
    )
    return adaptation, model if outcome.better else None


def _speech(sources: Sequence[Source], pieces: list[Piece], stft: StftConfig) -> list[torch.Tensor]:
    """Where somebody speaks in each piece, by the loudness of its recording."""
    return [
        said
        for source in sources
        for said in speech_frames([piece.log_spectrum for piece in pieces if piece.source is source], stft)
    ]


def _seconds(chosen: list[torch.Tensor], stft: StftConfig) -> float:
    return sum(int(each.sum()) for each in chosen) * stft.hop_samples / stft.sample_rate


def _check_speech(names: list[str], speech_s: float, settings: AdaptConfig, others_s: float = 0.0) -> None:
    if speech_s < settings.min_speech_s:
        more = f", and {others_s:.1f} s while the lips of the face are still" if others_s >= 0.1 else ""
        raise TooLittleSpeechError(
            f"{listed(names)}: {speech_s:.1f} s of speech outside the gaps{more}, and {settings.min_speech_s:g} s are "
            "needed to adapt a model; pauses do not count"
        )


def _follow(
    inpainter: Inpainter, sources: Sequence[Source], pieces: list[Piece], progress: Callable
) -> list[Tracks | None]:
    """For each piece the face, its clock starting with the piece's first frame; None where there is no video."""
    faces: list[Tracks | None] = []
    for source in sources:
        own = [piece for piece in pieces if piece.source is source]
        stretches = [Excerpt(piece.start, piece.stop, [], []) for piece in own]
        followed = inpainter.follow_face(source.video, stretches, source.rate, source.face, progress) if own else []
        for piece, tracks in zip(own, followed, strict=True):
            faces.append(tracks and tracks.excerpt(piece.first_frame_s, to_seconds(piece.stop, source.rate)))
    return faces


def _key(inpainter: Inpainter, pieces: list[Piece], settings: AdaptConfig) -> str:
    """What a result depends on, as a name: sound outside the gaps, gaps, face and what finds it, weights, settings,
    version.
    """
    summed = hashlib.sha256(f"{__version__} {torch.__version__}".encode())
    summed.update(weights_digest([inpainter.model, inpainter.audio_only]).encode())
    summed.update(json.dumps(dataclasses.asdict(settings), sort_keys=True).encode())
    sources: list[Source] = []
    for piece in pieces:
        if piece.source not in sources:
            sources.append(piece.source)
            summed.update(f"{piece.source.name} {piece.source.rate} {piece.source.gaps} {piece.source.face}".encode())
            _add_face(summed, piece.source.video, inpainter.model.config.model.video)
        summed.update(f"{piece.start} {piece.stop}".encode() + piece.log_spectrum.numpy().tobytes())
    return summed.hexdigest()[:32]


def _add_face(summed: hashlib._Hash, video: Path | Tracks | None, sought: bool) -> None:
    """Add a face's landmarks, or where it is sought in a file what they will depend on."""
    if isinstance(video, Tracks):
        summed.update(video.time_s.tobytes() + video.points.tobytes())
    elif video is not None and sought:
        summed.update(detector_identity().encode())
        with video.open("rb") as file:
            while block := file.read(1 << 20):
                summed.update(block)
