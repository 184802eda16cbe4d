"""The states of connectors and tasks, over the REST API: shown, and changed.

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource``.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater import __version__
from headwater.rest import schemas
from headwater.rest.operations import NOTHING, Operations, Query
from headwater.rest.requests import connector_name, flag, task_number, worker_of
from headwater.store import Status

OPERATIONS = Operations("States")

_UNKNOWN = {HTTPStatus.NOT_FOUND: "There is no such connector."}
_UNKNOWN_TASK = {HTTPStatus.NOT_FOUND: "There is no such task."}
_INCLUDE_TASKS = Query("includeTasks", schemas.FLAG, "Whether to restart the tasks too.")
_ONLY_FAILED = Query("onlyFailed", schemas.FLAG, "Whether to restart only what failed.")


@OPERATIONS(
    "GET",
    "/connectors/{connector}/status",
    "Show the states of a connector and its tasks",
    {HTTPStatus.OK: schemas.CONNECTOR_STATE},
    errors=_UNKNOWN,
)
async def show(request: Request) -> Response:
    name = connector_name(request)
    return JSONResponse(state_info(name, worker_of(request).statuses(name)))


@OPERATIONS(
    "PUT",
    "/connectors/{connector}/pause",
    "Have a connector deliver what is under way and rest",
    {HTTPStatus.ACCEPTED: NOTHING},
    errors=_UNKNOWN,
)
async def pause(request: Request) -> Response:
    await worker_of(request).pause(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)


@OPERATIONS(
    "PUT",
    "/connectors/{connector}/resume",
    "Have a paused or stopped connector go on",
    {HTTPStatus.ACCEPTED: NOTHING},
    errors=_UNKNOWN,
)
async def resume(request: Request) -> Response:
    await worker_of(request).resume(connector_name(request))
    return Response(status_code=HTTPStatus.ACCEPTED)


@OPERATIONS(
    "PUT",
    "/connectors/{connector}/stop",
    "Have a connector deliver what is under way, and remove its tasks",
    {HTTPStatus.NO_CONTENT: NOTHING},
    errors=_UNKNOWN,
)
async def stop(request: Request) -> Response:
    await worker_of(request).stop_connector(connector_name(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@OPERATIONS(
    "POST",
    "/connectors/{connector}/restart",
    "Restart a connector; with includeTasks or onlyFailed, say what is restarted",
    {HTTPStatus.NO_CONTENT: NOTHING, HTTPStatus.ACCEPTED: schemas.CONNECTOR_STATE},
    errors=_UNKNOWN,
    query=[_INCLUDE_TASKS, _ONLY_FAILED],
)
async def restart(request: Request) -> Response:
    name = connector_name(request)
    include_tasks, only_failed = flag(request, "includeTasks"), flag(request, "onlyFailed")
    statuses = await worker_of(request).restart(name, include_tasks=include_tasks, only_failed=only_failed)
    if not include_tasks and not only_failed:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return JSONResponse(state_info(name, statuses), HTTPStatus.ACCEPTED)


@OPERATIONS(
    "GET",
    "/connectors/{connector}/tasks",
    "Show what a connector's tasks are configured with",
    {HTTPStatus.OK: schemas.array(schemas.TASK_INFO)},
    errors=_UNKNOWN,
)
async def show_tasks(request: Request) -> Response:
    """Kafka Connect's ``TaskInfo`` of each task."""
    name, worker = connector_name(request), worker_of(request)
    return JSONResponse(
        [{"id": {"connector": name, "task": task}, "config": worker.task_config(name)} for task in worker.tasks(name)]
    )


@OPERATIONS(
    "GET",
    "/connectors/{connector}/tasks/{task}/status",
    "Show a task's state",
    {HTTPStatus.OK: schemas.TASK_STATE},
    errors=_UNKNOWN_TASK,
)
async def show_task(request: Request) -> Response:
    return JSONResponse(_task(worker_of(request).task_status(connector_name(request), task_number(request))))


@OPERATIONS(
    "POST",
    "/connectors/{connector}/tasks/{task}/restart",
    "Start a task anew from its offset",
    {HTTPStatus.NO_CONTENT: NOTHING},
    errors=_UNKNOWN_TASK,
)
async def restart_task(request: Request) -> Response:
    await worker_of(request).restart_task(connector_name(request), task_number(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def state_info(name: str, statuses: Sequence[Status]) -> dict[str, Any]:
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
