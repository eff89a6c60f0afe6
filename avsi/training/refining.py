"""What a refiner learns from: what another model restored, and the true sound, around the lost frames."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..audio.phase import keep_reliable
from ..audio.pitch import contour_of, track_pitch
from ..config import Config
from ..data.datadir import Utterance
from ..data.features import Features
from ..data.phones import Lexicon
from ..media.sound_reading import read_mono
from ..models.spectrum_inpainter import SpectrumInpainter
from .dataset import Batch, InpaintingData

WINDOW_FRAMES = 128  # of each utterance, those where most is lost: elsewhere a refiner changes nothing


class Window(NamedTuple):
    """Some successive frames of each utterance of a batch.

    Attributes:
        at: int64, shape (batch, n_frames): which.
        lengths: int64, shape (batch,): how many of them are no padding.
    """

    at: Tensor
    lengths: Tensor

    def of(self, frames: Tensor) -> Tensor:
        """Those of ``frames``, of shape (batch, any number, ...)."""
        return torch.stack([each[at] for each, at in zip(frames, self.at, strict=True)])


class RefiningData(InpaintingData):
    """As :class:`InpaintingData` for the model that is refined, and also the pitch for a refiner that asks for it. In
    training that is the true one, also where it is lost: which it was cannot be told from what is heard.
    """

    def __init__(
        self,
        datadir: str | Path,
        config: Config,
        gap_file: str | Path | None,
        lexicon: Lexicon | None,
        with_pitch: bool,
        augmented: bool = False,
    ) -> None:
        """``config`` is that of the model that is refined; errors as of :class:`InpaintingData`."""
        super().__init__(datadir, config, gap_file, lexicon, augmented)
        self._with_pitch = with_pitch

    def _load(self, utterance: Utterance) -> Features:
        features, stft = super()._load(utterance), self.config.stft
        if not self._with_pitch:
            return features
        samples = read_mono(utterance.wav, stft.sample_rate)
        contour = contour_of(track_pitch(samples, stft, len(features.log_spectrum)))
        return features._replace(contour=torch.from_numpy(contour.astype("float32")))

    def _made_by(self) -> list[object]:
        return [*super()._made_by(), "contour"] if self._with_pitch else super()._made_by()


@torch.no_grad()
def restored_by(restorer: SpectrumInpainter, batch: Batch) -> Tensor:
    """The spectra of a batch as a trained model restores them, shape (batch, n_frames, n_bins)."""
    restorer.to(batch.log_spectrum.device)
    restored = restorer(batch.log_spectrum, batch.visual, batch.lost, batch.lengths, batch.said, batch.voice)
    return keep_reliable(batch.log_spectrum, restored, batch.lost)


def most_lost(lost: Tensor, lengths: Tensor) -> Window:
    """The window of each utterance in which most frames are lost; of several such windows that in their middle.

    Args:
        lost: bool, shape (batch, n_frames).
        lengths: int64, shape (batch,): frames that are no padding.
    """
    n_frames = min(WINDOW_FRAMES, lost.shape[1])
    counts = pad(lost.long().cumsum(dim=1), (1, 0))
    within = counts[:, n_frames:] - counts[:, :-n_frames]  # of the window that starts at each frame
    starts = torch.arange(within.shape[1], device=lost.device)
    best = within.masked_fill(starts > (lengths - n_frames)[:, None].clamp_min(0), -1)
    is_best = best == best.amax(dim=1, keepdim=True)
    order = is_best.long().cumsum(dim=1) * is_best
    middle = (is_best.sum(dim=1, keepdim=True) + 1) // 2
    start = (order == middle).long().argmax(dim=1)
    return Window(start[:, None] + torch.arange(n_frames, device=lost.device), (lengths - start).clamp_max(n_frames))
