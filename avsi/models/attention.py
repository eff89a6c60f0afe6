"""A block of attention, of which a Perceiver is made."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

WIDER = 4  # how many times wider than a token the hidden layer of a block is


class AttentionBlock(nn.Module):
    """What tokens take from others, or from each other, and a layer for each token by itself; both are added to the
    token, and normalised before (Vaswani et al., 2017; Xiong et al., 2020).
    """

    def __init__(self, width: int, heads: int, dropout: float, of_others: bool = False) -> None:
        """Args:
        width: values of a token.
        of_others: whether the tokens attend to others, and not to each other.
        """
        super().__init__()
        self.heads = heads
        self.norm, self.norm_after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm_others = nn.LayerNorm(width) if of_others else None
        self.to_query, self.to_key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.from_heads = nn.Linear(width, width)
        self.alone = nn.Sequential(nn.Linear(width, WIDER * width), nn.GELU(), nn.Linear(WIDER * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, others: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """The tokens, shape (batch, n_tokens, width).

        Args:
            tokens: same shape.
            others: what they attend to, shape (batch, n_others, width).
            known: which of those there are, bool, shape (batch, n_others), one at least; None for all.
        """
        normed = self.norm(tokens)
        looked_at = normed if others is None or self.norm_others is None else self.norm_others(others)
        query = self._split(self.to_query(normed))
        key, value = map(self._split, self.to_key_value(looked_at).chunk(2, dim=-1))
        mask = None if known is None else known[:, None, None, :]
        found = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        tokens = tokens + self.dropout(self.from_heads(found.transpose(1, 2).flatten(2)))
        return tokens + self.dropout(self.alone(self.norm_after(tokens)))

    def _split(self, values: Tensor) -> Tensor:
        """Shape (batch, n, width) to (batch, heads, n, width / heads)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def waves(position: Tensor, shortest: float, longest: float, count: int) -> Tensor:
    """Fourier features of positions (Vaswani et al., 2017): their sines and cosines.

    Args:
        position: any shape.
        shortest, longest: wavelengths in its unit; those between are spread evenly on a logarithmic scale.
        count: of wavelengths.

    Returns:
        Shape (..., 2 * count).
    """
    lengths = torch.logspace(0, 1, count, base=longest / shortest, device=position.device) * shortest
    angle = 2 * torch.pi * position[..., None] / lengths
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
