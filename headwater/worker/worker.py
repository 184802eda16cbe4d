"""The worker: it keeps connectors, and brings each to the state that is asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog

from headwater.config import ConfigError
from headwater.plugins import find_connector
from headwater.store import OffsetChange, State, Status, TargetState
from headwater.stores.sqlite import SqliteStore, StateFileError
from headwater.worker.connector_config import hide_secrets, keep_secrets, read_connector_config
from headwater.worker.errors import ConnectorExistsError, NotFoundError, NotStoppedError, TopicTrackingError
from headwater.worker.fork_server import ForkServer
from headwater.worker.health import TIMEOUT_SECONDS, Health
from headwater.worker.kafka_cluster import kafka_cluster_id
from headwater.worker.log_levels import LoggerLevel
from headwater.worker.option_names import OptionWarning, log_warnings
from headwater.worker.task_record import TaskRecord
from headwater.worker.tasks import Tasks
from headwater.worker.threads import in_daemon_thread
from headwater.worker.validation import Validation, check, validate
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

SURVIVOR_SECONDS = 30.0
"""How long a starting worker waits for tasks of a killed one; they end as soon as they notice."""

VALIDATIONS = 4
"""How many configurations are validated at the same time: each may wait for a server that doesn't answer."""

Given = ParamSpec("Given")
Gives = TypeVar("Gives")


def _change(
    method: Callable[Concatenate[Worker, Given], Coroutine[None, None, Gives]],
) -> Callable[Concatenate[Worker, Given], Coroutine[None, None, Gives]]:
    """Make changes one after the other, each to its end: a task must not be left half stopped.

    That is why they aren't cancelled with the requests that asked for them.
    """

    @wraps(method)
    async def change(worker: Worker, /, *args: Given.args, **kwargs: Given.kwargs) -> Gives:
        async def make() -> Gives:
            async with worker._changing:  # noqa: SLF001 - it is a part of the class
                return await method(worker, *args, **kwargs)

        return await asyncio.shield(make())

    return change


