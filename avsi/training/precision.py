"""In which precision a model is trained: bf16 is faster where a device computes in it, and fails elsewhere."""

from __future__ import annotations

import torch
from torch import nn

from ..errors import ConfigError

_DEVICES = {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}


def choose_precision(asked: str, device: torch.device) -> tuple[str, str]:
    """(Lightning's name of what to train in, a line that says so and why).

    Args:
        asked: ``training.precision``.

    Raises:
        ConfigError: one that the device does not compute in.
    """
    here = f"this {_DEVICES.get(device.type, device.type)}"
    if asked != "auto":
        if not computes_in(asked, device):
            raise ConfigError(f"training.precision: {here} does not compute LSTMs in '{asked}'; take auto or 32-true")
        return asked, f"training in {asked}, as training.precision says"
    if computes_in("bf16-mixed", device):
        return "bf16-mixed", f"training in bf16: {here} computes LSTMs in it"
    return "32-true", f"training in full precision: {here} does not compute LSTMs in bf16"


def computes_in(precision: str, device: torch.device) -> bool:
    """Whether a device trains LSTMs in a precision, by Lightning's name, without emulating it."""
    if not precision.startswith(("bf16", "16")):
        return True
    dtype = torch.bfloat16 if precision.startswith("bf16") else torch.float16
    mixed = not precision.endswith("true")
    if (
        device.type == "cuda"
        and dtype == torch.bfloat16
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        return False
    if device.type == "cpu" and (dtype == torch.float16 or not _onednn_has_bf16()):
        return False
    try:
        with torch.random.fork_rng(devices=[]):
            lstm = nn.LSTM(8, 8, bidirectional=True).to(device, torch.float32 if mixed else dtype)
        with torch.autocast(device.type, dtype, enabled=mixed):
            outputs, _ = lstm(torch.zeros(4, 2, 8, device=device, dtype=lstm.weight_ih_l0.dtype))
        outputs.float().sum().backward()
    except RuntimeError:
        return False
    return True


def _onednn_has_bf16() -> bool:
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
