"""The interpolated spectrum, and the gate by which a model believes it."""

import numpy as np
import pytest
import torch
from conftest import small_config

from avsi.audio.interpolation import interpolate_lost
from avsi.errors import ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model, start_from

LOST = ((3, 7), (0, 2), (15, 20))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    spectrum = torch.from_numpy(np.random.default_rng(0).standard_normal((len(LOST), 20, 5)).astype(np.float32))
    lost = torch.zeros(len(LOST), 20, dtype=torch.bool)
    for row, (start, stop) in zip(lost, LOST, strict=True):
        row[start:stop] = True
    return spectrum, lost


def test_each_bin_is_a_line_between_the_reliable_frames_and_held_beyond_them():
    spectrum, lost = batch()
    found = interpolate_lost(spectrum, lost)
    frames = np.arange(20)
    for row, gone, restored in zip(spectrum.numpy(), lost.numpy(), found.numpy(), strict=True):
        expected = [np.interp(frames, frames[~gone], bin_[~gone]) for bin_ in row.T]
        assert pytest.approx(np.array(expected), abs=1e-5) == restored.T
    assert torch.equal(found[~lost], spectrum[~lost])


def test_neither_what_is_lost_nor_the_padding_counts():
    spectrum, lost = batch()
    found = interpolate_lost(spectrum, lost, torch.tensor([20, 20, 17]))
    other = spectrum.masked_fill(lost[..., None], torch.nan)
    other[2, 17:] = torch.nan
    assert torch.equal(interpolate_lost(other, lost, torch.tensor([20, 20, 17])), found)
    assert torch.equal(found[2, 17:], spectrum[2, 14].expand(3, -1))


def test_without_a_reliable_frame_there_is_nothing_to_interpolate():
    spectrum, _ = batch()
    assert not interpolate_lost(spectrum, torch.ones(len(LOST), 20, dtype=torch.bool)).any()


def gated(**settings) -> BLSTMInpainter:
    torch.manual_seed(0)
    return BLSTMInpainter(small_config(model={"video": False, **settings})).eval()


def restored(model: BLSTMInpainter) -> tuple[torch.Tensor, torch.Tensor]:
    spectrum = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 40, 257)).astype(np.float32))
    lost = torch.zeros(40, dtype=torch.bool)
    lost[10:20] = True
    between = interpolate_lost(spectrum, lost[None])
    return model.restore_spectrum(spectrum, torch.zeros(40, 0), lost)[0, 10:20], between[0, 10:20]


def test_an_open_gate_gives_the_interpolated_spectrum_and_a_shut_one_the_prediction():
    model, plain = gated(gate=True), gated()
    plain.load_state_dict(model.state_dict(), strict=False)
    predicted, between = restored(plain)
    model.to_gate.bias.data.fill_(50)
    assert torch.allclose(restored(model)[0], between, atol=1e-5)
    model.to_gate.bias.data.fill_(-50)
    assert torch.allclose(restored(model)[0], predicted, atol=1e-5)
    model.to_gate.bias.data.fill_(0)
    assert torch.allclose(restored(model)[0], (predicted + between) / 2, atol=1e-5)


def test_a_model_without_a_gate_can_be_trained_on_with_one_and_not_the_other_way(tmp_path):
    plain, model = gated(), gated(gate=True)
    plain.to_spectrum.bias.data.fill_(0.25)
    save_model(tmp_path / "plain", plain, {})
    start_from(model, tmp_path / "plain")
    assert torch.equal(model.to_spectrum.bias, plain.to_spectrum.bias)
    assert not model.to_gate.weight.any()
    save_model(tmp_path / "gated", model, {})
    with pytest.raises(ModelError, match=r"has model\.gate True, but the config asks for False"):
        start_from(plain, tmp_path / "gated")
