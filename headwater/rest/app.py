"""Kafka Connect's REST API as an application: every operation's route, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.rest import connectors, loggers, metrics, offsets, plugins, root, states, topics, validation
from headwater.rest.errors import EXCEPTION_HANDLERS
from headwater.rest.hosts import HostCheck, KnownHosts
from headwater.rest.openapi import describe
from headwater.rest.operations import Operation
from headwater.rest.requests import JSON, check_acceptable, check_media_type
from headwater.worker.worker import Worker
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

OPERATIONS = tuple(
    operation
    for module in (root, connectors, states, topics, offsets, plugins, validation, loggers, metrics)
    for operation in module.OPERATIONS
)
"""Everything that can be asked for."""


def create_app(worker: Worker, config: WorkerConfig) -> ASGIApp:
    """The API of ``worker``, which was made with ``config``."""
    app = Starlette(
        routes=routes(),
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.worker = worker
    app.state.description = describe(OPERATIONS)
    allowed, own = KnownHosts(config.allowed_hosts), KnownHosts([*config.allowed_hosts, *config.own_hosts])
    return HostCheck(_PathAsSent(app), own, allowed)


def routes() -> list[Route]:
    """A route for each path, with all its methods."""
    by_path = groupby(sorted(OPERATIONS, key=attrgetter("path")), key=attrgetter("path"))
    return [_route(path, {operation.method: operation for operation in group}) for path, group in by_path]


def _route(path: str, operations: Mapping[str, Operation]) -> Route:
    """One path with all its methods, so that a 405 can name those that are allowed."""

    async def dispatch(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        if operation.media_type == JSON:
            check_acceptable(request)
        check_media_type(request, has_body=operation.body is not None)
        response = await operation.handler(request)
        log.debug("request", method=request.method, path=request.url.path, status=response.status_code)
        return response

    return Route(path, dispatch, methods=list(operations))


class _PathAsSent:
    """Routes by the path as it was sent, without a trailing slash.

    As sent: a percent-encoded slash belongs to a connector's name and doesn't separate.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["raw_path"].decode("latin-1").rstrip("/") or "/"
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)
