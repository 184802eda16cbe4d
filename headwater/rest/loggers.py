"""The worker's loggers over the REST API (KIP-495, KIP-976).

Source: ``org.apache.kafka.connect.runtime.rest.resources.LoggingResource``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.rest import schemas
from headwater.rest.errors import RestError
from headwater.rest.operations import NOTHING, Operations, Query
from headwater.rest.requests import read_log_level, worker_of
from headwater.worker.log_levels import LoggerLevel

OPERATIONS = Operations("Loggers")

_SCOPE = Query(
    "scope",
    schemas.STRING,
    "worker, or cluster: then the answer has no body. Everything else is taken as worker; a standalone worker is all"
    " of its cluster.",
)


@OPERATIONS(
    "GET",
    "/admin/loggers",
    "List the levels of the worker's loggers",
    {HTTPStatus.OK: schemas.by_name(schemas.LOGGER)},
)
async def list_all(request: Request) -> Response:
    levels = worker_of(request).log_levels()
    return JSONResponse({name: _level(level) for name, level in levels.items()})


@OPERATIONS(
    "GET",
    "/admin/loggers/{logger}",
    "Show a logger's level: its own, or the one that it inherits",
    {HTTPStatus.OK: schemas.LOGGER},
    errors={HTTPStatus.NOT_FOUND: "There is no such logger."},
)
async def show(request: Request) -> Response:
    name = _logger_name(request)
    level = worker_of(request).log_level(name)
    if level is None:
        raise RestError(HTTPStatus.NOT_FOUND, f"Logger {name} not found.")
    return JSONResponse(_level(level))


@OPERATIONS(
    "PUT",
    "/admin/loggers/{logger}",
    "Change the level of a logger and of all below it, at once and until the worker ends",
    {HTTPStatus.OK: schemas.STRINGS, HTTPStatus.NO_CONTENT: NOTHING},
    errors={HTTPStatus.BAD_REQUEST: "No level is given.", HTTPStatus.NOT_FOUND: "There is no such level."},
    query=[_SCOPE],
    body=schemas.LOGGER_CHANGE,
)
async def change(request: Request) -> Response:
    """The names whose level is another now."""
    changed = worker_of(request).set_log_level(_logger_name(request), await read_log_level(request))
    if request.query_params.get("scope", "").lower() == "cluster":
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return JSONResponse(changed)


def _logger_name(request: Request) -> str:
    return unquote(request.path_params["logger"])


def _level(level: LoggerLevel) -> dict[str, Any]:
    """Kafka Connect's ``LoggerLevel``."""
    return {"level": level.level, "last_modified": level.last_modified}
