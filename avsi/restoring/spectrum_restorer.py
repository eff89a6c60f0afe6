"""What can restore the spectrum of a recording: a model, a baseline, or one of a user's own."""

from typing import Protocol

import torch

from ..config import Config


class SpectrumRestorer(Protocol):
    """What an :class:`Inpainter` asks of a model. One that restores several recordings in one run has a method
    ``restore_spectra`` too, as :class:`avsi.models.spectrum_inpainter.SpectrumInpainter`.

    Attributes:
        config: its section ``stft`` says on which spectrogram it works, ``model.video`` whether it needs a face, and
            ``visual`` of which features.
    """

    config: Config

    def restore_spectrum(self, log_spectrum: torch.Tensor, visual: torch.Tensor, lost: torch.Tensor) -> torch.Tensor:
        """Predict the lost frames of one recording.

        Args:
            log_spectrum: natural log magnitude on the CPU, shape (n_channels, n_frames, n_bins); to be ignored where
                ``lost``.
            visual: shape (n_frames, n_visual); no features where ``config.model.video`` is false.
            lost: bool, shape (n_frames,).

        Returns:
            Natural log magnitude on the CPU, same shape as ``log_spectrum``; only its lost frames are taken.
        """


Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def restore_spectra(model: SpectrumRestorer | None, recordings: list[Inputs]) -> list[torch.Tensor]:
    """What a model makes of several recordings, in one run if it can; none without a model.

    Args:
        recordings: of each (log_spectrum, visual, lost) as of :meth:`SpectrumRestorer.restore_spectrum`, and what is
            said in its frames and whose voices are heard, which only a network is told.
    """
    if model is None or not recordings:
        return []
    if hasattr(model, "restore_spectra"):
        return model.restore_spectra(recordings)
    return [model.restore_spectrum(*inputs) for *inputs, _, _ in recordings]
