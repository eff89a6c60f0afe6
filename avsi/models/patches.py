"""A spectrum as patches of some frames and bins, and what is said as phones without times."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..data.phones import SILENCE_LABEL


def to_patches(spectrum: Tensor, n_frames: int, n_bins: int) -> Tensor:
    """Cut spectra into patches, of which the last ones are filled up with zeros.

    Args:
        spectrum: shape (batch, frames, bins).
        n_frames, n_bins: of a patch.

    Returns:
        Shape (batch, n_times, n_bands, n_frames * n_bins).
    """
    frames, bins = spectrum.shape[1:]
    filled = pad(spectrum, (0, -bins % n_bins, 0, -frames % n_frames))
    return filled.unflatten(1, (-1, n_frames)).unflatten(3, (-1, n_bins)).transpose(2, 3).flatten(3)


def from_patches(patches: Tensor, n_frames: int, like: Tensor) -> Tensor:
    """The inverse of :func:`to_patches`, of the shape of ``like``."""
    filled = patches.unflatten(3, (n_frames, -1)).transpose(2, 3).flatten(3).flatten(1, 2)
    return filled[:, : like.shape[1], : like.shape[2]]


def phones_in_order(said: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """The phones of utterances one after the other. Pauses are left out, since a transcript does not tell of them, and
    nothing is left of times.

    Args:
        said: shape (batch, n_frames, 3), as of :func:`avsi.data.said.phones_at`.
        inside: bool, shape (batch, n_frames): the frames that are no padding.

    Returns:
        Labels, int64, 0 after the last one, and which of them are there, bool, both of shape (batch, n_phones), with
        room for the most in an utterance. A phone too short for any frame is not among them.
    """
    label, number = said[..., 0].long(), said[..., 2]
    starts = (label > SILENCE_LABEL) & inside
    starts[:, 1:] &= number[:, 1:] != number[:, :-1]
    count = starts.sum(dim=1)
    labels = label.new_zeros(len(said), int(count.max()))
    known = torch.arange(labels.shape[1], device=said.device) < count[:, None]
    labels[known] = label[starts]  # both are read row by row
    return labels, known
