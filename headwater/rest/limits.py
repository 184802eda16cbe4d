"""Bounds what a request may bring besides its body, as Kafka Connect's web server does."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.rest.errors import error_response

MAX_ADDRESS_BYTES = 8 << 10
"""How long the path and the query may be together."""

MAX_HEADER_BYTES = 16 << 10
"""How long the headers may be together, names and values."""


class Limits:
    """Lets requests through to ``app`` whose address and headers are not too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = None
            if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
                refusal = HTTPStatus.REQUEST_URI_TOO_LONG, f"The address is longer than {MAX_ADDRESS_BYTES} bytes"
            elif sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
                refusal = (
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"The headers are longer than {MAX_HEADER_BYTES} bytes",
                )
            if refusal is not None:
                await error_response(*refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)
