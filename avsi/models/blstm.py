"""The bidirectional LSTM layers that all models are made of."""

from __future__ import annotations

from torch import Tensor, nn

from ..config import ModelConfig


def make_blstm(n_inputs: int, model: ModelConfig) -> nn.LSTM:
    return nn.LSTM(n_inputs, model.hidden, model.layers, batch_first=True, bidirectional=True, dropout=model.dropout)


def run_blstm(blstm: nn.LSTM, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The last layer's outputs of both directions.

    Args:
        inputs: shape (batch, n_frames, n_inputs).
        lengths: frames of each utterance; None where all fill the batch.

    Returns:
        Shape (batch, n_frames, 2 * hidden); zeros in the padding.
    """
    if lengths is None or int(lengths.min()) == inputs.shape[1]:
        return blstm(inputs)[0]
    # Padding must not reach the backward direction; packing is slower, so only where lengths differ.
    packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(blstm(packed)[0], batch_first=True, total_length=inputs.shape[1])[0]
