"""What servers of pages share: an app of a table of addresses, files of a page, numbers in addresses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from ..errors import AvsiError
from ..program import error_text
from .refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = Path(__file__).parent / "page"
PAGE_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MEANINGS = {404: "there is nothing at this address", 405: "this address does not take that method"}


def app_of(table: Sequence[tuple[str, Callable, str]]) -> Starlette:
    """An app of (address, what answers it, method); what cannot be carried out is answered by one line."""
    handlers: dict[Any, Callable] = {
        Refused: lambda _, error: JSONResponse(error.content, error.status),
        AvsiError: lambda _, error: JSONResponse({"error": error_text(error)}, 400),
        OSError: lambda _, error: JSONResponse({"error": error_text(error)}, 500),
        HTTPException: lambda _, error: JSONResponse(
            {"error": MEANINGS.get(error.status_code, error.detail)}, error.status_code, error.headers
        ),
        Exception: lambda *_: JSONResponse(
            {"error": "something went wrong; the terminal where it was started shows what"}, 500
        ),
    }
    return Starlette(routes=[Route(*of[:2], methods=[of[2]]) for of in table], exception_handlers=handlers)


def page_file(folder: Path, name: str) -> Response:
    """A file that lies in a page's folder. Raises Refused (404) where there is none of that name."""
    names = {path.name: path for path in folder.iterdir() if path.suffix in PAGE_TYPES}
    if name not in names:
        raise Refused(404, MEANINGS[404])
    path = names[name]
    return FileResponse(path, media_type=PAGE_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


def number(request: Request, name: str) -> float:
    """A finite number in the address. Raises Refused (400) where there is none."""
    try:
        value = float(request.query_params[name])
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise Refused(400, f"{name}: expected a number")
    return value


def whole(request: Request, name: str) -> int:
    """As :func:`number`, without a fraction."""
    value = number(request, name)
    if value != int(value):
        raise Refused(400, f"{name}: expected a whole number")
    return int(value)
