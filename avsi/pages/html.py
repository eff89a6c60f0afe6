"""Self-contained HTML pages, with sounds, pictures and videos embedded as ``data:`` URIs."""

import base64
import io

import numpy as np
import soundfile

from ..audio.samples import from_float


def render(template: str, package: str = "avsi.pages", /, **values: object) -> str:
    """The HTML of a template; markup in the values is escaped.

    Args:
        template: its name in the folder ``templates`` of ``package`` or of ``avsi.pages``, as of those that it extends.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("avsi.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def data_uri(kind: str, content: bytes) -> str:
    """The URI of a file embedded in the page; ``kind`` is its MIME type, such as ``image/webp``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def sound_uri(samples: np.ndarray, rate: int) -> str:
    """Float samples of shape (n,) as 16-bit FLAC, which is lossless and which every browser plays."""
    file = io.BytesIO()
    soundfile.write(file, from_float(samples, "int16"), rate, format="FLAC", subtype="PCM_16")
    return data_uri("audio/flac", file.getvalue())
