"""Cut a hole into a clip, restore it without and with the face, and say how well that went."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from .audio.files import read_mono, write_wav
from .baselines import SpectralInterpolation
from .data.gaps import Gap, gap_spans, lost_samples
from .errors import AvsiWarning, MediaError
from .inpainting import Inpainter
from .metrics import UndefinedMetric, pesq_nb, stoi
from .plots import spectrogram_panels

RATE = 16000


def run_demo(clip: str | Path, gaps: list[Gap], folder: str | Path) -> list[tuple[str, float | None, float | None]]:
    """Write the damaged and restored versions of a clip as 16 kHz WAV, and ``spectrograms.png``, into a folder.

    Returns:
        (name, STOI, narrow-band PESQ as MOS-LQO) of each version against the clip itself; None where a metric has no
        value.

    Raises:
        MediaError, GapError: as :meth:`avsi.inpainting.Inpainter.inpaint`.
    """
    clip, folder = Path(clip), Path(folder)
    original = read_mono(clip, RATE)
    spans = gap_spans(gaps, len(original), RATE)
    damaged = np.where(lost_samples(spans, len(original)), 0, original).astype(np.float32)
    versions = {"damaged": damaged, "interpolated": Inpainter(SpectralInterpolation()).inpaint(damaged, RATE, gaps)}
    versions["audio-only"] = Inpainter.from_pretrained("a").inpaint(damaged, RATE, gaps)
    with warnings.catch_warnings():
        # Here the audio-only version stands beside it anyway.
        warnings.simplefilter("error", AvsiWarning)
        try:
            versions["audio-visual"] = Inpainter.from_pretrained("av").inpaint(damaged, RATE, gaps, clip)
        except AvsiWarning as reason:
            raise MediaError(f"{clip}: the demo compares with a model that sees the face, but {reason}") from None
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in {**versions, "original": original}.items():
        write_wav(folder / f"{name}.wav", samples, RATE)
    spectrogram_panels({**versions, "original": original}, RATE, gaps, folder / "spectrograms.png")
    return [
        (name, _or_none(stoi, original, samples), _or_none(pesq_nb, original, samples))
        for name, samples in versions.items()
    ]


def _or_none(metric, clean: np.ndarray, restored: np.ndarray) -> float | None:
    try:
        return metric(clean, restored, RATE)
    except UndefinedMetric:
        return None
