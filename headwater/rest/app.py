"""Kafka Connect's REST API as an application: every operation's route, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from headwater.rest import connectors, loggers, metrics, offsets, plugins, root, states, topics, validation
from headwater.rest.address import Addresses
from headwater.rest.errors import EXCEPTION_HANDLERS
from headwater.rest.hosts import HostCheck, KnownHosts
from headwater.rest.limits import Limits
from headwater.rest.openapi import describe
from headwater.rest.operations import Operation
from headwater.rest.requests import JSON, check_acceptable, check_media_type
from headwater.worker.worker import Worker
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

MAIN_OPERATIONS = tuple(
    operation
    for module in (root, connectors, states, topics, offsets, plugins, validation, metrics)
    for operation in module.OPERATIONS
)
ADMIN_OPERATIONS = tuple(loggers.OPERATIONS)
"""What ``admin.listeners`` has a place of its own for."""
OPERATIONS = MAIN_OPERATIONS + ADMIN_OPERATIONS
"""Everything that can be asked for."""


def create_app(worker: Worker, config: WorkerConfig, operations: Sequence[Operation]) -> ASGIApp:
    """An API of ``worker``, which was made with ``config``, that has these operations and no others."""
    app = Starlette(
        routes=routes(operations),
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.worker = worker
    app.state.description = describe(operations)
    allowed, own = KnownHosts(config.allowed_hosts), KnownHosts([*config.allowed_hosts, *config.own_hosts])
    return Limits(HostCheck(Addresses(app), own, allowed))


def routes(operations: Iterable[Operation]) -> list[Route]:
    """A route for each path, with all its methods."""
    by_path = groupby(sorted(operations, key=attrgetter("path")), key=attrgetter("path"))
    return [_route(path, {operation.method: operation for operation in group}) for path, group in by_path]


def _route(path: str, operations: Mapping[str, Operation]) -> Route:
    """One path with all its methods, so that OPTIONS and a 405 can name those that are allowed."""
    methods = [*(["HEAD"] if "GET" in operations else []), *operations, "OPTIONS"]
    allowed = ", ".join(methods)

    async def dispatch(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(allowed, headers={"Allow": allowed, "Content-Type": "text/plain"})
        operation = operations["GET" if request.method == "HEAD" else request.method]
        if operation.media_type == JSON:
            check_acceptable(request)
        check_media_type(request, has_body=operation.body is not None)
        response = await operation.handler(request)
        log.debug("request", method=request.method, path=request.url.path, status=response.status_code)
        return response

    return Route(path, dispatch, methods=methods)
