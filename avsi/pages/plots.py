"""Plots: a spectrogram with its gaps marked, and several versions of a clip one below the other."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ..config import StftConfig
from ..data.gaps import Gap
from ..timebase import to_seconds
from .overlay import GAP_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Position of the plot as shares of the picture's width and height from the lower left; pages move a cursor over it.
PLOT_LEFT, PLOT_BOTTOM, PLOT_WIDTH, PLOT_HEIGHT = 0.1, 0.14, 0.86, 0.8
WIDTH, HEIGHT, DPI = 1000, 440, 200
BACKGROUND, INK = "#15131d", "#d9d6e3"
LOWEST_DB, HIGHEST_DB = -60, 35  # the range of the colours
PANEL_HEIGHT = 200
Extent = tuple[float, float, float, float]  # first and last second, lowest and highest value of the other axis


def spectrogram(samples: np.ndarray, rate: int, gaps: list[Gap], start_s: float = 0.0, quality: int = 85) -> bytes:
    """A WebP picture of ``WIDTH`` x ``HEIGHT`` pixels: dB over time (s) and frequency (kHz), gaps outlined in green.

    Args:
        samples: shape (n_samples,), full scale 1.0.
        gaps: at times on the same clock as ``start_s``; those outside the samples are not shown.
        start_s: the time of the first sample.
        quality: of the WebP, up to 100; 60 takes half the bytes of 85.
    """
    import torch
    from matplotlib.figure import Figure

    from ..audio.stft import spectrum

    stft = StftConfig(sample_rate=rate)
    magnitude = spectrum(torch.from_numpy(samples.astype(np.float32)), stft).abs().numpy().T
    stop_s, top_khz = start_s + len(samples) / rate, rate / 2000
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), facecolor=BACKGROUND)
    axes = figure.add_axes((PLOT_LEFT, PLOT_BOTTOM, PLOT_WIDTH, PLOT_HEIGHT))
    _show(axes, 20 * np.log10(magnitude + 1e-4), (start_s, stop_s, 0, top_khz), (LOWEST_DB, HIGHEST_DB), "magma")
    for gap in gaps:
        axes.axvspan(gap.start_s, gap.end_s, fill=False, edgecolor=[part / 255 for part in GAP_COLOUR], linewidth=1.5)
    axes.set_xlim(start_s, stop_s)
    axes.set_yticks(np.arange(0, top_khz + 0.1, 2))
    axes.set_ylabel("kHz", color=INK)
    axes.tick_params(length=3)
    picture = io.BytesIO()
    figure.savefig(picture, format="webp", dpi=DPI, pil_kwargs={"quality": quality})
    return picture.getvalue()


def stacked_spectrograms(panels: dict[str, tuple[np.ndarray, np.ndarray]], stft: StftConfig) -> bytes:
    """A PNG picture of versions of a clip, one below the other: spectrograms, and beside them the visual features.

    Args:
        panels: by name (natural log magnitude of shape (n_frames, n_bins), visual features of shape (n_frames,
            n_visual)). With n_visual 0 there are no features. They are in units of the first version's standard
            deviations, and grey where they are NaN.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    visual = next(iter(panels.values()))[1]
    seen = visual[~np.isnan(visual).any(axis=1)]
    deviation = np.maximum(seen.std(axis=0), 1e-6) if len(seen) else 1.0
    columns = 1 + bool(visual.shape[1])
    size = (columns * WIDTH / DPI, len(panels) * PANEL_HEIGHT / DPI + 0.4)
    figure = Figure(figsize=size, facecolor=BACKGROUND, layout="constrained")
    grid = figure.subplots(len(panels), columns, sharex=True, squeeze=False)
    feature_colours = colormaps["coolwarm"].with_extremes(bad="#77747f")
    for row, (name, (log_magnitude, features)) in zip(grid, panels.items(), strict=True):
        stop_s = to_seconds(len(log_magnitude) * stft.hop_samples, stft.sample_rate)
        images: list[tuple[np.ndarray, float, tuple[int, int], str | Colormap]] = [
            (20 / np.log(10) * log_magnitude.T, stft.sample_rate / 2000, (LOWEST_DB, HIGHEST_DB), "magma")
        ]
        if columns == 2:
            images.append(((features / deviation).T, features.shape[1], (-3, 3), feature_colours))
        for axes, (image, top, limits, colours), unit in zip(row, images, (f"{name}\nkHz", "feature"), strict=False):
            _show(axes, image, (0, stop_s, 0, top), limits, colours)
            axes.set_ylabel(unit, color=INK, fontsize=5)
            axes.tick_params(length=2, labelsize=5)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    return picture.getvalue()


def _show(axes: Axes, image: np.ndarray, extent: Extent, limits: tuple[float, float], colours: str | Colormap) -> None:
    """An image from below over seconds, without a frame; ``limits`` are the values of the first and last colour."""
    axes.imshow(image, origin="lower", aspect="auto", extent=extent, vmin=limits[0], vmax=limits[1], cmap=colours)
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.tick_params(colors=INK)
    for side in axes.spines.values():
        side.set_visible(False)
