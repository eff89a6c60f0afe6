"""Audio-visual speech inpainting. The public names are listed in ``__init__.pyi``. Each is imported on first use, so
that ``avsi --help`` does not wait for torch.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
