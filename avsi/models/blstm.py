"""Bidirectional LSTM layers, run on padded batches."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import ModelConfig

SMALLEST_GROUP = 4  # for smaller groups of sequences, avoiding padding costs more time than it saves


def make_blstm(n_inputs: int, model: ModelConfig) -> nn.LSTM:
    return nn.LSTM(n_inputs, model.hidden, model.layers, batch_first=True, bidirectional=True, dropout=model.dropout)


def run_blstm(blstm: nn.LSTM, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The outputs of the last layer in both directions.

    Args:
        inputs: shape (batch, n_frames, n_inputs).
        lengths: number of frames of each utterance; None if there is no padding.

    Returns:
        Shape (batch, n_frames, 2 * hidden); zeros in the padding.
    """
    if lengths is None or int(lengths.min()) == inputs.shape[1]:
        return blstm(inputs)[0]
    # The backward direction must not read the padding. Packed sequences are fast in cuDNN, but slow on a CPU.
    if inputs.is_cuda:
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(blstm(packed)[0], batch_first=True, total_length=inputs.shape[1])[0]
    if len(lengths) < 2 * SMALLEST_GROUP:
        return _run_padded(blstm, inputs, lengths)
    # The shorter half of the sequences, run separately, has less padding.
    order = lengths.argsort(descending=True)
    halves = []
    for half in order.chunk(2):
        longest = int(lengths[half].max())
        outputs = run_blstm(blstm, inputs[half, :longest], lengths[half])
        halves.append(functional.pad(outputs, (0, 0, 0, inputs.shape[1] - longest)))
    return torch.cat(halves)[order.argsort()]


def _run_padded(blstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """Run layer by layer. For the backward direction sequences are reversed without their padding, which stays last."""
    size, n_frames, _ = inputs.shape
    frame = torch.arange(n_frames, device=inputs.device)
    inside = frame < lengths[:, None]
    mirrored = torch.where(inside, lengths[:, None] - 1 - frame, frame)
    rows = (mirrored + n_frames * torch.arange(size, device=inputs.device)[:, None]).flatten()
    for layer in range(blstm.num_layers):
        forward = _run_direction(blstm, inputs, f"l{layer}")
        backward = _run_direction(blstm, _reordered(inputs, rows), f"l{layer}_reverse")
        inputs = torch.cat([forward, _reordered(backward, rows)], dim=-1) * inside[..., None]
        if layer < blstm.num_layers - 1:
            inputs = functional.dropout(inputs, blstm.dropout, blstm.training)
    return inputs


def _run_direction(blstm: nn.LSTM, inputs: Tensor, name: str) -> Tensor:
    """One layer in one direction, from the first frame to the last."""
    weights = [getattr(blstm, f"{part}_{name}") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    start = inputs.new_zeros(1, len(inputs), blstm.hidden_size)
    return torch.lstm(inputs, (start, start), weights, True, 1, 0.0, blstm.training, False, True)[0]


def _reordered(frames: Tensor, rows: Tensor) -> Tensor:
    """Frames of shape (batch, n_frames, n) in another order; ``rows`` are indices into the flattened batch."""
    return frames.flatten(0, 1).index_select(0, rows).view_as(frames)
