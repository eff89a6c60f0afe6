"""The BLSTM that predicts the lost log spectrum from the reliable one and the face."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..audio.phase import keep_reliable
from ..config import Config
from ..data.stats import Stats
from ..timebase import to_frames
from ..video.motion import n_features
from .blstm import make_blstm, run_blstm


class BLSTMInpainter(nn.Module):
    """Stacked BLSTM layers and a linear layer (Morrone et al., 2021, section 2); audio, video or both by its config.

    It takes and gives natural log magnitudes; the normalisation by training-set statistics is part of it, so that
    weights and statistics travel together. A multi-task model (``model.ctc``) has a second linear layer,
    ``to_phones``, from which the restored spectrum does not depend.

    Attributes:
        phones: the inventory of a multi-task model, else empty; label 0 is the blank, label 1 ``phones[0]``.
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, to be loaded with the weights."""
        super().__init__()
        self.config, self.phones = config, phones
        n_bins, n_visual = config.stft.n_bins, n_features(config.visual) if config.model.video else 0
        for name, size in (("audio", n_bins), ("visual", n_visual)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))
        if stats is not None:
            for name, buffer in self.named_buffers():
                if len(buffer):
                    buffer.copy_(torch.from_numpy(getattr(stats, name)))
        self.blstm = make_blstm(n_bins * config.model.audio + n_visual + config.model.mask, config.model)
        self.to_spectrum = nn.Linear(2 * config.model.hidden, n_bins)
        if config.model.ctc:
            self.to_phones = nn.Linear(2 * config.model.hidden, 1 + len(phones))

    def normalise(
        self, log_spectrum: Tensor, lost: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Natural log magnitudes in units of a standard deviation per bin, from a mean per bin.

        With ``model.normalise: utterance`` the mean is that of the recording's own reliable frames, so that neither its
        level nor a fixed filter counts, and the deviation the geometric mean of theirs and the training set's. Where
        too little is reliable, both are the training set's, but for the level.

        A recording may have longer and quieter pauses than GRID's clips, which would pull the mean down and be unlike
        anything learnt. So the deepest pauses are heard as of a certain depth; digital silence, such as an edit
        leaves, and more than some seconds of pauses do not count for the mean. How much is said by the config's section
        ``normalise``: by default all but little of GRID's clips stays as it is.

        Args:
            log_spectrum, lost, lengths: as of :meth:`forward`.

        Returns:
            The normalised spectrum, shape (batch, n_frames, n_bins), and mean and deviation, each of shape
            (batch, 1, n_bins), or (n_bins,) with ``model.normalise: corpus``.
        """
        if self.config.model.normalise == "corpus":
            return (log_spectrum - self.audio_mean) / self.audio_std, self.audio_mean, self.audio_std
        reliable = ~lost
        if lengths is not None:
            reliable = reliable & (torch.arange(lost.shape[1], device=lost.device) < lengths[:, None])
        stft, limits = self.config.stft, self.config.normalise
        floor = math.log(stft.log_floor)
        level = log_spectrum.mean(dim=-1)
        n_loudest = min(to_frames(limits.loudest_s, stft), level.shape[1])
        loud = level.masked_fill(~reliable, floor).topk(n_loudest, dim=1).values[:, -1:]
        depth = (loud - level).masked_fill(~reliable, 0)
        lifted = log_spectrum + (depth - limits.deepest_nats).clamp_min(0)[..., None]
        reliable = reliable & (log_spectrum > floor + limits.silence_nats).any(dim=-1)
        count = reliable.sum(dim=1)[:, None, None]
        pause = reliable & (depth > limits.pause_nats)
        of_pauses = (to_frames(limits.max_pauses_s, stft) / pause.sum(dim=1, keepdim=True)).clamp_max(1)
        weight = torch.where(pause, of_pauses, reliable.to(level.dtype))[..., None]
        weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1)
        mean = (lifted * weight).sum(dim=1, keepdim=True)
        variance = ((lifted - mean).square() * weight).sum(dim=1, keepdim=True)
        enough = count * stft.hop_samples >= limits.min_reliable_s * stft.sample_rate
        std = (variance.sqrt().clamp_min(limits.min_deviation * self.audio_std) * self.audio_std).sqrt()
        louder = (mean - self.audio_mean).mean(dim=-1, keepdim=True).masked_fill(count == 0, 0)
        mean, std = torch.where(enough, mean, self.audio_mean + louder), torch.where(enough, std, self.audio_std)
        return (lifted - mean) / std, mean, std

    def forward(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Predict the log spectrum of every frame, from the frames that are not lost.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN, where no face is known, counts as the training mean.
            lost: bool, shape (batch, n_frames).
            lengths: frames of each utterance; None where all fill the batch.

        Returns:
            Natural log magnitude, shape (batch, n_frames, n_bins); reliable frames too are predictions.
        """
        normalised, mean, std = self.normalise(log_spectrum, lost, lengths)
        hidden = self.encode(normalised, visual, lost, lengths)
        return self.to_spectrum(hidden) * std + mean

    def encode(self, normalised: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What the linear layers work on, shape (batch, n_frames, 2 * hidden).

        Args:
            normalised: log spectrum by :meth:`normalise`, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual, lost, lengths: as of :meth:`forward`.
        """
        inputs = []
        if self.config.model.audio:
            inputs.append(normalised.masked_fill(lost[..., None], 0))
        if self.config.model.video:
            inputs.append(((visual - self.visual_mean) / self.visual_std).nan_to_num())
        if self.config.model.mask:
            inputs.append(lost[..., None].to(normalised.dtype))
        return run_blstm(self.blstm, torch.cat(inputs, dim=-1), lengths)

    def restore_spectrum(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor) -> Tensor:
        """Predict the lost frames of one recording, wherever the model computes.

        Args:
            log_spectrum: natural log magnitude, shape (n_channels, n_frames, n_bins); ignored where ``lost``.
            visual: shape (n_frames, n_visual).
            lost: bool, shape (n_frames,).

        Returns:
            Natural log magnitude, same shape as ``log_spectrum``: reliable frames as they are, lost ones predicted.
        """
        return self.restore_spectra([(log_spectrum, visual, lost)])[0]

    @torch.inference_mode()
    def restore_spectra(self, recordings: list[tuple[Tensor, Tensor, Tensor]]) -> list[Tensor]:
        """Predict the lost frames of several recordings in one batch, padded to the longest: for each (log_spectrum,
        visual, lost) what :meth:`restore_spectrum` gives of it.
        """
        rows = [
            (channel, visual, lost, torch.tensor(len(lost)))
            for log_spectrum, visual, lost in recordings
            for channel in log_spectrum
        ]
        *padded, lengths = zip(*rows, strict=True)
        inputs = [*(pad_sequence(column, batch_first=True) for column in padded), torch.stack(lengths)]
        predicted = self(*(each.to(self.audio_mean.device) for each in inputs)).cpu()
        by_recording = predicted.split([len(log_spectrum) for log_spectrum, *_ in recordings])
        return [
            keep_reliable(log_spectrum, frames[:, : len(lost)], lost)
            for (log_spectrum, _, lost), frames in zip(recordings, by_recording, strict=True)
        ]
