"""Kafka Connect's REST API: its paths, status codes and bodies.

Source: ``org.apache.kafka.connect.runtime.rest.resources.RootResource`` and ``ConnectorsResource``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater import __version__
from headwater.rest.errors import EXCEPTION_HANDLERS
from headwater.rest.plugins import list_plugins, plugin_config
from headwater.rest.requests import (
    check_acceptable,
    connector_name,
    flag,
    read_config,
    read_creation,
    read_offsets,
    read_patch,
    task_number,
)
from headwater.store import Status
from headwater.worker.worker import Worker

Handler = Callable[[Request], Awaitable[Response]]

CONNECT_VERSION = "4.3.1"
"""The Kafka Connect whose REST API this is; clients compare versions, so `GET /` gives this one."""


def create_app(worker: Worker) -> ASGIApp:
    """The API of ``worker``."""
    app = Starlette(
        routes=[
            _route("/", GET=_root),
            _route("/connectors", GET=_list, POST=_create),
            _route("/connectors/{connector}", GET=_info, DELETE=_delete),
            _route("/connectors/{connector}/config", GET=_config, PUT=_put_config, PATCH=_patch_config),
            _route("/connectors/{connector}/status", GET=_status),
            _route("/connectors/{connector}/pause", PUT=_pause),
            _route("/connectors/{connector}/resume", PUT=_resume),
            _route("/connectors/{connector}/stop", PUT=_stop),
            _route("/connectors/{connector}/restart", POST=_restart),
            _route("/connectors/{connector}/offsets", GET=_offsets, PATCH=_alter_offsets, DELETE=_reset_offsets),
            _route("/connectors/{connector}/topics", GET=_topics),
            _route("/connectors/{connector}/topics/reset", PUT=_reset_topics),
            _route("/connectors/{connector}/tasks", GET=_tasks),
            _route("/connectors/{connector}/tasks/{task}/status", GET=_task_status),
            _route("/connectors/{connector}/tasks/{task}/restart", POST=_restart_task),
            _route("/connector-plugins", GET=list_plugins),
            _route("/connector-plugins/{plugin}/config", GET=plugin_config),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.worker = worker
    return _PathAsSent(app)


def _route(path: str, **handlers: Handler) -> Route:
    """One path with a handler for each method, so that a 405 can name all that are allowed."""

    async def dispatch(request: Request) -> Response:
        check_acceptable(request)
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=list(handlers))


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


def _worker(request: Request) -> Worker:
    worker = request.app.state.worker
    assert isinstance(worker, Worker)  # noqa: S101 - set when the application was made
    return worker


async def _root(request: Request) -> Response:
    cluster = await _worker(request).kafka_cluster_id()
    return JSONResponse({"version": CONNECT_VERSION, "commit": f"headwater-{__version__}", "kafka_cluster_id": cluster})


async def _list(request: Request) -> Response:
    """The names, or for each name what ``expand`` asks for: ``info``, ``status``, or both."""
    worker = _worker(request)
    if "expand" not in request.query_params:
        return JSONResponse(worker.connectors())
    asked = request.query_params.getlist("expand")
    expansions = {what: expand for what, expand in _EXPANSIONS.items() if what in asked}
    return JSONResponse(
        {name: {what: expand(worker, name) for what, expand in expansions.items()} for name in worker.connectors()}
    )


async def _create(request: Request) -> Response:
    name, config, target = await read_creation(request)
    worker = _worker(request)
    await worker.create(name, config, target)
    return _created(request, worker, name)


async def _info(request: Request) -> Response:
    return JSONResponse(_connector_info(_worker(request), connector_name(request)))


async def _config(request: Request) -> Response:
    return JSONResponse(_worker(request).config(connector_name(request)))


async def _put_config(request: Request) -> Response:
    name, worker = connector_name(request), _worker(request)
    created = await worker.put(name, await read_config(request, name))
    return _created(request, worker, name) if created else JSONResponse(_connector_info(worker, name))


async def _patch_config(request: Request) -> Response:
    name, worker = connector_name(request), _worker(request)
    await worker.patch(name, await read_patch(request, name))
    return JSONResponse(_connector_info(worker, name))


async def _status(request: Request) -> Response:
    return JSONResponse(_connector_status(_worker(request), connector_name(request)))


async def _pause(request: Request) -> Response:
    await _worker(request).pause(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)


async def _resume(request: Request) -> Response:
    await _worker(request).resume(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)


async def _stop(request: Request) -> Response:
    await _worker(request).stop_connector(connector_name(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _restart(request: Request) -> Response:
    name, include_tasks, only_failed = (
        connector_name(request),
        flag(request, "includeTasks"),
        flag(request, "onlyFailed"),
    )
    statuses = await _worker(request).restart(name, include_tasks=include_tasks, only_failed=only_failed)
    if not include_tasks and not only_failed:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return JSONResponse(_state_info(name, statuses), HTTPStatus.ACCEPTED)


async def _tasks(request: Request) -> Response:
    """Kafka Connect's ``TaskInfo`` of each task."""
    name, worker = connector_name(request), _worker(request)
    return JSONResponse(
        [{"id": {"connector": name, "task": task}, "config": worker.task_config(name)} for task in worker.tasks(name)]
    )


