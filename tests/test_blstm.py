"""Batches of unequal lengths, against packed sequences, which are right and slow."""

import pytest
import torch
from torch import nn

from avsi.config import InpainterConfig
from avsi.models.blstm import make_blstm, run_blstm


def packed(blstm: nn.LSTM, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    sequences = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(blstm(sequences)[0], batch_first=True, total_length=inputs.shape[1])[0]


def with_gradients(run, blstm: nn.LSTM, inputs: torch.Tensor, lengths: torch.Tensor) -> list[torch.Tensor]:
    """The outputs, and the gradients of inputs and weights."""
    blstm.zero_grad()
    inputs = inputs.clone().requires_grad_(True)
    outputs = run(blstm, inputs, lengths)
    (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
    return [outputs.detach(), inputs.grad, *(weights.grad.clone() for weights in blstm.parameters())]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(
    ("lengths", "hidden"),
    [
        ([13], 5),  # less than the batch is long
        ([1, 20], 8),
        ([20, 7, 13, 20, 1], 24),
        ([3, 20, 9, 1, 17, 20, 2, 11, 20], 8),  # enough to be run in two groups
        ([20, 20, 20, 20, 12, 12, 12, 12], 8),  # each of equal lengths
        (list(range(1, 21)), 5),
    ],
    ids=str,
)
def test_unequal_lengths_give_what_packed_sequences_give_and_so_do_gradients(layers, lengths, hidden):
    torch.manual_seed(0)
    blstm = make_blstm(6, InpainterConfig(layers=layers, hidden=hidden))
    lengths, inputs = torch.tensor(lengths), torch.randn(len(lengths), 20, 6)
    found, expected = (with_gradients(run, blstm, inputs, lengths) for run in (run_blstm, packed))
    for one, two in zip(found, expected, strict=True):
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-5)
    for outputs, length in zip(found[0], lengths, strict=True):
        assert not outputs[length:].any() and outputs[:length].all()


@pytest.mark.parametrize("size", [3, 9])
def test_what_lies_in_the_padding_changes_nothing(size):
    torch.manual_seed(0)
    blstm = make_blstm(6, InpainterConfig(layers=2, hidden=8))
    lengths, inputs = torch.arange(4, 4 + size), torch.randn(size, 20, 6)
    other = inputs.clone()
    for row, length in zip(other, lengths, strict=True):
        row[length:] = 1e3
    assert torch.equal(run_blstm(blstm, inputs, lengths), run_blstm(blstm, other, lengths))


def test_dropout_lies_between_the_layers_and_only_in_training():
    torch.manual_seed(0)
    blstm = make_blstm(6, InpainterConfig(layers=2, hidden=8, dropout=1.0))  # the second layer hears nothing
    lengths, inputs = torch.tensor([20, 13, 5]), torch.randn(3, 20, 6)
    dropped = run_blstm(blstm, inputs, lengths)
    assert torch.allclose(dropped, packed(blstm, inputs, lengths), atol=1e-5)
    assert torch.allclose(dropped, run_blstm(blstm, -inputs, lengths))
    blstm.eval()
    whole = run_blstm(blstm, inputs, lengths)
    assert torch.allclose(whole, packed(blstm, inputs, lengths), atol=1e-5)
    assert not torch.allclose(whole, dropped, atol=1e-3)