class Worker:
    """Connectors and their tasks; used from one event loop."""

    def __init__(self, config: WorkerConfig, store: SqliteStore, fork_server: ForkServer) -> None:
        self._config = config
        self._store = store
        self._connectors = store.connectors()
        self._targets = store.target_states()
        self._tasks = Tasks(config, store, fork_server)
        self._changing = asyncio.Lock()
        self._validating = asyncio.Semaphore(VALIDATIONS)
        self._has_started = False
        self._cluster_id: str | None = None
        self._asking_cluster: asyncio.Task[str | None] | None = None

    async def start(self) -> None:
        """Bring every stored connector to its target state.

        Raises `StateFileError` if tasks of an earlier worker don't end.
        """
        async with self._changing:
            if not await asyncio.to_thread(self._store.wait_for_survivors, SURVIVOR_SECONDS):
                raise StateFileError(
                    f"Tasks of an earlier worker still use {self._config.state_file}, {SURVIVOR_SECONDS:g} s after it"
                    f" ended; end them first (`fuser {self._config.state_file}.tasks` shows them)"
                )
            for name in self._connectors:
                self._apply_target(name)
            self._has_started = True

    async def stop(self) -> None:
        """Stop every task: what is under way is delivered and offsets are stored, within the time a stop may take."""
        async with self._changing:
            await self._tasks.end_all()

    async def health(self) -> Health:
        """Whether changes can be made; waits `headwater.worker.health.TIMEOUT_SECONDS` for one that is under way."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._changing:
                return Health.HEALTHY
        except TimeoutError:
            return Health.UNHEALTHY if self._has_started else Health.STARTING

    def connectors(self) -> list[str]:
        """The names of all connectors."""
        return list(self._connectors)

    def config(self, name: str) -> dict[str, str]:
        """A connector's configuration as it may be shown. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        config = self._connectors[name]
        hidden = self._config.options["rest.hide.passwords"]
        return hide_secrets(config, self._config.references) if hidden else dict(config)

    def tasks(self, name: str) -> list[int]:
        """The numbers of a connector's tasks: none when it is stopped. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        return self._tasks.numbers(name)

    def task_config(self, name: str) -> dict[str, str]:
        """The configuration of each task of a connector, as it may be shown. Raises `NotFoundError`."""
        config = self.config(name)
        return {**config, "task.class": f"{find_connector(config['connector.class']).class_name}Task"}

    def statuses(self, name: str) -> Sequence[Status]:
        """The connector's status first, then its tasks'. Raises `NotFoundError`."""
        statuses = self._tasks.statuses(name)
        if not statuses:
            raise NotFoundError(f"No status found for connector {name}")
        return statuses

    def task_status(self, name: str, task: int) -> Status:
        """A task's status. Raises `NotFoundError`."""
        for status in self._tasks.statuses(name):
            if status.task == task:
                return status
        raise NotFoundError(f"No status found for task {name}-{task}")

    def task_record(self, name: str) -> TaskRecord:
        """What is known of the process of a connector's task, and of those before it since the worker started."""
        return self._tasks.record(name)

    def offsets(self, name: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """(partition, offset) of each log that a connector has read, as stored last. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        return self._store.offsets(name)

    def log_levels(self) -> dict[str, LoggerLevel]:
        """The levels of all loggers by their name."""
        return self._tasks.log_levels.all()

    def log_level(self, name: str) -> LoggerLevel | None:
        """A logger's level; None for one that is not known."""
        return self._tasks.log_levels.get(name)

    def set_log_level(self, name: str, level: str) -> list[str]:
        """Change the level of a logger and of all below it: the names of those whose level is another now."""
        changed = self._tasks.set_log_level(name, level)
        log.info("log level set", logger_name=name, level_name=level)
        return changed

    def topics(self, name: str) -> list[str]:
        """The topics that a connector's messages went to, none for one that is not known. Raises `TopicTrackingError`.

        A message is counted once it is acknowledged and the offset behind it is stored.
        """
        self._check_tracking()
        return self._tasks.topics(name)

    def reset_topics(self, name: str) -> None:
        """Forget the topics that a connector's messages went to. Raises `TopicTrackingError`."""
        self._check_tracking()
        if not self._config.options["topic.tracking.allow.reset"]:
            raise TopicTrackingError("Topic tracking reset is disabled.")
        self._tasks.reset_topics(name)

    async def kafka_cluster_id(self) -> str | None:
        """The id of the Kafka cluster that messages go to; None while it can't be reached."""
        if self._cluster_id is None:
            # Asked once for all who wait: while the broker is away each question takes seconds.
            if self._asking_cluster is None or self._asking_cluster.done():
                ask = partial(kafka_cluster_id, self._config.values)
                self._asking_cluster = asyncio.create_task(in_daemon_thread(ask))
            self._cluster_id = await asyncio.shield(self._asking_cluster)
        return self._cluster_id

    async def validate(self, config: Mapping[str, str]) -> Validation:
        """Say what is wrong with a configuration, and try to reach the source.

        ``[hidden]`` stands for a secret as in `put`, where the configuration's name is that of a connector.
        Raises `headwater.worker.connector_config.ConnectorClassError`.
        """
        stored = self._connectors.get(config.get("name", ""))
        with contextlib.suppress(ConfigError):  # what then still stands for a secret is found to be wrong
            config = config if stored is None else keep_secrets(config, stored)
        async with self._validating:
            return await in_daemon_thread(partial(validate, self._config, config))

    @_change
    async def create(self, name: str, config: Mapping[str, str], target: TargetState = TargetState.STARTED) -> None:
        """Keep a new connector and bring it to its target state.

        Raises `headwater.config.ConfigError` or `ConnectorExistsError`.
        """
        warnings = check(self._config, config)
        if name in self._connectors:
            raise ConnectorExistsError(name)
        await self._configure(name, config, warnings, target)

    @_change
    async def put(self, name: str, config: Mapping[str, str]) -> bool:
        """Keep a new connector, or another configuration of one, and start it; whether it is new.

        ``[hidden]`` in it stands for the secret of the connector's present configuration. What is under way is
        delivered before the new configuration counts, and a configuration that is the same stops nothing.
        Raises `headwater.config.ConfigError`.
        """
        stored = self._connectors.get(name)
        complete = config if stored is None else keep_secrets(config, stored)
        await self._configure(name, complete, check(self._config, complete))
        return stored is None

    @_change
    async def patch(self, name: str, patch: Mapping[str, str | None]) -> None:
        """Merge options into a connector's configuration; None removes one (KIP-477). What `put` says holds.

        Raises `headwater.config.ConfigError` or `NotFoundError`.
        """
        self._check_known(name, f"Connector {name} not found")
        stored = self._connectors[name]
        # What isn't shown counts as `[hidden]` in what the patch leaves: it must not go to a host that the patch names.
        merged = {**self.config(name), **patch}
        config = {option: value for option, value in merged.items() if value is not None}
        complete = keep_secrets(config, stored)
        await self._configure(name, complete, check(self._config, complete))

    @_change
    async def pause(self, name: str) -> None:
        """Have a connector's task deliver what is under way and rest; one that failed stays so.

        Raises `NotFoundError`.
        """
        self._set_target(name, TargetState.PAUSED)
        if self._tasks.has_failed(name):
            self._tasks.put_status(name, None, State.PAUSED)
        else:
            await self._tasks.end(name)
            self._apply_target(name)

    @_change
    async def resume(self, name: str) -> None:
        """Have a connector's task go on from its offset; one that failed stays so. Raises `NotFoundError`."""
        self._set_target(name, TargetState.STARTED)
        if self._tasks.is_started(name):
            self._tasks.put_status(name, None, State.RUNNING)
        else:
            self._apply_target(name)

    @_change
    async def stop_connector(self, name: str) -> None:
        """Have a connector's task deliver what is under way, and remove it. Raises `NotFoundError`."""
        self._set_target(name, TargetState.STOPPED)
        await self._tasks.end(name)
        self._apply_target(name)

    @_change
    async def restart(self, name: str, *, include_tasks: bool, only_failed: bool) -> list[Status]:
        """Restart what is asked for: the statuses as in `statuses`, with RESTARTING where that is.

        A connector by itself has nothing that runs, so that only its tasks' restart does something.
        Raises `NotFoundError`.
        """
        self._check_known(name, f"Unknown connector: {name}")
        answer = []
        for status in self._tasks.statuses(name):
            asked = (status.task is None or include_tasks) and (status.state is State.FAILED or not only_failed)
            answer.append(replace(status, state=State.RESTARTING) if asked else status)
            if asked and status.task is not None:
                await self._start_anew(name, status.task)
        return answer

    @_change
    async def restart_task(self, name: str, task: int) -> None:
        """Start a task anew from its offset, once what is under way is delivered. Raises `NotFoundError`."""
        if task not in self.tasks(name):
            raise NotFoundError(f"Task {name}-{task} not found")
        await self._start_anew(name, task)

    @_change
    async def alter_offsets(self, name: str, offsets: Sequence[OffsetChange]) -> None:
        """Replace or remove offsets of a stopped connector, all or nothing.

        Raises `NotFoundError`, `NotStoppedError` or `headwater.source.OffsetError`.
        """
        self._check_stopped(name)
        config = read_connector_config(self._connectors[name], self._config.references)
        for partition, offset in offsets:
            if offset is not None:
                config.connector.check_offset(config.options, partition, offset)
        self._store.put_offsets(name, offsets)
        log.info("offsets altered", connector=name, partitions=len(offsets))

    @_change
    async def reset_offsets(self, name: str) -> None:
        """Remove all offsets of a stopped connector: it begins anew. Raises `NotFoundError` or `NotStoppedError`."""
        self._check_stopped(name)
        self._store.put_offsets(name, [(partition, None) for partition, _ in self._store.offsets(name)])
        log.info("offsets reset", connector=name)

    @_change
    async def delete(self, name: str) -> None:
        """Stop a connector and forget it; its offsets stay. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        await self._tasks.end(name)
        self._store.delete_connector(name)
        self._tasks.forget_record(name)
        del self._connectors[name], self._targets[name]
        log.info("connector deleted", connector=name)

    def _check_known(self, name: str, message: str) -> None:
        if name not in self._connectors:
            raise NotFoundError(message)

    def _check_tracking(self) -> None:
        if not self._config.options["topic.tracking.enable"]:
            raise TopicTrackingError("Topic tracking is disabled.")

    def _check_stopped(self, name: str) -> None:
        self._check_known(name, f"Connector {name} not found")
        if self._targets[name] is not TargetState.STOPPED:
            raise NotStoppedError(name)

    async def _configure(
        self,
        name: str,
        config: Mapping[str, str],
        warnings: Sequence[OptionWarning],
        target: TargetState = TargetState.STARTED,
    ) -> None:
        """Give a connector another configuration, or make a new one that has ``target`` as its target state."""
        if self._connectors.get(name) == config:
            return
        log_warnings(warnings, connector=name)
        self._store.put_connector(name, config, target)  # first: where that fails, the task goes on as it was
        await self._tasks.end(name)
        self._connectors[name] = dict(config)
        self._targets.setdefault(name, target)
        self._apply_target(name)
        log.info("connector configured", connector=name)

    def _set_target(self, name: str, target: TargetState) -> None:
        """Keep the target state before it is reached: a worker that starts after a crash goes on there."""
        self._check_known(name, f"Unknown connector {name}")
        self._store.put_target_state(name, target)
        self._targets[name] = target

    async def _start_anew(self, name: str, task: int) -> None:
        self._tasks.put_status(name, task, State.RESTARTING)
        await self._tasks.end(name)
        self._apply_target(name)

    def _apply_target(self, name: str) -> None:
        """Bring a connector whose task has ended to its target state."""
        match self._targets[name]:
            case TargetState.STARTED:
                self._tasks.start(name, self._connectors[name])
            case TargetState.PAUSED:
                self._tasks.put_status(name, None, State.PAUSED)
                for task in self.tasks(name):
                    self._tasks.put_status(name, task, State.PAUSED)
            case TargetState.STOPPED:
                self._tasks.put_status(name, None, State.STOPPED)
                self._tasks.forget(name)
