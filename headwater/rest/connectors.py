"""Connectors and their configurations, over the REST API.

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.rest import schemas
from headwater.rest.operations import NOTHING, Operations, Query
from headwater.rest.requests import connector_name, read_config, read_creation, read_patch, worker_of
from headwater.rest.states import state_info
from headwater.worker.worker import Worker

OPERATIONS = Operations("Connectors")

_IN_A_SEGMENT = "!$&'()*+,;=:@~"
"""What stands for itself in a path's segment (RFC 3986, ``pchar``)."""

_INVALID = {HTTPStatus.BAD_REQUEST: "The configuration is invalid: what is wrong with it."}
_UNKNOWN = {HTTPStatus.NOT_FOUND: "There is no such connector."}
_EXPAND = Query(
    "expand",
    {**schemas.STRINGS, "examples": [["info"], ["status"], ["info", "status"]]},
    "What to show of each connector in place of its name only: info, status or both.",
)


@OPERATIONS("GET", "/connectors", "List connectors", {HTTPStatus.OK: schemas.CONNECTORS}, query=[_EXPAND])
async def list_all(request: Request) -> Response:
    """The names, or for each name what ``expand`` asks for: ``info``, ``status``, or both."""
    worker = worker_of(request)
    if "expand" not in request.query_params:
        return JSONResponse(worker.connectors())
    asked = request.query_params.getlist("expand")
    expansions = {what: expand for what, expand in _EXPANSIONS.items() if what in asked}
    return JSONResponse(
        {name: {what: expand(worker, name) for what, expand in expansions.items()} for name in worker.connectors()}
    )


@OPERATIONS(
    "POST",
    "/connectors",
    "Create a connector",
    {HTTPStatus.CREATED: schemas.CONNECTOR},
    errors={**_INVALID, HTTPStatus.CONFLICT: "There is a connector of that name already."},
    body=schemas.CREATION,
)
async def create(request: Request) -> Response:
    name, config, target = await read_creation(request)
    worker = worker_of(request)
    await worker.create(name, config, target)
    return _created(request, worker, name)


@OPERATIONS(
    "GET",
    "/connectors/{connector}",
    "Show a connector's configuration and tasks",
    {HTTPStatus.OK: schemas.CONNECTOR},
    errors=_UNKNOWN,
)
async def show(request: Request) -> Response:
    return JSONResponse(_connector_info(worker_of(request), connector_name(request)))


@OPERATIONS(
    "DELETE",
    "/connectors/{connector}",
    "Stop a connector and forget it; its offsets stay",
    {HTTPStatus.NO_CONTENT: NOTHING},
    errors=_UNKNOWN,
)
async def delete(request: Request) -> Response:
    await worker_of(request).delete(connector_name(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@OPERATIONS(
    "GET",
    "/connectors/{connector}/config",
    "Show a connector's configuration",
    {HTTPStatus.OK: schemas.CONFIG},
    errors=_UNKNOWN,
)
async def show_config(request: Request) -> Response:
    return JSONResponse(worker_of(request).config(connector_name(request)))


@OPERATIONS(
    "PUT",
    "/connectors/{connector}/config",
    "Create a connector, or replace its configuration",
    {HTTPStatus.OK: schemas.CONNECTOR, HTTPStatus.CREATED: schemas.CONNECTOR},
    errors=_INVALID,
    body=schemas.NEW_CONFIG,
)
async def put_config(request: Request) -> Response:
    name, worker = connector_name(request), worker_of(request)
    created = await worker.put(name, await read_config(request, name))
    return _created(request, worker, name) if created else JSONResponse(_connector_info(worker, name))


@OPERATIONS(
    "PATCH",
    "/connectors/{connector}/config",
    "Merge options into a connector's configuration",
    {HTTPStatus.OK: schemas.CONNECTOR},
    errors={**_INVALID, **_UNKNOWN},
    body=schemas.CONFIG_PATCH,
)
async def patch_config(request: Request) -> Response:
    name, worker = connector_name(request), worker_of(request)
    await worker.patch(name, await read_patch(request, name))
    return JSONResponse(_connector_info(worker, name))


def _created(request: Request, worker: Worker, name: str) -> Response:
    return JSONResponse(
        _connector_info(worker, name),
        HTTPStatus.CREATED,
        {"Location": f"{request.base_url}connectors/{quote(name, safe=_IN_A_SEGMENT)}"},
    )


def _connector_info(worker: Worker, name: str) -> dict[str, Any]:
    """Kafka Connect's ``ConnectorInfo``."""
    return {
        "name": name,
        "config": worker.config(name),
        "tasks": [{"connector": name, "task": task} for task in worker.tasks(name)],
        "type": "source",
    }


def _connector_status(worker: Worker, name: str) -> dict[str, Any]:
    return state_info(name, worker.statuses(name))


_EXPANSIONS = {"info": _connector_info, "status": _connector_status}
"""What a list of connectors can show of each."""
