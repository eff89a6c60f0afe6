"""What the networks that restore a spectrum have in common, however they look inside."""

import copy
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..audio.phase import keep_reliable
from ..data.said import unknown_phones
from ..errors import ModelError
from .normalised import NormalisedModel

GATE_BIAS = -2.0  # at first, an eighth of the spectrum is the interpolated one


class SpectrumInpainter(NormalisedModel):
    """A network that predicts the lost frames of a log-magnitude spectrogram. Inputs and outputs are natural log
    magnitudes.

    Attributes:
        to_phones: of a multi-task model alone (``model.ctc``): from what :meth:`encode` gives to phones.
        voices_by: of a model that is told the voice (``model.voice``), the digest of the weights of the speaker encoder
            whose vectors it was trained with.
    """

    to_phones: nn.Linear
    voices_by = ""

    def forward(
        self,
        log_spectrum: Tensor,
        visual: Tensor,
        lost: Tensor,
        lengths: Tensor | None = None,
        said: Tensor | None = None,
        voice: Tensor | None = None,
    ) -> Tensor:
        """Predict the log magnitudes of every frame from the frames that are not lost.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN where no face is seen.
            lost: bool, shape (batch, n_frames).
            lengths: number of frames of each utterance; None if there is no padding.
            said: what is said, shape (batch, n_frames, 3), as of :func:`avsi.data.said.phones_at`; None where nothing
                is known of it.
            voice: whose voice is heard, shape (batch, n_values), NaN where that is not known; None where it is not
                known of any. Of a model that is not told that, it is not read.

        Returns:
            Natural log magnitude, shape (batch, n_frames, n_bins); what it holds for reliable frames means nothing.
        """
        normalised, mean, std = self.normalise(log_spectrum, lost, lengths)
        hidden = self.encode(normalised, visual, lost, lengths, said, voice)
        return self.decode(hidden, normalised, lost, lengths) * std + mean

    def encode(
        self,
        normalised: Tensor,
        visual: Tensor,
        lost: Tensor,
        lengths: Tensor | None = None,
        said: Tensor | None = None,
        voice: Tensor | None = None,
    ) -> Tensor:
        """What :meth:`decode` needs; arguments as of :meth:`forward`, the spectrum from :meth:`normalise`."""
        raise NotImplementedError

    def decode(self, hidden: Tensor, normalised: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalised log magnitudes, shape (batch, n_frames, n_bins), from what :meth:`encode` gives."""
        raise NotImplementedError

    def without_face(self) -> Self:
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
        part = type(self)(config, phones=self.phones)
        no_statistics = {"visual_mean": part.visual_mean, "visual_std": part.visual_std}
        part.load_state_dict(self.drop_face(self.state_dict()) | no_statistics)
        part.voices_by = self.voices_by
        return part.to(self.audio_mean.device).train(self.training)

    def drop_face(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The model's weights without those that only the face needs."""
        raise NotImplementedError

    def restore_spectrum(
        self, log_spectrum: Tensor, visual: Tensor, lost: Tensor, voices: Tensor | None = None
    ) -> Tensor:
        """Predict the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins); ignored where ``lost``.
            visual: shape (n_frames, n_visual).
            lost: bool, shape (n_frames,).
            voices: of the channels, shape (n_channels, n_values), as of :meth:`.MaskedBLSTM.encode`.

        Returns:
            Natural log magnitude, same shape as ``log_spectrum``: reliable frames unchanged, lost ones predicted.
        """
        voices = log_spectrum.new_zeros(len(log_spectrum), 0) if voices is None else voices
        return self.restore_spectra([(log_spectrum, visual, lost, unknown_phones(len(lost)), voices)])[0]

    @torch.inference_mode()
    def restore_spectra(self, recordings: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]) -> list[Tensor]:
        """Predict the lost frames of several recordings in one batch, padded to the longest: for each (log_spectrum,
        visual, lost, said, voices) what :meth:`restore_spectrum` gives of it; ``said`` has the shape (n_frames, 3), as
        of :func:`avsi.data.said.phones_at`, ``voices`` (n_channels, n_values), as of :meth:`.MaskedBLSTM.encode`.
        """
        rows = [
            (channel, visual, lost, said, voice)
            for log_spectrum, visual, lost, said, voices in recordings
            for channel, voice in zip(log_spectrum, voices, strict=True)
        ]
        device = self.audio_mean.device
        padded = (pad_sequence(list(column), batch_first=True).to(device) for column in zip(*rows, strict=True))
        log_spectra, visuals, losts, saids, voices = padded
        lengths = torch.tensor([len(lost) for _, _, lost, *_ in rows], device=device)
        predicted = self(log_spectra, visuals, losts, lengths, saids, voices).cpu()
        by_recording = predicted.split([len(log_spectrum) for log_spectrum, *_ in recordings])
        return [
            keep_reliable(log_spectrum, frames[:, : len(lost)], lost)
            for (log_spectrum, _, lost, *_), frames in zip(recordings, by_recording, strict=True)
        ]
