"""The address that a request asks for: refused where it is not well-formed, or else routed by as it was sent.

As sent: a percent-encoded slash belongs to a connector's name and doesn't separate. What is refused is what Kafka
Connect's web server refuses (Jetty's ``UriCompliance``), but for encoded characters that names may have.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.rest.errors import error_response

_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
"""Comes first in the absolute form, which every server must take (RFC 9112, 3.2.2)."""
_PATH = re.compile(r"/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*", re.ASCII | re.IGNORECASE)
"""RFC 3986, ``path-absolute``."""
_ENCODED_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Addresses:
    """Lets requests through to ``app`` whose address is well-formed, with the path as it was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = _ORIGIN.sub("", scope["raw_path"].decode("latin-1"), count=1)
        problem = _problem(path)
        if problem:
            await error_response(HTTPStatus.BAD_REQUEST, f"The address is not well-formed: {problem}")(
                scope, receive, send
            )
            return
        await self._app({**scope, "path": path.rstrip("/") or "/"}, receive, send)


def _problem(path: str) -> str | None:
    if not _PATH.fullmatch(path):
        return "the path must begin with a slash, and other characters than A-Z a-z 0-9 -._~!$&'()*+,;=:@ are %-encoded"
    if "//" in path:
        return "the path has an empty segment"
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return "the path is not UTF-8"
    if _CONTROLS.search(decoded):
        return "the path has a control character"
    if "%" in path and _ENCODED_DOTS.search(path):
        return "a segment of the path is one or two encoded dots"
    return None
