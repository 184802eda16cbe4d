"""The REST API's description in OpenAPI 3.1, from the declared operations: served at ``/openapi.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from headwater import __version__
from headwater.rest import schemas
from headwater.rest.operations import NOTHING, Operation, Schema
from headwater.rest.requests import JSON

_SEGMENTS = {
    "connector": "A connector's name.",
    "logger": "A logger's name: a module of Headwater, a Java package that it takes the place of, or root.",
    "plugin": "A plugin's class: its whole name, its last part, or a short name.",
    "task": "A task's number.",
}
"""What stands in a path's segment, by its name."""

_EVERYWHERE = {
    HTTPStatus.BAD_REQUEST: "The request is not well-formed.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too long.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many requests are under way.",
    HTTPStatus.FORBIDDEN: "The Host or the Origin header names something that may not use this API.",
}
_JSON_ONLY = {HTTPStatus.NOT_ACCEPTABLE: "The Accept header excludes JSON."}
_CHANGING = {HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The content type is not application/json."}
_WITH_BODY = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large."}


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headwater",
            "summary": "Kafka Connect's REST API, and what Headwater adds to it.",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas.COMPONENTS},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _identifier(operation),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _identifier(operation: Operation) -> str:
    """``loggers.change`` for the function ``change`` in the module ``loggers``."""
    return f"{operation.handler.__module__.rpartition('.')[2]}.{operation.handler.__name__}"


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _SEGMENTS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": query.name, "in": "query", "required": False, "description": query.doc, "schema": query.schema}
        for query in operation.query
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    responses = {
        str(int(status)): {
            "description": status.phrase,
            **({} if schema is NOTHING else {"content": {operation.media_type: {"schema": schema}}}),
        }
        for status, schema in operation.answers.items()
    }
    errors = {**_EVERYWHERE, **operation.errors}
    if operation.media_type == JSON:
        errors |= _JSON_ONLY
    if operation.method != "GET":
        errors |= _CHANGING
    if operation.body is not None:
        errors |= _WITH_BODY
    for status, doc in sorted(errors.items()):
        responses.setdefault(str(int(status)), {"description": doc, "content": _json(schemas.ERROR)})
    return dict(sorted(responses.items()))


def _json(schema: Schema) -> dict[str, Any]:
    return {JSON: {"schema": schema}}
