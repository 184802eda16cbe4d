"""The tasks of a worker's connectors: what runs, and the status of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

import structlog

from headwater.logs import set_level
from headwater.store import State, Status, Store
from headwater.worker.fork_server import ForkServer
from headwater.worker.log_levels import LogLevels
from headwater.worker.orders import ResetTopics, SetLogLevel
from headwater.worker.supervisor import Supervisor
from headwater.worker.task import TaskSpec
from headwater.worker.task_record import TaskRecord
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

TASK = 0
"""The number of a connector's only task: a source reads one log."""


class Tasks:
    """Starts and ends tasks, and keeps what is known of their state; used from one event loop.

    ``log_levels``  what the worker and its tasks write to their logs
    """

    def __init__(self, config: WorkerConfig, store: Store, fork_server: ForkServer) -> None:
        self.log_levels = LogLevels(config.log_level)
        self._config = config
        self._store = store
        self._fork_server = fork_server
        self._supervisors: dict[str, Supervisor] = {}
        self._records: dict[str, TaskRecord] = {}

    def start(self, name: str, connector_config: Mapping[str, str]) -> None:
        """Start a connector's task; it has none that runs."""
        self.put_status(name, None, State.RUNNING)
        self.put_status(name, TASK, State.UNASSIGNED)
        self._supervisors[name] = Supervisor(
            self._fork_server,
            partial(self._make_spec, name, connector_config),
            partial(self.put_status, name, TASK),
            self.record(name),
            self._config.graceful_seconds,
        )

    def is_started(self, name: str) -> bool:
        """Whether a connector's task was started and not ended since, whatever became of it."""
        return name in self._supervisors

    async def end(self, name: str) -> None:
        """Have a connector's task, if it has one, deliver what is under way and end."""
        supervisor = self._supervisors.pop(name, None)
        if supervisor is not None:
            await supervisor.stop()

    async def end_all(self) -> None:
        """Have every task end, all at the same time, because the worker does."""
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors.values()))
        for name in self._supervisors:
            self.put_status(name, TASK, State.UNASSIGNED)
            self.put_status(name, None, State.UNASSIGNED)
        self._supervisors.clear()

    def topics(self, name: str) -> list[str]:
        """The topics that a connector's messages went to since it was created or they were reset."""
        return self._store.topics(name)

    def reset_topics(self, name: str) -> None:
        """Forget the topics; a task that runs notes each again when the next message goes there."""
        self._store.delete_topics(name)
        supervisor = self._supervisors.get(name)
        if supervisor is not None:
            supervisor.send(ResetTopics())

    def set_log_level(self, name: str, level: str) -> list[str]:
        """Change the level of a logger and all below it, here and in every task: the names whose level is another."""
        loggers, names = self.log_levels.set(name, level)
        for logger in loggers:
            set_level(logger, level)
        for supervisor in self._supervisors.values():
            supervisor.send(SetLogLevel(loggers, level))
        return names

    def statuses(self, name: str) -> list[Status]:
        """The connector's status first, then its tasks'; empty where the connector is not known."""
        return self._store.statuses(name)

    def record(self, name: str) -> TaskRecord:
        """What is known of the process of a connector's task, and of those before it."""
        return self._records.setdefault(name, TaskRecord())

    def forget_record(self, name: str) -> None:
        """Forget it: the connector is deleted."""
        self._records.pop(name, None)

    def numbers(self, name: str) -> list[int]:
        """The numbers of a connector's tasks: none when it is stopped."""
        return [status.task for status in self.statuses(name) if status.task is not None]

    def has_failed(self, name: str) -> bool:
        """Whether one of a connector's tasks waits for someone to act."""
        return any(status.task is not None and status.state is State.FAILED for status in self.statuses(name))

    def forget(self, name: str) -> None:
        """Forget the status of each of a connector's tasks."""
        self._store.delete_task_statuses(name)

    def put_status(self, name: str, task: int | None, state: State, trace: str | None = None) -> None:
        """Replace the status of a connector (``task`` None) or of a task."""
        self._store.put_status(Status(name, task, state, self._config.worker_id, trace))
        if task is not None:
            level = logging.WARNING if state in (State.FAILED, State.RESTARTING) else logging.INFO
            reason = {"reason": trace.partition("\n")[0]} if trace else {}
            log.log(level, "task state", connector=name, task=task, state=state, **reason)

    def _make_spec(self, name: str, connector_config: Mapping[str, str]) -> TaskSpec:
        return TaskSpec(
            connector=name,
            task=TASK,
            epoch=self._store.begin_epoch(name, TASK),
            state_file=self._config.state_file,
            worker_config=self._config.properties,
            connector_config=connector_config,
            log_levels=self.log_levels.changes,
        )
