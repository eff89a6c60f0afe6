"""The voice as an input: it scales and shifts what the layers of a network give."""

import math

from torch import Tensor, nn

N_INNER = 64


class VoiceFilm(nn.Module):
    """Feature-wise linear modulation (FiLM; Perez et al., 2018): each feature of a recording has a factor and a summand
    that a small network makes of the vector of a voice. At first all are 1 and 0.
    """

    def __init__(self, n_values: int, n_features: int) -> None:
        """Args:
        n_values: of a voice's vector.
        n_features: that are scaled and shifted.
        """
        super().__init__()
        self.first = nn.Linear(n_values, N_INNER)
        self.second = nn.Linear(N_INNER, 2 * n_features)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, features: Tensor, voice: Tensor | None) -> Tensor:
        """Features as they are in the voice.

        Args:
            features: shape (batch, n_frames, n_features).
            voice: unit vectors, shape (batch, n_values), NaN where a voice is not known: its features stay as they are.
                None, or without any values, where none is known.
        """
        if voice is None or not voice.shape[-1]:
            return features
        known = ~voice.isnan().any(dim=-1, keepdim=True)
        spread = voice.nan_to_num() * math.sqrt(voice.shape[-1])  # so that a value is as large as a unit of a layer
        factor, summand = (self.second(self.first(spread).relu()) * known)[:, None].chunk(2, dim=-1)
        return features * (1 + factor) + summand
