"""Who may ask the server for what: a browser on this machine that has the token, and no page of another site.

Other sites' pages run in the same browser and can send requests to this machine. They do not know the token (and its
cookie is not sent with their requests), their name is in Origin, and where they renamed this machine (DNS rebinding)
that name is in Host.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHANGING = ("POST", "PUT", "DELETE")
METHODS = ("GET", "HEAD", *CHANGING)
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OWN = ("same-origin", "none")  # whose requests are answered: those of the server's pages, and of users
TO_THE_PAGE = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>avsi studio</title>\n'
NO_TOKEN = "This page belongs to avsi studio. Open the address that the command printed, with its token.\n"


class Guard:
    """Lets through what carries the token, for this server, from its own pages; the headers of all answers."""

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        """
        Args:
            hosts: ``name:port``, as browsers may name this server.
        """
        self.app, self.token, self.hosts = app, token, hosts
        # Cookies are shared by all ports of a machine: each studio has one of its own.
        self.cookie = f"avsi-studio-{hosts[0].rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # such as web sockets, which are not answered

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refusal(scope)
        await (answer or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or headers["host"] not in self.hosts:
            return _no(403, "the request names another host than this server")
        method = scope["method"]
        if method not in METHODS:
            return _no(405, f"the method {method[:20]} is not known here")
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["path"] == "/" and method in ("GET", "HEAD") and asked:
            if not self._is_token(asked[0]):
                return PlainTextResponse(NO_TOKEN, 403)
            # A browser that comes from elsewhere, such as a file, would not send the cookie where it is redirected to.
            near = headers.get("sec-fetch-site", "none") in OWN
            answer = RedirectResponse("/", 303) if near else HTMLResponse(TO_THE_PAGE)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return answer
        if not self._is_token(self._cookie_in(headers)):
            return _no(403, NO_TOKEN.strip()) if scope["path"].startswith("/api/") else PlainTextResponse(NO_TOKEN, 403)
        origins = headers.getlist("origin")
        own = [f"http://{headers['host']}"]
        if (method in CHANGING and origins != own) or (origins and origins != own):
            return _no(403, "the request comes from a page of another site")
        if headers.get("sec-fetch-site", "none") not in OWN:
            return _no(403, "the request comes from a page of another site")
        return None

    def _cookie_in(self, headers: Headers) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load("; ".join(headers.getlist("cookie")))
        except CookieError:
            return ""
        return jar[self.cookie].value if self.cookie in jar else ""

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())


def _no(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)
