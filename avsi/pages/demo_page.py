"""The page that `avsi demo` writes: the restored video, and spectrograms, sounds and scores of each version."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import __version__
from ..data.gaps import Gap
from ..media.sound_writing import write_wav
from ..media.video_reading import video_info
from ..media.video_writing import write_webm
from . import plots
from .html import data_uri, render, sound_uri

# The versions that the page plays, in its order, with their descriptions.
PLAYED = {
    "damaged": "The input: the sound inside the gap is gone.",
    "audio-only": "Restored from the sound around the gap alone.",
    "audio-visual": "Restored from that sound and the face.",
    "original": "What was really said.",
}
Score = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Stretch:
    """A part of a clip that the page shows.

    Attributes:
        start_s: its start time in the clip.
        sounds: samples by the names in ``PLAYED``; shape (n_samples,), full scale 1.0.
        images: its pictures as (time in seconds from its start, RGB of shape (height, width, 3), uint8).
    """

    start_s: float
    sounds: dict[str, np.ndarray]
    images: Iterator[tuple[float, np.ndarray]]


@dataclass(frozen=True)
class ModelUsed:
    """A pretrained model as the page lists it.

    Attributes:
        trained_on: "" if that is not known.
        train_id: the id of a training utterance that may be the clip, judged by its name; "" if there is none.
    """

    name: str
    trained_on: str
    train_id: str


def demo_page(
    clip: str,
    about: str,
    duration_s: float,
    rate: int,
    gaps: list[Gap],
    stretches: list[Stretch],
    scores: list[Score],
    models: list[ModelUsed],
) -> str:
    """The whole page as HTML.

    Args:
        clip: its name.
        about: a remark on the clip; "" for none.
        duration_s: of the whole clip, on which the scores are computed.
        rate: of all sounds, in Hz.
        gaps: in order, at times in the clip.
        scores: (version, STOI, PESQ); None if a metric has no value.
        models: in the order in which the page lists them.

    Raises:
        MediaError: the video cannot be written.
    """
    return render(
        "demo.html",
        clip=clip,
        about=about,
        duration_s=duration_s,
        gaps=gaps,
        stretches=[_template_values(stretch, rate, gaps) for stretch in stretches],
        rows=_score_rows(scores),
        models=models,
        version=__version__,
        plot=plots,
    )


def _template_values(stretch: Stretch, rate: int, gaps: list[Gap]) -> dict[str, object]:
    """The values of a stretch in the template."""
    length_s = len(stretch.sounds["original"]) / rate
    stop_s = stretch.start_s + length_s
    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        wav, film = Path(folder) / "sound.wav", Path(folder) / "film.webm"
        write_wav(wav, stretch.sounds["audio-visual"], rate)
        write_webm(film, stretch.images, wav)
        size, film_uri = video_info(film), data_uri("video/webm", film.read_bytes())
    return {
        "start_s": stretch.start_s,
        "stop_s": stop_s,
        "gaps": [gap for gap in gaps if gap.start_s < stop_s and gap.end_s > stretch.start_s],
        "film": film_uri,
        "width": size.width,
        "height": size.height,
        "versions": [
            {
                "name": name,
                "text": text,
                "picture": data_uri("image/webp", plots.spectrogram(stretch.sounds[name], rate, gaps, stretch.start_s)),
                "sound": sound_uri(stretch.sounds[name], rate),
            }
            for name, text in PLAYED.items()
        ],
    }


def _score_rows(scores: list[Score]) -> list[tuple[str, list[tuple[str | None, bool]]]]:
    """For each version its formatted values, and whether each is the best of its column."""
    texts = [[None if value is None else f"{value:.3f}" for value in values] for _, *values in scores]
    best = [max(filter(None, column), key=float, default=None) for column in zip(*texts, strict=True)]
    return [
        (name, [(text, text is not None and text == top) for text, top in zip(row, best, strict=True)])
        for (name, *_), row in zip(scores, texts, strict=True)
    ]
