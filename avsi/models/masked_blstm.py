"""The part that networks of damaged speech share: normalised reliable sound, the face and the mask, through a BLSTM."""

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..config import Config
from ..data.stats import Stats
from .blstm import make_blstm, run_blstm
from .normalised import NormalisedModel

N_FURTHER = 2  # inputs beside the phones: how much of one has passed, and whether it is known
N_KNOWN = 1  # an input beside the values of a voice: whether it is known


class MaskedBLSTM(NormalisedModel):
    """Stacked BLSTM layers over audio, video or both, where frames of the audio are lost (Morrone et al., 2021, section
    2).
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        """Without ``stats`` the normalisation is the identity, until statistics are loaded with the weights."""
        super().__init__(config, stats, phones)
        model = config.model
        n_text = (1 + len(phones) + N_FURTHER) * model.text
        n_voice = (model.voice_values + N_KNOWN) * model.voice
        n_inputs = len(self.audio_mean) * model.audio + len(self.visual_mean) + model.mask + n_text + n_voice
        self.blstm = make_blstm(n_inputs, model)

    def encode(
        self,
        normalised: Tensor,
        visual: Tensor,
        lost: Tensor,
        lengths: Tensor | None = None,
        said: Tensor | None = None,
        voice: Tensor | None = None,
    ) -> Tensor:
        """The input of the linear layers, shape (batch, n_frames, 2 * hidden).

        Args:
            normalised: log magnitudes from :meth:`normalise`, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual: shape (batch, n_frames, n_visual); NaN (no face) is replaced by the training mean.
            lost: bool, shape (batch, n_frames).
            lengths: number of frames of each utterance; None if there is no padding.
            said: what is said, shape (batch, n_frames, 3), as of :func:`avsi.data.said.phones_at`; None where nothing
                is known of it.
            voice: unit vectors, shape (batch, n_values), NaN where a voice is not known; None, or without any values,
                where none is known.
        """
        inputs = []
        if self.config.model.audio:
            inputs.append(normalised.masked_fill(lost[..., None], 0))
        if self.config.model.video:
            inputs.append(((visual - self.visual_mean) / self.visual_std).nan_to_num())
        if self.config.model.mask:
            inputs.append(lost[..., None].to(normalised.dtype))
        if self.config.model.text:
            inputs.append(self._text(said, normalised))
        if self.config.model.voice:
            inputs.append(frames_of_voice(voice, self.config.model.voice_values, normalised))
        return run_blstm(self.blstm, torch.cat(inputs, dim=-1), lengths)

    def _text(self, said: Tensor | None, like: Tensor) -> Tensor:
        """Phones as one-hot vectors, how much of each has passed, and whether any of it is known."""
        n_labels = 1 + len(self.phones)
        if said is None:
            return like.new_zeros(*like.shape[:2], n_labels + N_FURTHER)
        label = said[..., 0].long()
        known = (label >= 0).to(like.dtype)[..., None]
        phones = one_hot(label.clamp_min(0), n_labels).to(like.dtype)
        inputs = torch.cat([phones, said[..., 1:2], torch.ones_like(known)], dim=-1)
        return self.config.model.text_scale * inputs * known


def frames_of_voice(voice: Tensor | None, n_values: int, like: Tensor) -> Tensor:
    """In each frame the values of the voice, as large as the unit of a layer, and whether it is known.

    Args:
        voice: unit vectors, shape (batch, n_values), NaN where a voice is not known; None, or without any values, where
            none is known.
        like: shape (batch, n_frames, ...).

    Returns:
        Shape (batch, n_frames, n_values + 1).
    """
    if voice is None or not voice.shape[-1]:
        return like.new_zeros(*like.shape[:2], n_values + N_KNOWN)
    known = ~voice.isnan().any(dim=-1, keepdim=True)
    inputs = torch.cat([math.sqrt(n_values) * voice.nan_to_num(), torch.ones_like(voice[:, :1])], dim=-1) * known
    return inputs.to(like.dtype)[:, None].expand(-1, like.shape[1], -1)
