"""Keeps web pages of other sites from using the REST API through the browser of someone who can reach it.

A page can have its own name lead to this machine (DNS rebinding): then the Host header has that name, and no request
gets through. A page can also send some requests elsewhere without asking first: then the Origin header names its
site, and nothing is changed. Clients other than browsers send no Origin, and names that are known.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.rest.errors import error_response

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s\[\]:@/?#\\]+?)\.?)(?::(\d{0,5}))?", re.IGNORECASE)
_READING = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": "80", "https": "443"}


class KnownHosts:
    """The names that the REST API may be called by.

    Addresses and names without a dot always are: no site of the Internet has such a name, and inside a network or a
    container's they are what a worker is called by. Of those with dots, the ones in ``names`` are, those below one
    that begins with a dot, and all if one is ``*``.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = {name.lower().removesuffix(".") for name in names}
        self._domains = tuple(name for name in self._names if name.startswith("."))

    def __contains__(self, host: str) -> bool:
        return "." not in host or _is_address(host) or self.names(host)

    def names(self, host: str) -> bool:
        """Whether the host is one of those that are named."""
        return "*" in self._names or host in self._names or host.endswith(self._domains)


class HostCheck:
    """Lets requests through to ``app`` that are meant for this worker.

    ``known``    every name that the worker has
    ``allowed``  those that the worker's configuration allows: pages from there may change things too
    """

    def __init__(self, app: ASGIApp, known: KnownHosts, allowed: KnownHosts) -> None:
        self._app = app
        self._known = known
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope["method"], Headers(scope=scope))
            if refusal is not None:
                status, message = refusal
                await error_response(status, message)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> tuple[HTTPStatus, str] | None:
        host = headers.get("host")
        if host is None:  # a client of HTTP/1.0, which no browser is
            return None
        called = _host_and_port(host, "http")
        if called is None:
            return HTTPStatus.BAD_REQUEST, "The Host header must be HOST or HOST:PORT"
        if called[0] not in self._known:
            return HTTPStatus.FORBIDDEN, (
                f"This worker is not known as {called[0]!r:.300}. If it is meant, add the name to the worker's option"
                " rest.allowed.hosts; else a web page may be trying to use it"
            )
        origin = headers.get("origin")
        if origin is not None and method not in _READING and not self._may_change(origin, called):
            return HTTPStatus.FORBIDDEN, (
                f"Pages of {origin!r:.300} may not change anything here. If they are meant to, add the host's name to"
                " the worker's option rest.allowed.hosts"
            )
        return None

    def _may_change(self, origin: str, called: tuple[str, str]) -> bool:
        """Whether a page of ``origin`` is this worker's own, or of a host that is allowed."""
        try:
            url = urlsplit(origin)
        except ValueError:
            return False
        page = _host_and_port(url.netloc, url.scheme)
        return page is not None and (page == called or self._allowed.names(page[0]))


def _host_and_port(text: str, scheme: str) -> tuple[str, str] | None:
    """(host in lower case, port or nothing for the usual one) in a Host header or a URL; None where it is neither."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    address, name, port = match.groups()
    return (address or name).lower(), "" if port in (None, _PORTS.get(scheme)) else port


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
