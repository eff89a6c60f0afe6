"""The BLSTM that predicts lost frames of a log-magnitude spectrogram from the reliable ones and the face."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..audio.activity import level_below_speech
from ..audio.interpolation import interpolate_lost
from ..audio.phase import keep_reliable
from ..config import Config
from ..data.stats import Stats
from ..errors import ModelError
from ..timebase import to_frames
from ..video.motion import n_features
from .blstm import make_blstm, run_blstm

GATE_BIAS = -2.0  # at first, an eighth of the spectrum is the interpolated one


class BLSTMInpainter(nn.Module):
    """Stacked BLSTM layers and a linear layer (Morrone et al., 2021, section 2), with audio, video or both as input.

    Inputs and outputs are natural log magnitudes. The model holds the statistics of the training set and normalises by
    them, so that they are saved with the weights. A multi-task model (``model.ctc``) has a second linear layer,
    ``to_phones``, which does not affect the restored spectrum.

    Attributes:
        phones: the inventory of a multi-task model, else empty; label 0 is the blank, label 1 ``phones[0]``.
    """

    audio_mean: Tensor
    audio_std: Tensor
    visual_mean: Tensor
    visual_std: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
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
        if config.model.gate:
            self.to_gate = nn.Linear(2 * config.model.hidden, n_bins)
            nn.init.zeros_(self.to_gate.weight)
            nn.init.constant_(self.to_gate.bias, GATE_BIAS)
        if config.model.ctc:
            self.to_phones = nn.Linear(2 * config.model.hidden, 1 + len(phones))

    def normalise(
        self, log_spectrum: Tensor, lost: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalise natural log magnitudes by a mean and a standard deviation per bin.

        With ``model.normalise: corpus`` both are those of the training set. With ``utterance`` the mean is that of the
        recording's reliable frames, which removes its level and any fixed filter, and the deviation is the geometric
        mean of theirs and the training set's. With too few reliable frames both are the training set's, shifted to the
        recording's level.

        Longer and quieter pauses than in the training set would lower the mean and be unlike all training data. So
        levels far below that of speech are raised to a lowest one, and digital silence and pauses beyond some seconds
        do not count towards the mean. The limits are the config's section ``normalise``; with the defaults hardly
        anything in GRID's clips is affected.

        Args:
            log_spectrum, lost, lengths: as in :meth:`forward`.

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
        depth = level_below_speech(level, reliable, stft, limits, floor)
        raised = log_spectrum + (depth - limits.deepest_nats).clamp_min(0)[..., None]
        reliable = reliable & (log_spectrum > floor + limits.silence_nats).any(dim=-1)
        count = reliable.sum(dim=1)[:, None, None]
        pause = reliable & (depth > limits.pause_nats)
        pause_weight = (to_frames(limits.max_pauses_s, stft) / pause.sum(dim=1, keepdim=True)).clamp_max(1)
        weight = torch.where(pause, pause_weight, reliable.to(level.dtype))[..., None]
        weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1)
        mean = (raised * weight).sum(dim=1, keepdim=True)
        variance = ((raised - mean).square() * weight).sum(dim=1, keepdim=True)
        enough = count * stft.hop_samples >= limits.min_reliable_s * stft.sample_rate
        std = (variance.sqrt().clamp_min(limits.min_deviation * self.audio_std) * self.audio_std).sqrt()
        level_shift = (mean - self.audio_mean).mean(dim=-1, keepdim=True).masked_fill(count == 0, 0)
        mean, std = torch.where(enough, mean, self.audio_mean + level_shift), torch.where(enough, std, self.audio_std)
        return (raised - mean) / std, mean, std

    def forward(self, log_spectrum: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Predict the log magnitudes of every frame from the frames that are not lost.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN (no face) is replaced by the training mean.
            lost: bool, shape (batch, n_frames).
            lengths: number of frames of each utterance; None if there is no padding.

        Returns:
            Natural log magnitude, shape (batch, n_frames, n_bins); predictions for the reliable frames too.
        """
        normalised, mean, std = self.normalise(log_spectrum, lost, lengths)
        hidden = self.encode(normalised, visual, lost, lengths)
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

    def encode(self, normalised: Tensor, visual: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The input of the linear layers, shape (batch, n_frames, 2 * hidden).

        Args:
            normalised: log magnitudes from :meth:`normalise`, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual, lost, lengths: as in :meth:`forward`.
        """
        inputs = []
        if self.config.model.audio:
            inputs.append(normalised.masked_fill(lost[..., None], 0))
        if self.config.model.video:
            inputs.append(((visual - self.visual_mean) / self.visual_std).nan_to_num())
        if self.config.model.mask:
            inputs.append(lost[..., None].to(normalised.dtype))
        return run_blstm(self.blstm, torch.cat(inputs, dim=-1), lengths)

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
        inputs = [*(pad_sequence(list(column), batch_first=True) for column in padded), torch.stack(lengths)]
        predicted = self(*(each.to(self.audio_mean.device) for each in inputs)).cpu()
        by_recording = predicted.split([len(log_spectrum) for log_spectrum, *_ in recordings])
        return [
            keep_reliable(log_spectrum, frames[:, : len(lost)], lost)
            for (log_spectrum, _, lost), frames in zip(recordings, by_recording, strict=True)
        ]
