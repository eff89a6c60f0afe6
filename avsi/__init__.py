"""Audio-visual speech inpainting."""

__version__ = "0.1.0"
__all__ = ["Gap", "Inpainter", "__version__"]

_HOMES = {"Inpainter": "avsi.inpainting", "Gap": "avsi.data.gaps"}


def __getattr__(name: str):
    """Load the public names on first use, so that ``avsi --help`` does not wait for torch."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'avsi' has no attribute '{name}'")
