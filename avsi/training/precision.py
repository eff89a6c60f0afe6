"""The numeric precision of training: bf16 is faster on devices that compute in it, and fails on others."""

import torch
from torch import nn

from ..errors import ConfigError

_DEVICES = {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}


def choose_precision(asked: str, device: torch.device) -> tuple[str, str]:
    """(Lightning's name of the precision, a line for the user with the reason).

    Args:
        asked: ``training.precision``.

    Raises:
        ConfigError: the device does not compute in the precision asked for.
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
    """Whether a device trains LSTMs in a precision, named as by Lightning, without emulation."""
    if not precision.startswith(("bf16", "16")):
        return True
    dtype = torch.bfloat16 if precision.startswith("bf16") else torch.float16
    weights = dtype if precision.endswith("true") else torch.float32
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
            lstm = nn.LSTM(8, 8, bidirectional=True).to(device, weights)
        with torch.autocast(device.type, dtype, enabled=weights != dtype):
            outputs, _ = lstm(torch.zeros(4, 2, 8, device=device, dtype=weights))
        outputs.float().sum().backward()
    except RuntimeError:
        return False
    return True


def _onednn_has_bf16() -> bool:
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