async def _offsets(request: Request) -> Response:
    """Kafka Connect's ``ConnectorOffsets``."""
    stored = _worker(request).offsets(connector_name(request))
    return JSONResponse({"offsets": [{"partition": partition, "offset": offset} for partition, offset in stored]})


async def _alter_offsets(request: Request) -> Response:
    offsets = await read_offsets(request)
    await _worker(request).alter_offsets(connector_name(request), offsets)
    return JSONResponse({"message": "The offsets for this connector have been altered successfully"})


async def _reset_offsets(request: Request) -> Response:
    await _worker(request).reset_offsets(connector_name(request))
    return JSONResponse({"message": "The offsets for this connector have been reset successfully"})


async def _topics(request: Request) -> Response:
    """Kafka Connect's ``ActiveTopicsInfo``, by the connector's name."""
    name = connector_name(request)
    return JSONResponse({name: {"topics": _worker(request).topics(name)}})


async def _reset_topics(request: Request) -> Response:
    _worker(request).reset_topics(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)


async def _task_status(request: Request) -> Response:
    return JSONResponse(_task(_worker(request).task_status(connector_name(request), task_number(request))))


async def _restart_task(request: Request) -> Response:
    await _worker(request).restart_task(connector_name(request), task_number(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _delete(request: Request) -> Response:
    await _worker(request).delete(connector_name(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _created(request: Request, worker: Worker, name: str) -> Response:
    # Tasks come after the connector, so a new one shows none: what Connect's distributed mode answers.
    return JSONResponse(
        _connector(name, worker.config(name), []),
        HTTPStatus.CREATED,
        {"Location": f"{request.base_url}connectors/{quote(name, safe='')}"},
    )


def _connector_info(worker: Worker, name: str) -> dict[str, Any]:
    return _connector(name, worker.config(name), worker.tasks(name))


def _connector_status(worker: Worker, name: str) -> dict[str, Any]:
    return _state_info(name, worker.statuses(name))


_EXPANSIONS = {"info": _connector_info, "status": _connector_status}
"""What a list of connectors can show of each."""


def _connector(name: str, config: dict[str, str], tasks: list[int]) -> dict[str, Any]:
    """Kafka Connect's ``ConnectorInfo``."""
    return {
        "name": name,
        "config": config,
        "tasks": [{"connector": name, "task": task} for task in tasks],
        "type": "source",
    }


def _state_info(name: str, statuses: Sequence[Status]) -> dict[str, Any]:
    """Kafka Connect's ``ConnectorStateInfo`` of the connector's status and its tasks'."""
    connector, *tasks = statuses
    return {
        "name": name,
        "connector": _state(connector),
        "tasks": [_task(task) for task in tasks],
        "type": "source",
    }


def _task(status: Status) -> dict[str, Any]:
    """Kafka Connect's ``TaskState``."""
    return {"id": status.task, **_state(status)}


def _state(status: Status) -> dict[str, str]:
    """Kafka Connect's ``ConnectorState``; a trace is there only where there is one."""
    state = {"state": status.state.value, "worker_id": status.worker_id, "version": __version__}
    return {**state, "trace": status.trace} if status.trace else state
