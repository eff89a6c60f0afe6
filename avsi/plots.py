"""Pictures for people: a spectrogram with the gaps marked."""

from __future__ import annotations

import io

import numpy as np

from .data.gaps import Gap
from .video.overlay import GAP_COLOUR

# Where the plot lies in the picture, as shares of its width and height from the lower left: what a page needs to move
# something over it.
PLOT_LEFT, PLOT_BOTTOM, PLOT_WIDTH, PLOT_HEIGHT = 0.1, 0.14, 0.86, 0.8
WIDTH, HEIGHT, DPI = 1000, 440, 200
BACKGROUND, INK = "#15131d", "#d9d6e3"


def spectrogram(samples: np.ndarray, rate: int, gaps: list[Gap], start_s: float = 0.0, quality: int = 85) -> bytes:
    """A WebP picture of ``WIDTH`` x ``HEIGHT`` pixels: dB over time (s) and frequency (kHz), the gaps framed in green.

    Args:
        samples: shape (n_samples,), full scale 1.0.
        gaps: on the same clock as ``start_s``, the time of the first sample; what lies outside is not shown.
        quality: of the WebP, up to 100; 60 takes half the bytes of 85.
    """
    import torch
    from matplotlib.figure import Figure

    from .audio.stft import spectrum
    from .config import StftConfig

    stft = StftConfig(sample_rate=rate)
    magnitude = spectrum(torch.from_numpy(samples.astype(np.float32)), stft).abs().numpy().T
    stop_s, top_khz = start_s + len(samples) / rate, rate / 2000
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), facecolor=BACKGROUND)
    axes = figure.add_axes((PLOT_LEFT, PLOT_BOTTOM, PLOT_WIDTH, PLOT_HEIGHT))
    axes.imshow(
        20 * np.log10(magnitude + 1e-4),
        origin="lower",
        aspect="auto",
        extent=(start_s, stop_s, 0, top_khz),
        vmin=-60,
        vmax=35,
        cmap="magma",
    )
    for gap in gaps:
        axes.axvspan(gap.start_s, gap.end_s, fill=False, edgecolor=[part / 255 for part in GAP_COLOUR], linewidth=1.5)
    axes.set_xlim(start_s, stop_s)
    axes.set_yticks(np.arange(0, top_khz + 0.1, 2))
    axes.set_ylabel("kHz", color=INK)
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.tick_params(colors=INK, length=3)
    for side in axes.spines.values():
        side.set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="webp", dpi=DPI, pil_kwargs={"quality": quality})
    return picture.getvalue()
