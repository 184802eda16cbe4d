"""One request to a worker and its answer, without what is the worker's own."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.worker_process import DEADLINE

JSON = {"Content-Type": "application/json"}

APART = {"version", "commit", "worker_id", "trace", "last_modified", "pos", "ts_sec"}
"""Members whose values may differ; which type they have must not."""


@dataclass(frozen=True, slots=True)
class Request:
    """``body`` is sent as JSON, or as it is where it is bytes."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    def __str__(self) -> str:
        shown = self.body.decode(errors="replace") if isinstance(self.body, bytes) else json.dumps(self.body)
        body = "" if self.body is None else f" {shown}"
        headers = "" if self.headers == JSON else f" {dict(self.headers)}"
        return f"{self.method} {self.path}{headers}{body}"


def get(path: str, **headers: str) -> Request:
    return Request("GET", path, headers=headers)


def delete(path: str) -> Request:
    return Request("DELETE", path, headers={})


def post(path: str, body: object = None) -> Request:
    return Request("POST", path, body)


def put(path: str, body: object = None) -> Request:
    return Request("PUT", path, body)


def patch(path: str, body: object = None) -> Request:
    return Request("PATCH", path, body)


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is parsed: as JSON, or as the list that OPTIONS answers, in no order."""

    status: int
    content_type: str | None
    location: str | None
    allow: frozenset[str]
    body: Any


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the two workers, whose connectors have MySQL server ids of their own.

    ``SERVER_ID_nn`` in a request stands for ``server_ids`` and two digits.
    """

    name: str
    url: str
    server_ids: str

    def ask(self, request: Request) -> Answer:
        """The worker's answer to a request that is sent just as it is written."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE)
        try:
            connection.putrequest(
                request.method, request.path, skip_host="Host" in request.headers, skip_accept_encoding=True
            )
            body = self._bytes(request.body)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return self._answer(response, response.read())
        finally:
            connection.close()

    def _bytes(self, body: object) -> bytes | None:
        if body is None or isinstance(body, bytes):
            return body
        return json.dumps(body).replace("SERVER_ID_", self.server_ids).encode()

    def _answer(self, response: http.client.HTTPResponse, body: bytes) -> Answer:
        content_type = response.getheader("Content-Type")
        location = response.getheader("Location")
        text = re.sub(rf"\b{self.server_ids}(?=\d\d\b)", "SERVER_ID_", body.decode(errors="replace"))
        return Answer(
            status=response.status,
            content_type=content_type,
            location=location and location.replace(self.url, "http://WORKER"),
            allow=frozenset(re.findall(r"\w+", response.getheader("Allow") or "")),
            body=set(text.split(", ")) if content_type == "text/plain" else _common(_parsed(text)),
        )


def _parsed(text: str) -> Any:
    """The document, also where the content type doesn't say that it is one; other text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _common(value: Any) -> Any:
    """A document without what may differ."""
    match value:
        case dict():
            return {name: _type(member) if name in APART else _common(member) for name, member in value.items()}
        case list():
            return [_common(member) for member in value]
        case _:
            return value


def _type(value: Any) -> str:
    return f"<{type(value).__name__}>"
