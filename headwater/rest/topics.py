"""The topics that connectors' messages went to, over the REST API (KIP-558).

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource``.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.rest import schemas
from headwater.rest.operations import NOTHING, Operations
from headwater.rest.requests import connector_name, worker_of

OPERATIONS = Operations("Topics")


@OPERATIONS(
    "GET",
    "/connectors/{connector}/topics",
    "Show the topics that a connector's messages went to; an unknown connector has none",
    {HTTPStatus.OK: schemas.TOPICS},
    errors={HTTPStatus.FORBIDDEN: "The worker has topic.tracking.enable=false."},
)
async def show(request: Request) -> Response:
    """Kafka Connect's ``ActiveTopicsInfo``, by the connector's name."""
    name = connector_name(request)
    return JSONResponse({name: {"topics": worker_of(request).topics(name)}})


@OPERATIONS(
    "PUT",
    "/connectors/{connector}/topics/reset",
    "Forget the topics that a connector's messages went to",
    {HTTPStatus.ACCEPTED: NOTHING},
    errors={HTTPStatus.FORBIDDEN: "The worker has topic.tracking.enable=false or topic.tracking.allow.reset=false."},
)
async def reset(request: Request) -> Response:
    worker_of(request).reset_topics(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)
