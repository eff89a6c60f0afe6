"""The BLSTM phone recogniser, whose errors on restored speech give the phone error rate."""

import torch
from torch import Tensor, nn

from ..audio.mel import log_mel, mel_filters
from ..config import Config, RecognizerConfig
from ..data.phones import to_phones
from ..data.stats import Stats
from .blstm import make_blstm, run_blstm
from .decoding import beam_search

# In standard deviations from the mean. Hardly anything in clean speech is below it, but the digital silence of an
# unfilled gap is by far: so unlike all training data that phones would be recognised in it.
LOWEST_INPUT = -2.0


class PhoneRecognizer(nn.Module):
    """Log-mel bands, BLSTM layers, and a linear layer for blank and phones (Morrone et al., 2021).

    Attributes:
        phones: the inventory; label 0 is the blank, label 1 ``phones[0]``.
    """

    filters: Tensor
    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__()
        self.config, self.phones, model = config, phones, config.model
        assert isinstance(model, RecognizerConfig)
        filters = torch.from_numpy(mel_filters(model.mels, config.stft)).float()
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)
        self.register_buffer("mel_mean", torch.zeros(model.mels))
        self.register_buffer("mel_std", torch.ones(model.mels))
        if stats is not None:
            # Statistics of bands, roughly estimated from those of bins. A log power is twice a log magnitude.
            mean, std = torch.from_numpy(stats.audio_mean), torch.from_numpy(stats.audio_std)
            self.mel_mean.copy_(self.log_mel(mean))
            self.mel_std.copy_(2 * std @ self.filters / self.filters.sum(dim=0))
        self.blstm = make_blstm(model.mels, model)
        self.to_phones = nn.Linear(2 * model.hidden, 1 + len(phones))

    def forward(self, log_spectrum: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scores of blank and phones in each frame, before the softmax.

        Args:
            log_spectrum: natural log magnitude, shape (batch, n_frames, n_bins).
            lengths: number of frames of each utterance; None if there is no padding.

        Returns:
            Shape (batch, n_frames, 1 + n_phones).
        """
        return self.to_phones(run_blstm(self.blstm, self.normalised_mel(log_spectrum), lengths))

    def log_mel(self, log_spectrum: Tensor) -> Tensor:
        """Natural log magnitude of each bin -> natural log of the power in each mel band, shape (..., n_mels)."""
        return log_mel(log_spectrum, self.filters, self.config.stft)

    def normalised_mel(self, log_spectrum: Tensor) -> Tensor:
        """Log-mel bands, normalised by mean and standard deviation, shape (..., n_mels)."""
        return ((self.log_mel(log_spectrum) - self.mel_mean) / self.mel_std).clamp_min(LOWEST_INPUT)

    @torch.inference_mode()
    def recognize(self, log_spectrum: Tensor, beam: int = 20) -> list[str]:
        """The phones of one recording by beam search.

        Args:
            log_spectrum: natural log magnitude, shape (n_frames, n_bins).
            beam: as in :func:`.decoding.beam_search`.
        """
        log_probs = self(log_spectrum[None])[0].log_softmax(dim=-1)
        labels, _ = beam_search(log_probs.numpy(), beam)
        return to_phones(labels, self.phones)
