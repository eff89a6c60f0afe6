"""Answers of which a browser asks for parts, as players do: `Range: bytes=0-1023`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from .refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

CHUNK_BYTES = 1 << 18


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """[first byte, the one after the last) that a header asks for; None where it asks for all, or for what is no single
    range. Raises Refused (416) for a range beyond the end.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (header or "").strip(), re.ASCII)
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":
        first, stop = max(size - int(match[2]), 0), size
    else:
        first, stop = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
        if match[2] and int(match[2]) < first:
            return None
    if first >= size or stop <= first:
        raise Refused(416, f"bytes {match[1]}-{match[2]} of {size}: beyond the end")
    return first, stop


def ranged(request: Request, size: int, read: Callable[[int, int], bytes], media_type: str) -> Response:
    """``read`` gives the bytes [first, stop) of an answer of ``size`` bytes."""
    span = asked_range(request.headers.get("range"), size)
    first, stop = span or (0, size)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(stop - first)}
    if span:
        headers["Content-Range"] = f"bytes {first}-{stop - 1}/{size}"

    async def body() -> AsyncIterator[bytes]:
        for begin in range(first, stop, CHUNK_BYTES):
            yield await run_in_threadpool(read, begin, min(begin + CHUNK_BYTES, stop))

    status = 206 if span else 200
    if request.method == "HEAD":
        return Response(None, status, headers, media_type)
    return StreamingResponse(body(), status, headers, media_type)
