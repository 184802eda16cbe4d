"""What an operation of the REST API is: declared once, for the routes and for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

Schema = Mapping[str, Any]
"""A JSON Schema."""

NOTHING: Schema = {}
"""In place of an answer's schema: it has no body."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter that may be given, with the schema of its value."""

    name: str
    schema: Schema
    doc: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    ``answers``     the schema of the body of each answer that is not an error, by its status
    ``errors``      when an error is answered that has to do with what the operation does, by its status
    ``body``        the schema of the request's body, None where it has none
    ``media_type``  what the answers are, errors apart; a type other than JSON is answered whatever a client accepts
    """

    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    answers: Mapping[HTTPStatus, Schema]
    errors: Mapping[HTTPStatus, str]
    query: Sequence[Query]
    body: Schema | None
    media_type: str


class Operations:
    """Operations on one kind of thing, which the description puts together; iterates in the order of declaration.

    Called, it gives a decorator that declares the function below as a handler::

        @OPERATIONS("GET", "/connectors/{connector}", "Show a connector", {HTTPStatus.OK: CONNECTOR})
        async def show(request: Request) -> Response: ...
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._operations: list[Operation] = []

    def __call__(
        self,
        method: str,
        path: str,
        summary: str,
        answers: Mapping[HTTPStatus, Schema],
        *,
        errors: Mapping[HTTPStatus, str] | None = None,
        query: Sequence[Query] = (),
        body: Schema | None = None,
        media_type: str = "application/json",
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self._operations.append(
                Operation(method, path, handler, self.tag, summary, answers, errors or {}, query, body, media_type)
            )
            return handler

        return declare

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations)
