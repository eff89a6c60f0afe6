"""The models that a worker process has loaded, each once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ..detecting.listener import Listener, load_listener

if TYPE_CHECKING:
    from ..models.aligner import PhoneAligner
    from ..restoring.inpainting import Inpainter


@cache
def inpainter(model: str) -> Inpainter:
    from ..restoring.inpainting import Inpainter

    return Inpainter.from_pretrained(model)


@cache
def listener() -> Listener:
    return load_listener()


@cache
def aligner() -> PhoneAligner:
    from ..restoring.aligning import load_aligner

    return load_aligner()
