"""Schema registries that speak the API of Confluent's, over HTTP.

Source: Confluent's API reference of Schema Registry (7.0), and ``RestService`` for what is tried again and where.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from headwater.converters.schema_registry.registry import (
    IncompatibleSchemaError,
    NotRegisteredError,
    Registered,
    RegistryError,
    SchemaType,
)

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
"""Answers after which another server, or the same a little later, may give a better one."""
LONGEST_ANSWER = 64 << 20
"""Bytes of an answer that are read: a schema has far fewer."""
LONGEST_MESSAGE = 4000
"""Characters of a registry's own words that are passed on."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a registry.

    ``urls``             of servers that know the same, the first to be asked first
    ``authorization``    the header of that name; a name and password in a URL come before it
    ``tls``              for ``https``; None for what Python trusts
    ``proxy``            host and port
    ``timeout``          seconds that connecting, and each wait for a part of the answer, may take
    ``retries``          how often to ask all of them again, after ``first_wait`` seconds, doubled each time up to
                         ``longest_wait``
    """

    urls: Sequence[str]
    authorization: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    proxy: str | None = None
    timeout: float = 60.0
    retries: int = 3
    first_wait: float = 1.0
    longest_wait: float = 20.0


class RegistryClient:
    """`headwater.converters.schema_registry.registry.SchemaRegistry`."""

    def __init__(self, connection: Connection, type_: SchemaType = SchemaType.AVRO, *, normalize: bool = False) -> None:
        self._connection = connection
        self._type = type_
        self._servers = [_Server.of(url, connection.authorization) for url in connection.urls]
        self._normalize = "true" if normalize else "false"
        proxies = dict.fromkeys(("http", "https"), connection.proxy) if connection.proxy else {}
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=connection.tls), _NoRedirect()
        )

    def register(self, subject: str, text: str) -> int:
        """As `SchemaRegistry.register`."""
        path = f"/subjects/{quote(subject, safe='')}/versions?normalize={self._normalize}"
        return _number(self._ask(path, self._body(text)))

    def look_up(self, subject: str, text: str) -> int:
        """As `SchemaRegistry.look_up`."""
        path = f"/subjects/{quote(subject, safe='')}?normalize={self._normalize}&deleted=false"
        return _number(self._ask(path, self._body(text)))

    def latest(self, subject: str) -> Registered:
        """As `SchemaRegistry.latest`."""
        answer = self._ask(f"/subjects/{quote(subject, safe='')}/versions/latest")
        return Registered(_number(answer), self._text(answer))

    def by_id(self, number: int) -> Registered:
        """As `SchemaRegistry.by_id`."""
        return Registered(number, self._text(self._ask(f"/schemas/ids/{number}")))

    def _body(self, text: str) -> dict[str, str]:
        """A schema as it is sent; one without a type is Avro."""
        return {"schema": text} if self._type is SchemaType.AVRO else {"schema": text, "schemaType": self._type}

    def _text(self, answer: Any) -> str:
        """The text of the schema in an answer. Raises `IncompatibleSchemaError` for one of another type."""
        match answer:
            case {"schema": str(text)}:
                found = answer.get("schemaType") or SchemaType.AVRO
                if found != self._type:
                    raise IncompatibleSchemaError(f"the registry's schema is {found}, not {self._type}")
                return text
        raise RegistryError(f"the registry's answer has no schema: {str(answer)[:LONGEST_MESSAGE]}")

    def _ask(self, path: str, body: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON. Each server is asked in turn; the one that answers is asked first from then on."""
        wait = self._connection.first_wait
        for attempt in range(self._connection.retries + 1):
            for _ in range(len(self._servers)):
                try:
                    return self._ask_server(self._servers[0], path, body)
                except _PassingError as error:
                    passing = error
                self._servers.append(self._servers.pop(0))
            if attempt < self._connection.retries:
                time.sleep(wait)
                wait = min(self._connection.longest_wait, wait * 2)
        raise passing

    def _ask_server(self, server: _Server, path: str, body: Mapping[str, str] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - its scheme was checked with the options
            server.url + path, None if body is None else json.dumps(body).encode(), server.headers
        )
        try:
            with self._opener.open(request, timeout=self._connection.timeout) as response:
                return json.loads(response.read(LONGEST_ANSWER))
        except HTTPError as error:
            with error:
                raise _refusal(server.url, error) from None
        except ValueError as error:
            raise RegistryError(f"{server.url} gives no JSON, is it a schema registry? {error}") from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise _PassingError(f"{server.url} can't be asked: {reason or type(error).__name__}") from error


class _PassingError(RegistryError):
    """One that may be gone the next time."""


@dataclass(frozen=True, slots=True)
class _Server:
    url: str
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str, authorization: str | None) -> _Server:
        """A URL's name and password stand in no message."""
        parts = urlsplit(url)
        if parts.username is not None:
            authorization = basic(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
        host = parts.netloc.rpartition("@")[2]
        headers = {"Content-Type": CONTENT_TYPE, "Accept": f"{CONTENT_TYPE}, application/json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        return cls(urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), headers)


def basic(user_info: str) -> str:
    """The header that signs in with ``name:password``."""
    return f"Basic {base64.b64encode(user_info.encode()).decode()}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A credential must not go where an answer says."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


def _refusal(url: str, error: HTTPError) -> RegistryError:
    """An answer that is none of the good ones, by its code."""
    content = error.read(LONGEST_ANSWER)
    try:
        document = json.loads(content)
        message = str(document["message"])
        code = int(document.get("error_code", error.code))
    except (ValueError, KeyError, TypeError):
        message, code = content.decode(errors="replace") or error.reason, error.code
    text = f"{url} answers {error.code}: {message[:LONGEST_MESSAGE]}"
    if error.code == HTTPStatus.CONFLICT:
        return IncompatibleSchemaError(text)
    if error.code == HTTPStatus.NOT_FOUND and code in (40401, 40402, 40403):
        return NotRegisteredError(text)
    if error.code == HTTPStatus.UNAUTHORIZED:
        return RegistryError(f"{text}: set basic.auth.credentials.source=USER_INFO and basic.auth.user.info")
    return _PassingError(text) if error.code in PASSING else RegistryError(text)


def _number(answer: Any) -> int:
    match answer:
        case {"id": int(number)} if 0 <= number < 1 << 31:
            return number
    raise RegistryError(f"the registry's answer has no schema's id: {str(answer)[:LONGEST_MESSAGE]}")
