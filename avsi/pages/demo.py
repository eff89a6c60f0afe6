"""Cut a hole into a clip, restore it without and with the face, and say and show how well that went."""

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..data.gaps import Gap, gap_spans, lost_samples, widened
from ..data.ids import recording_in
from ..errors import AvsiWarning, FaceError, GapError, MediaError
from ..files import write_text
from ..folders import check_folder, files_together
from ..media.sound_reading import open_sound
from ..media.sound_writing import write_wav
from ..media.video_reading import has_picture
from ..models.store import find_model, read_description, read_train_ids
from ..pretrained import AUDIO_ONLY, DEFAULT
from ..restoring.excerpts import CONTEXT_S
from ..timebase import to_samples, to_seconds
from ..video.landmarks import track_each_stretch
from ..video.tracks import Tracks
from .demo_page import ModelUsed, Score, Stretch, demo_page
from .overlay import draw_tracks

RATE = 16000
PAGE = "index.html"
# The page shows a clip of up to this length as a whole, and of a longer one the gaps with their context.
WHOLE_S = 15.0
MAX_HEIGHT = 480  # of the page's film, in pixels
MODELS = {"audio-only": AUDIO_ONLY, "audio-visual": DEFAULT}


def run_demo(
    clip: str | Path, gaps: list[Gap], folder: str | Path, about: str = "", face: int | None = None
) -> list[Score]:
    """Write the damaged and restored versions of a clip as 16 kHz WAV, and a page that shows them, into a folder.

    Args:
        gaps: at the times that a player of the clip shows; so are those on the page.
        about: what the page should say of the clip.
        face: which of several in the picture, as :func:`avsi.video.landmarks.track_each_stretch` counts them.

    Returns:
        (name, STOI, narrow-band PESQ as MOS-LQO) of each version against the clip itself, over its whole length; None
        where a metric has no value.

    Raises:
        MediaError, GapError: as :meth:`avsi.restoring.inpainting.Inpainter.inpaint`.
        FaceError: a gap around which no face is seen.
        DataError: a folder that cannot be made or written into.
    """
    clip, folder = Path(clip), Path(folder)
    if named := [gap for gap in gaps if gap.channels]:
        raise GapError(f"gap {named[0]}: the demo cuts a hole into the mean of all channels; leave out the channel")
    check_folder(folder)
    with open_sound(clip) as sound:
        if not has_picture(clip):
            raise MediaError(f"{clip}: has no picture track")
        original, start_s = sound.mono(RATE), sound.start_s
    spans = gap_spans(gaps, len(original), RATE, start_s)
    stretches = [(to_seconds(a, RATE), to_seconds(b, RATE)) for a, b in _stretches(spans, len(original))]
    faces = track_each_stretch(clip, stretches, face=face)
    for (begin_s, _), tracks in zip(stretches, faces, strict=True):
        if not tracks.found.any():
            raise FaceError(
                f"{clip}: no face was found in any of its {len(tracks.time_s)} frames from {start_s + begin_s:.2f} s on"
            )
    # From here on times count from the first sample; only the page shows a player's.
    shown_gaps, gaps = sorted(gaps), [Gap(to_seconds(a, RATE), to_seconds(b, RATE)) for a, b in spans]
    versions = _versions(clip, original, gaps, spans, faces)
    from ..metrics import pesq_nb, stoi

    scores = [
        (name, _or_none(stoi, original, samples), _or_none(pesq_nb, original, samples))
        for name, samples in versions.items()
    ]
    versions["original"] = original
    shown = [
        Stretch(
            start_s + begin_s,
            {name: samples[to_samples(begin_s, RATE) : to_samples(end_s, RATE)] for name, samples in versions.items()},
            _from(begin_s, draw_tracks(clip, tracks, begin_s, end_s, gaps, MAX_HEIGHT)),
        )
        for (begin_s, end_s), tracks in zip(stretches, faces, strict=True)
    ]
    models = [_used(model, clip) for model in MODELS.values()]
    page = demo_page(clip.name, about, to_seconds(len(original), RATE), RATE, shown_gaps, shown, scores, models)
    with files_together(folder) as new:
        for name, samples in versions.items():
            write_wav(new / f"{name}.wav", samples, RATE)
        write_text(new / PAGE, page)
    return scores


def _used(model: str, clip: Path) -> ModelUsed:
    folder = find_model(model)
    ids = sorted(map(recording_in, read_train_ids(folder) or ()))
    trained = next((id_ for id_ in ids if is_named_like(clip, id_)), "")
    return ModelUsed(model, read_description(folder)["about"].get("trained_on", ""), trained)


def is_named_like(clip: Path, id_: str) -> bool:
    """Whether a clip may be the utterance of an id: ``s1/bbaf2n.mpg`` that of ``s01_bbaf2n``, by the names of the file
    and of a folder above it. A drawn speaker's folder does not tell the corpus, so that others may be meant.
    """
    speaker, _, sentence = id_.partition("_")
    number = re.search(r"s0*(\d+)$", speaker)
    folders = {part.lower() for part in clip.absolute().parts[:-1]}
    named = {speaker} | ({f"s{number[1]}", f"s{int(number[1]):02d}"} if number else set())
    return clip.stem == id_ or (clip.stem.lower() == sentence and bool(named & folders))


def _versions(
    clip: Path, original: np.ndarray, gaps: list[Gap], spans: list[tuple[int, int]], faces: list[Tracks]
) -> dict[str, np.ndarray]:
    """The damaged clip and what each way of restoring makes of it, by name; shape (n_samples,), float32."""
    from ..restoring.baselines import SpectralInterpolation
    from ..restoring.gap_notes import WITHOUT_FACE
    from ..restoring.inpainting import Inpainter

    damaged = np.where(lost_samples(spans, len(original)), 0, original).astype(np.float32)
    face = Tracks(*(np.concatenate(parts) for parts in zip(*((f.time_s, f.points) for f in faces), strict=True)))
    versions = {"damaged": damaged, "interpolated": Inpainter(SpectralInterpolation()).inpaint(damaged, RATE, gaps)}
    with warnings.catch_warnings():
        # The audio-only version stands beside the audio-visual one anyway.
        warnings.filterwarnings("error", f".*{WITHOUT_FACE}", AvsiWarning)
        try:
            for name, model in MODELS.items():
                versions[name] = Inpainter.from_pretrained(model).inpaint(damaged, RATE, gaps, face)
        except AvsiWarning as reason:
            raise MediaError(f"{clip}: the demo compares with a model that sees the face, but {reason}") from None
    return versions


def _stretches(spans: list[tuple[int, int]], n_samples: int) -> list[tuple[int, int]]:
    """The parts of a clip that are shown: all of a short one, of others the gaps with their context; disjoint."""
    if n_samples <= to_samples(WHOLE_S, RATE):
        return [(0, n_samples)]
    return widened(spans, to_samples(CONTEXT_S, RATE), n_samples)


def _from(start_s: float, images: Iterator[tuple[float, np.ndarray]]) -> Iterator[tuple[float, np.ndarray]]:
    return ((time_s - start_s, image) for time_s, image in images)


def _or_none(metric: Callable[..., float], clean: np.ndarray, restored: np.ndarray) -> float | None:
    from ..metrics import UndefinedMetric

    try:
        return metric(clean, restored, RATE)
    except UndefinedMetric:
        return None
