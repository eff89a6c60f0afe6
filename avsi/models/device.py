"""Where a trained model computes. Training asks Lightning instead."""

import torch

from ..errors import ConfigError

AUTO = "auto"


def choose_device(name: str = AUTO) -> torch.device:
    """The device of a name.

    Args:
        name: "auto" takes a GPU where torch has one (CUDA before MPS), else the CPU; or what torch calls a device, such
            as "cpu" or "cuda:1".

    Raises:
        ConfigError: torch knows no device of that name, or has none here that computes.
    """
    if name == AUTO:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:  # by how torch was built
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ConfigError(
            f"device '{name}': torch has none of that name here; take auto, cpu or another ({reason})"
        ) from error
    return device
