"""Connectors' offsets over the REST API (KIP-875).

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource``.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.rest import schemas
from headwater.rest.operations import Operations
from headwater.rest.requests import connector_name, read_offsets, worker_of

OPERATIONS = Operations("Offsets")

_UNKNOWN = {HTTPStatus.NOT_FOUND: "There is no such connector."}


@OPERATIONS(
    "GET",
    "/connectors/{connector}/offsets",
    "Show a connector's offsets as stored last",
    {HTTPStatus.OK: schemas.OFFSETS},
    errors=_UNKNOWN,
)
async def show(request: Request) -> Response:
    """Kafka Connect's ``ConnectorOffsets``."""
    stored = worker_of(request).offsets(connector_name(request))
    return JSONResponse({"offsets": [{"partition": partition, "offset": offset} for partition, offset in stored]})


@OPERATIONS(
    "PATCH",
    "/connectors/{connector}/offsets",
    "Replace or remove offsets of a stopped connector",
    {HTTPStatus.OK: schemas.MESSAGE},
    errors={**_UNKNOWN, HTTPStatus.BAD_REQUEST: "The connector is not stopped, or an offset can't be taken."},
    body=schemas.OFFSETS,
)
async def alter(request: Request) -> Response:
    offsets = await read_offsets(request)
    await worker_of(request).alter_offsets(connector_name(request), offsets)
    return JSONResponse({"message": "The offsets for this connector have been altered successfully"})


@OPERATIONS(
    "DELETE",
    "/connectors/{connector}/offsets",
    "Remove all offsets of a stopped connector: it begins anew",
    {HTTPStatus.OK: schemas.MESSAGE},
    errors={**_UNKNOWN, HTTPStatus.BAD_REQUEST: "The connector is not stopped."},
)
async def reset(request: Request) -> Response:
    await worker_of(request).reset_offsets(connector_name(request))
    return JSONResponse({"message": "The offsets for this connector have been reset successfully"})
