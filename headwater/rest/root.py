"""What the REST API tells of the worker itself.

Source: ``org.apache.kafka.connect.runtime.rest.resources.RootResource``.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater import __version__
from headwater.rest import schemas
from headwater.rest.operations import Operations
from headwater.rest.requests import worker_of
from headwater.worker.health import Health

OPERATIONS = Operations("Worker")

CONNECT_VERSION = "4.3.1"
"""The Kafka Connect whose REST API this is; clients compare versions, so `GET /` gives this one."""

_HEALTH_STATUS = {
    Health.HEALTHY: HTTPStatus.OK,
    Health.STARTING: HTTPStatus.SERVICE_UNAVAILABLE,
    Health.UNHEALTHY: HTTPStatus.INTERNAL_SERVER_ERROR,
}


@OPERATIONS("GET", "/", "Show versions and the Kafka cluster's id", {HTTPStatus.OK: schemas.SERVER})
async def show(request: Request) -> Response:
    """Kafka Connect's ``ServerInfo``."""
    cluster = await worker_of(request).kafka_cluster_id()
    return JSONResponse({"version": CONNECT_VERSION, "commit": f"headwater-{__version__}", "kafka_cluster_id": cluster})


@OPERATIONS("GET", "/openapi.json", "Show this description", {HTTPStatus.OK: {"type": "object"}})
async def description(request: Request) -> Response:
    return JSONResponse(request.app.state.description)


@OPERATIONS(
    "GET",
    "/health",
    "Show whether the worker has started and takes changes",
    dict.fromkeys(_HEALTH_STATUS.values(), schemas.HEALTH),
)
async def health(request: Request) -> Response:
    """Kafka Connect's ``WorkerStatus`` (KIP-1017)."""
    found = await worker_of(request).health()
    return JSONResponse({"status": found.value, "message": found.message}, _HEALTH_STATUS[found])
