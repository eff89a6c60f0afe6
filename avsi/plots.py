"""Pictures for people: spectrograms with the gaps marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data.gaps import Gap
from .files import written_beside


def spectrogram_panels(signals: dict[str, np.ndarray], rate: int, gaps: list[Gap], path: str | Path) -> None:
    """Write a PNG with one spectrogram (dB, 0 to 8 kHz at most) below the other, on one time axis, the gaps framed.

    Args:
        signals: title -> samples of shape (n_samples,), full scale 1.0.
    """
    import torch
    from matplotlib.figure import Figure

    from .audio.stft import spectrum
    from .config import StftConfig

    stft = StftConfig(sample_rate=rate)
    figure = Figure(figsize=(9, 1.9 * len(signals) + 0.4), layout="constrained")
    axes = figure.subplots(len(signals), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, samples) in zip(axes, signals.items(), strict=True):
        power = spectrum(torch.from_numpy(samples.astype(np.float32)), stft).abs().numpy().T
        axis.imshow(
            20 * np.log10(power + 1e-4),
            origin="lower",
            aspect="auto",
            extent=(0, len(samples) / rate, 0, rate / 2000),
            vmin=-60,
            vmax=35,
            cmap="magma",
        )
        for gap in gaps:
            axis.axvspan(gap.start_s, gap.end_s, fill=False, edgecolor="cyan", linewidth=1.2)
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_ylabel("kHz")
    axes[-1].set_xlabel("s")
    with written_beside(path) as partial:
        figure.savefig(partial, dpi=110)
