"""Where a trained model computes."""

import pytest
import torch
from conftest import small_config

from avsi.errors import ConfigError
from avsi.models.device import choose_device
from avsi.models.inpainter import BLSTMInpainter


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_takes_a_gpu_where_torch_has_one(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch, "zeros", lambda *_, device: torch.ones(1))  # no such device need be here
    assert choose_device("auto") == torch.device(chosen)


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["fridge", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_or_computes_nothing_is_one_line(name):
    with pytest.raises(ConfigError, match=rf"^device '{name}': torch has none of that name here; take auto, ") as error:
        choose_device(name)
    assert "\n" not in str(error.value)


def test_a_model_is_given_its_inputs_on_its_device_and_gives_results_on_the_cpu(monkeypatch):
    """A device without values stands for a GPU: what reaches the network must lie there."""
    model = BLSTMInpainter(small_config()).eval().to("meta")
    seen = []

    def forward(self, *inputs):
        seen.extend(each.device.type for each in inputs)
        assert self.to_spectrum(torch.zeros(1, 48, device="meta")).device.type == "meta"
        return torch.full((2, 30, 257), 7.0)

    monkeypatch.setattr(BLSTMInpainter, "forward", forward)
    lost = torch.arange(30) > 20
    restored = model.restore_spectrum(torch.zeros(2, 30, 257), torch.zeros(30, len(model.visual_mean)), lost)
    assert seen == ["meta"] * 6
    assert restored.device.type == "cpu"
    assert torch.equal(restored, torch.where(lost[None, :, None], 7.0, 0.0).expand(2, 30, 257))


def test_normalising_unequal_lengths_makes_no_tensor_on_another_device():
    """By the shapes alone."""
    model = BLSTMInpainter(small_config()).eval().to("meta")
    with torch.device("meta"):
        spectra, lost, lengths = torch.zeros(3, 30, 257), torch.zeros(3, 30).bool(), torch.ones(3).long()
    assert {each.device.type for each in model.normalise(spectra, lost, lengths)} == {"meta"}
