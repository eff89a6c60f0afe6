"""A network that tells restored spectra from true ones, and the losses that it gives the network which restores."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, max_pool1d
from torch.nn.utils.parametrizations import spectral_norm

LAYERS = ((16, 2), (32, 2), (48, 2), (64, 1))  # (channels, stride over frames and bins)
SLOPE = 0.2  # of the leaky rectifiers


class Judgement(NamedTuple):
    """What a discriminator says of a batch of spectra.

    Attributes:
        scores: above 0 for true and below for restored, one for each place in time and frequency where frames are lost.
        features: of each layer at such times, shape (n_times, channels, n_bands).
    """

    scores: Tensor
    features: list[Tensor]


class Discriminator(nn.Module):
    """Convolutions over frames and bins, which see what is restored with its surroundings, and score it place by place
    (as PatchGAN: Isola et al., 2017). Weights are normalised by their spectral norm (Miyato et al., 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        sizes = [2, *(channels for channels, _ in LAYERS)]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, channels, kernel_size=3, stride=stride, padding=1))
            for before, (channels, stride) in zip(sizes, LAYERS, strict=False)
        )
        self.to_score = spectral_norm(nn.Conv2d(sizes[-1], 1, kernel_size=3, padding=1))

    def forward(self, spectrum: Tensor, lost: Tensor) -> Judgement:
        """Args:
        spectrum: normalised, true or restored, 0 in the padding, shape (batch, n_frames, n_bins).
        lost: bool, shape (batch, n_frames).
        """
        hidden = lost.to(spectrum.dtype)
        values = torch.stack([spectrum, hidden[..., None].expand_as(spectrum)], dim=1)
        features = []
        for layer, (_, stride) in zip(self.layers, LAYERS, strict=True):
            values = leaky_relu(layer(values), SLOPE)
            hidden = max_pool1d(hidden, stride, ceil_mode=True)
            features.append(values.transpose(1, 2)[hidden > 0])
        return Judgement(self.to_score(values)[:, 0][hidden > 0].flatten(), features)


def discriminator_loss(true: Judgement, restored: Judgement) -> Tensor:
    """The hinge loss (Lim and Ye, 2017): 0 where true places score above 1 and restored ones below -1. Shape ()."""
    return (1 - true.scores).relu().mean() + (1 + restored.scores).relu().mean()


def adversarial_loss(restored: Judgement) -> Tensor:
    """How little the discriminator takes restored places for true ones. Shape ()."""
    return -restored.scores.mean()


def feature_matching_loss(true: Judgement, restored: Judgement) -> Tensor:
    """How far apart true and restored sound lie in the layers of the discriminator (Larsen et al., 2016): the mean
    absolute difference as a share of the mean absolute value of true sound, averaged over the layers. True sound stays
    where it is: no gradient leads there. Shape ().
    """
    shares = [
        (one.detach() - two).abs().mean() / one.detach().abs().mean().clamp_min(1e-6)
        for one, two in zip(true.features, restored.features, strict=True)
    ]
    return torch.stack(shares).mean()
