"""The BLSTM that predicts the lost log spectrum from the reliable one and the face."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..audio.phase import keep_reliable
from ..config import Config
from ..data.stats import Stats
from ..video.motion import n_features


class BLSTMInpainter(nn.Module):
    """Stacked BLSTM layers and a linear layer (Morrone et al., 2021, section 2); audio, video or both by its config.

    It takes and gives natural log magnitudes; the normalisation by training-set statistics is part of it, so that
    weights and statistics travel together.
    """

    def __init__(self, config: Config, stats: Stats | None = None) -> None:
        """Without ``stats`` the normalisation is the identity, to be loaded with the weights."""
        super().__init__()
        self.config = config
        n_bins, n_visual = config.stft.n_bins, n_features(config.visual) if config.model.video else 0
        for name, size in (("audio", n_bins), ("visual", n_visual)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))
        if stats is not None:
            for name, buffer in self.named_buffers():
                if len(buffer):
                    buffer.copy_(torch.from_numpy(getattr(stats, name)))
        self.blstm = nn.LSTM(
            n_bins * config.model.audio + n_visual,
            config.model.hidden,
            config.model.layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.model.dropout,
        )
        self.to_spectrum = nn.Linear(2 * config.model.hidden, n_bins)

    def normalise(self, log_spectrum: Tensor) -> Tensor:
        """Natural log magnitude -> units of the training set's standard deviation, per bin."""
        return (log_spectrum - self.audio_mean) / self.audio_std

    def denormalise(self, normalised: Tensor) -> Tensor:
        return normalised * self.audio_std + self.audio_mean

    def forward(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Predict the normalised log spectrum of every frame, from the frames that are not lost.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN, where no face is known, counts as the training mean.
            lost: bool, shape (batch, n_frames).
            lengths: frames of each utterance on the CPU; None where all fill the batch.

        Returns:
            Shape (batch, n_frames, n_bins), in units of the training deviation; reliable frames too are predictions.
        """
        inputs = []
        if self.config.model.audio:
            inputs.append(self.normalise(log_spectrum).masked_fill(lost[..., None], 0))
        if self.config.model.video:
            inputs.append(((visual - self.visual_mean) / self.visual_std).nan_to_num())
        hidden = torch.cat(inputs, dim=-1)
        if lengths is None or int(lengths.min()) == hidden.shape[1]:
            return self.to_spectrum(self.blstm(hidden)[0])
        # Padding must not reach the backward direction; packing is slower, so only where lengths differ.
        packed = nn.utils.rnn.pack_padded_sequence(hidden, lengths.cpu(), batch_first=True, enforce_sorted=False)
        unpacked, _ = nn.utils.rnn.pad_packed_sequence(
            self.blstm(packed)[0], batch_first=True, total_length=hidden.shape[1]
        )
        return self.to_spectrum(unpacked)

    @torch.inference_mode()
    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """Predict the lost frames of one recording.

        Args:
            log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins); ignored where ``lost``.
            visual: shape (n_frames, n_visual).
            lost: bool, shape (n_frames,).

        Returns:
            Natural log magnitude, same shape as ``log_spectrum``: reliable frames as they are, lost ones predicted.
        """
        channels = len(log_spectrum)
        predicted = self(log_spectrum, visual.expand(channels, -1, -1), lost.expand(channels, -1))
        return keep_reliable(log_spectrum, self.denormalise(predicted), lost)
