"""The BLSTM that predicts lost frames of a log-magnitude spectrogram from the reliable ones and the face."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..audio.interpolation import interpolate_lost
from ..audio.phase import keep_reliable
from ..config import Config
from ..data.said import unknown_phones
from ..data.stats import Stats
from ..errors import ModelError
from .masked_blstm import MaskedBLSTM

GATE_BIAS = -2.0  # at first, an eighth of the spectrum is the interpolated one


class BLSTMInpainter(MaskedBLSTM):
    """Stacked BLSTM layers and a linear layer (Morrone et al., 2021, section 2), with audio, video or both as input.

    Inputs and outputs are natural log magnitudes. A multi-task model (``model.ctc``) has a second linear layer,
    ``to_phones``, which does not affect the restored spectrum.

    Attributes:
        phones: the inventory of a multi-task model, else empty; label 0 is the blank, label 1 ``phones[0]``.
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        super().__init__(config, stats, phones)
        n_bins = config.stft.n_bins
        self.to_spectrum = nn.Linear(2 * config.model.hidden, n_bins)
        if config.model.gate:
            self.to_gate = nn.Linear(2 * config.model.hidden, n_bins)
            nn.init.zeros_(self.to_gate.weight)
            nn.init.constant_(self.to_gate.bias, GATE_BIAS)
        if config.model.ctc:
            self.to_phones = nn.Linear(2 * config.model.hidden, 1 + len(phones))

    def forward(
        self,
        log_spectrum: Tensor,
        visual: Tensor,
        lost: Tensor,
        lengths: Tensor | None = None,
        said: Tensor | None = None,
    ) -> Tensor:
        """Predict the log magnitudes of every frame from the frames that are not lost.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN (no face) is replaced by the training mean.
            lost: bool, shape (batch, n_frames).
            lengths: number of frames of each utterance; None if there is no padding.
            said: as in :meth:`encode`.

        Returns:
            Natural log magnitude, shape (batch, n_frames, n_bins); predictions for the reliable frames too.
        """
        normalised, mean, std = self.normalise(log_spectrum, lost, lengths)
        hidden = self.encode(normalised, visual, lost, lengths, said)
        return self.decode(hidden, normalised, lost, lengths) * std + mean

    def decode(self, hidden: Tensor, normalised: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalised log magnitudes, shape (batch, n_frames, n_bins), from what :meth:`encode` gives.

        A model with ``model.gate`` mixes its own prediction with the interpolated spectrum: near the edges of a gap the
        latter is hard to better, and the gate learns where.

        Args:
            normalised, lost, lengths: as in :meth:`encode`.
        """
        predicted = self.to_spectrum(hidden)
        if not self.config.model.gate:
            return predicted
        between = interpolate_lost(normalised, lost, lengths)
        return torch.lerp(predicted, between, self.to_gate(hidden).sigmoid())

    def without_face(self) -> "BLSTMInpainter":
        """The part of an audio-visual model that restores where no face is seen: an audio-only model, which predicts
        what this one does where all visual features are NaN. Worth having of a model of sound and face that was trained
        on hidden faces.

        Raises:
            ModelError: a model of sound alone, or of the face alone.
        """
        if not (self.config.model.audio and self.config.model.video):
            raise ModelError("only a model of sound and face has a part that needs no face")
        config = copy.deepcopy(self.config)
        config.model.video = False
        part = BLSTMInpainter(config, phones=self.phones)
        n_bins, n_visual = len(self.audio_mean), len(self.visual_mean)
        weights = self.state_dict()
        for name in ("blstm.weight_ih_l0", "blstm.weight_ih_l0_reverse"):
            columns = weights[name]
            weights[name] = torch.cat([columns[:, :n_bins], columns[:, n_bins + n_visual :]], dim=1)
        weights |= {"visual_mean": part.visual_mean, "visual_std": part.visual_std}
        part.load_state_dict(weights)
        return part.to(self.audio_mean.device).train(self.training)

    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """Predict the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins); ignored where ``lost``.
            visual: shape (n_frames, n_visual).
            lost: bool, shape (n_frames,).

        Returns:
            Natural log magnitude, same shape as ``log_spectrum``: reliable frames unchanged, lost ones predicted.
        """
        return self.restore_spectra([(log_spectrum, visual, lost, unknown_phones(len(lost)))])[0]

    @torch.inference_mode()
    def restore_spectra(self, recordings: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> list[Tensor]:
        """Predict the lost frames of several recordings in one batch, padded to the longest: for each (log_spectrum,
        visual, lost, said) what :meth:`restore_spectrum` gives of it; ``said`` has the shape (n_frames, 3), as of
        :func:`avsi.data.said.phones_at`.
        """
        rows = [
            (channel, visual, lost, said) for log_spectrum, visual, lost, said in recordings for channel in log_spectrum
        ]
        device = self.audio_mean.device
        padded = (pad_sequence(list(column), batch_first=True).to(device) for column in zip(*rows, strict=True))
        log_spectra, visuals, losts, saids = padded
        lengths = torch.tensor([len(lost) for _, _, lost, _ in rows], device=device)
        predicted = self(log_spectra, visuals, losts, lengths, saids).cpu()
        by_recording = predicted.split([len(log_spectrum) for log_spectrum, *_ in recordings])
        return [
            keep_reliable(log_spectrum, frames[:, : len(lost)], lost)
            for (log_spectrum, _, lost, _), frames in zip(recordings, by_recording, strict=True)
        ]
