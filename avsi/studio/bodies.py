"""What browsers send: JSON and files, no more of them than can be taken."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from .refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_JSON_BYTES = 8 << 20
MAX_LABELS_BYTES = 4 << 20
MAX_UPLOAD_BYTES = 32 << 30
LEFT_FREE_BYTES = 1 << 30  # on the disk that uploads go to
WRITTEN_AT_ONCE = 1 << 20


async def read_body(request: Request, most: int) -> bytes:
    """Raises Refused (413) for more bytes than ``most``."""
    return b"".join([part async for part in _bounded(request, most)])


async def read_json(request: Request) -> dict[str, Any]:
    """An object; {} for an empty body. Raises Refused for what is none."""
    body = await read_body(request, MAX_JSON_BYTES)
    try:
        content = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "the body: expected a JSON object")
    return content


async def save_upload(request: Request, path: Path, name: str) -> str:
    """Stream a body into a new file; it is removed again where that fails.

    Args:
        name: what the user calls the file.

    Returns:
        The digest of its content.

    Raises:
        Refused: 411 without a length, 413 for more than the disk or the bound can take, 400 for nothing or less than
            announced.
    """
    announced = _announced(request)
    free = shutil.disk_usage(path.parent).free - LEFT_FREE_BYTES
    if announced > min(MAX_UPLOAD_BYTES, free):
        raise Refused(413, f"{announced / 1e9:.1f} GB are too much; open the file by its name: avsi studio FILE")
    if announced == 0:
        raise Refused(400, f"{name}: is empty; expected a film or a recording")
    digest = hashlib.sha256()
    try:
        with path.open("xb") as file:
            async for part in _bounded(request, announced):
                await run_in_threadpool(file.write, part)
                digest.update(part)
            length = file.tell()
        if length != announced:
            raise Refused(400, f"the upload ended after {length} of {announced} bytes")
    except (Refused, OSError, ClientDisconnect, asyncio.CancelledError) as error:
        path.unlink(missing_ok=True)
        if isinstance(error, ClientDisconnect):
            raise Refused(400, "the upload was broken off") from error
        raise
    return digest.hexdigest()


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    if request.headers.get("content-length") is not None and _announced(request) > most:
        raise Refused(413, f"the body is larger than {most} bytes")
    taken = 0
    async for part in request.stream():
        taken += len(part)
        if taken > most:
            raise Refused(413, f"the body is larger than {most} bytes")
        if part:
            yield part


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        raise Refused(411, "the length of the body is missing")
    return int(length[:18])


def _no_number(name: str) -> float:
    raise ValueError(name)
