"""The worker: it keeps connectors, and runs a task for each of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog

from headwater.plugins import find_connector
from headwater.store import OffsetChange, State, Status, TargetState
from headwater.stores.sqlite import SqliteStore, StateFileError
from headwater.worker import assembly
from headwater.worker.connector_config import hide_secrets, keep_secrets, read_connector_config
from headwater.worker.kafka_cluster import kafka_cluster_id
from headwater.worker.option_names import OptionWarning
from headwater.worker.process import start_fork_server
from headwater.worker.supervisor import Supervisor
from headwater.worker.task import TaskSpec
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

SURVIVOR_SECONDS = 30.0
"""How long a starting worker waits for tasks of a killed one; they end as soon as they notice."""

TASK = 0
"""The number of a connector's only task: a source reads one log."""


class NotFoundError(LookupError):
    """There is no such connector, task or status; the text is Kafka Connect's."""


class NotStoppedError(Exception):
    """A connector's offsets can't be changed while a task may store others; the text is Kafka Connect's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the"
            f" specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
        )


class ConnectorExistsError(Exception):
    """There is a connector of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Connector {name} already exists")


Changed = TypeVar("Changed")


class Worker:
    """Connectors and their tasks; used from one event loop."""

    def __init__(self, config: WorkerConfig, store: SqliteStore) -> None:
        self._config = config
        self._store = store
        self._connectors = store.connectors()
        self._targets = store.target_states()
        self._supervisors: dict[str, Supervisor] = {}
        self._changing = asyncio.Lock()
        self._cluster_id: str | None = None

    async def start(self) -> None:
        """Bring every stored connector to its target state.

        Raises `StateFileError` if tasks of an earlier worker don't end.
        """
        start_fork_server()
        if not await asyncio.to_thread(self._store.wait_for_survivors, SURVIVOR_SECONDS):
            raise StateFileError(
                f"Tasks of an earlier worker still use {self._config.state_file}, {SURVIVOR_SECONDS:g} s after it"
                f" ended; end them first (`fuser {self._config.state_file}.tasks` shows them)"
            )
        for name in self._connectors:
            self._apply_target(name)

    async def stop(self) -> None:
        """Stop every task: what is under way is delivered and offsets are stored, within the time a stop may take."""
        async with self._changing:
            await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors.values()))
            for name in self._supervisors:
                self._put_status(name, TASK, State.UNASSIGNED)
                self._put_status(name, None, State.UNASSIGNED)
            self._supervisors.clear()

    def connectors(self) -> list[str]:
        """The names of all connectors."""
        return list(self._connectors)

    def config(self, name: str) -> dict[str, str]:
        """A connector's configuration as it may be shown. Raises `NotFoundError`."""
        try:
            config = self._connectors[name]
        except KeyError:
            raise NotFoundError(f"Connector {name} not found") from None
        return self._hide_secrets(config) if self._config.options["rest.hide.passwords"] else dict(config)

    def tasks(self, name: str) -> list[int]:
        """The numbers of a connector's tasks: none when it is stopped. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        return [status.task for status in self._store.statuses(name) if status.task is not None]

    def task_config(self, name: str) -> dict[str, str]:
        """The configuration of each task of a connector, as it may be shown. Raises `NotFoundError`."""
        config = self.config(name)
        return {**config, "task.class": f"{find_connector(config['connector.class']).class_name}Task"}

    def statuses(self, name: str) -> Sequence[Status]:
        """The connector's status first, then its tasks'. Raises `NotFoundError`."""
        statuses = self._store.statuses(name)
        if not statuses:
            raise NotFoundError(f"No status found for connector {name}")
        return statuses

    def task_status(self, name: str, task: int) -> Status:
        """A task's status. Raises `NotFoundError`."""
        for status in self._store.statuses(name):
            if status.task == task:
                return status
        raise NotFoundError(f"No status found for task {name}-{task}")

    def offsets(self, name: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """(partition, offset) of each log that a connector has read, as stored last. Raises `NotFoundError`."""
        self._check_known(name, f"Connector {name} not found")
        return self._store.offsets(name)

    async def kafka_cluster_id(self) -> str | None:
        """The id of the Kafka cluster that messages go to; None while it can't be reached."""
        if self._cluster_id is None:
            self._cluster_id = await asyncio.to_thread(kafka_cluster_id, self._config.values)
        return self._cluster_id

    async def create(self, name: str, config: Mapping[str, str], target: TargetState = TargetState.STARTED) -> None:
        """Keep a new connector and bring it to its target state.

        Raises `headwater.config.ConfigError` or `ConnectorExistsError`.
        """
        await self._change(self._create(name, config, target))

    async def put(self, name: str, config: Mapping[str, str]) -> bool:
        """Keep a new connector, or another configuration of one, and start it; whether it is new.

        ``[hidden]`` in it stands for the secret of the connector's present configuration. What is under way is
        delivered before the new configuration counts, and a configuration that is the same stops nothing.
        Raises `headwater.config.ConfigError`.
        """
        return await self._change(self._put(name, config))

    async def patch(self, name: str, patch: Mapping[str, str | None]) -> None:
        """Merge options into a connector's configuration; None removes one (KIP-477). What `put` says holds.

        Raises `headwater.config.ConfigError` or `NotFoundError`.
        """
        await self._change(self._patch(name, patch))

    async def pause(self, name: str) -> None:
        """Have a connector's task deliver what is under way and rest; one that failed stays so.

        Raises `NotFoundError`.
        """
        await self._change(self._pause(name))

    async def resume(self, name: str) -> None:
        """Have a connector's task go on from its offset; one that failed stays so. Raises `NotFoundError`."""
        await self._change(self._resume(name))

    async def stop_connector(self, name: str) -> None:
        """Have a connector's task deliver what is under way, and remove it. Raises `NotFoundError`."""
        await self._change(self._stop_connector(name))

    async def restart(self, name: str, *, include_tasks: bool, only_failed: bool) -> list[Status]:
        """Restart what is asked for: the statuses as in `statuses`, with RESTARTING where that is.

        A connector by itself has nothing that runs, so that only its tasks' restart does something.
        Raises `NotFoundError`.
        """
        return await self._change(self._restart(name, include_tasks=include_tasks, only_failed=only_failed))

    async def restart_task(self, name: str, task: int) -> None:
        """Start a task anew from its offset, once what is under way is delivered. Raises `NotFoundError`."""
        await self._change(self._restart_task(name, task))

    async def alter_offsets(self, name: str, offsets: Sequence[OffsetChange]) -> None:
        """Replace or remove offsets of a stopped connector, all or nothing.

        Raises `NotFoundError`, `NotStoppedError` or `headwater.source.OffsetError`.
        """
        await self._change(self._alter_offsets(name, offsets))

    async def reset_offsets(self, name: str) -> None:
        """Remove all offsets of a stopped connector: it begins anew. Raises `NotFoundError` or `NotStoppedError`."""
        await self._change(self._reset_offsets(name))

    async def delete(self, name: str) -> None:
        """Stop a connector and forget it; its offsets stay. Raises `NotFoundError`."""
        await self._change(self._delete(name))

    async def _change(self, change: Coroutine[None, None, Changed]) -> Changed:
        """Make changes one after the other, each to its end: a task must not be left half stopped.

        That is why they aren't cancelled with the requests that asked for them.
        """

        async def make() -> Changed:
            async with self._changing:
                return await change

        return await asyncio.shield(make())

    async def _create(self, name: str, config: Mapping[str, str], target: TargetState) -> None:
        warnings = self._check(config)
        if name in self._connectors:
            raise ConnectorExistsError(name)
        await self._configure(name, config, warnings, target)

    async def _put(self, name: str, config: Mapping[str, str]) -> bool:
        stored = self._connectors.get(name)
        complete = config if stored is None else keep_secrets(config, stored)
        await self._configure(name, complete, self._check(complete))
        return stored is None

    async def _patch(self, name: str, patch: Mapping[str, str | None]) -> None:
        self._check_known(name, f"Connector {name} not found")
        stored = self._connectors[name]
        # What the patch doesn't mention is `[hidden]` too: a secret must not go to a host that the patch names.
        merged = {**self._hide_secrets(stored), **patch}
        config = {option: value for option, value in merged.items() if value is not None}
        complete = keep_secrets(config, stored)
        await self._configure(name, complete, self._check(complete))

    async def _pause(self, name: str) -> None:
        self._set_target(name, TargetState.PAUSED)
        if any(status.task is not None and status.state is State.FAILED for status in self._store.statuses(name)):
            self._put_status(name, None, State.PAUSED)
        else:
            await self._end_task(name)
            self._apply_target(name)

    async def _resume(self, name: str) -> None:
        self._set_target(name, TargetState.STARTED)
        if name in self._supervisors:
            self._put_status(name, None, State.RUNNING)
        else:
            self._apply_target(name)

    async def _stop_connector(self, name: str) -> None:
        self._set_target(name, TargetState.STOPPED)
        await self._end_task(name)
        self._apply_target(name)

    async def _restart(self, name: str, *, include_tasks: bool, only_failed: bool) -> list[Status]:
        self._check_known(name, f"Unknown connector: {name}")
        answer = []
        for status in self._store.statuses(name):
            asked = (status.task is None or include_tasks) and (status.state is State.FAILED or not only_failed)
            answer.append(replace(status, state=State.RESTARTING, trace=None) if asked else status)
            if asked and status.task is not None:
                await self._restart_task(name, status.task)
        return answer

    async def _restart_task(self, name: str, task: int) -> None:
        if task not in self.tasks(name):
            raise NotFoundError(f"Task {name}-{task} not found")
        self._put_status(name, task, State.RESTARTING)
        await self._end_task(name)
        self._apply_target(name)

    async def _alter_offsets(self, name: str, offsets: Sequence[OffsetChange]) -> None:
        self._check_stopped(name)
        config = read_connector_config(self._connectors[name], self._config.references)
        for partition, offset in offsets:
            if offset is not None:
                config.connector.check_offset(config.options, partition, offset)
        self._store.put_offsets(name, offsets)
        log.info("offsets altered", connector=name, partitions=len(offsets))

    async def _reset_offsets(self, name: str) -> None:
        self._check_stopped(name)
        self._store.put_offsets(name, [(partition, None) for partition, _ in self._store.offsets(name)])
        log.info("offsets reset", connector=name)

    def _check_stopped(self, name: str) -> None:
        self._check_known(name, f"Connector {name} not found")
        if self._targets[name] is not TargetState.STOPPED:
            raise NotStoppedError(name)

    def _check_known(self, name: str, message: str) -> None:
        if name not in self._connectors:
            raise NotFoundError(message)

    def _set_target(self, name: str, target: TargetState) -> None:
        """Keep the target state before it is reached: a worker that starts after a crash goes on there."""
        self._check_known(name, f"Unknown connector {name}")
        self._store.put_target_state(name, target)
        self._targets[name] = target

    def _check(self, config: Mapping[str, str]) -> list[OptionWarning]:
        """What its author should know of a connector's configuration. Raises `headwater.config.ConfigError`."""
        connector = read_connector_config(config, self._config.references)
        return [*connector.warnings, *assembly.check_connector(self._config, connector)]

    def _hide_secrets(self, config: Mapping[str, str]) -> dict[str, str]:
        return hide_secrets(config, self._config.references)

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
        await self._end_task(name)
        self._store.put_connector(name, config, target)
        self._connectors[name] = dict(config)
        self._targets.setdefault(name, target)
        self._apply_target(name)
        log.info("connector configured", connector=name)

    async def _delete(self, name: str) -> None:
        self._check_known(name, f"Connector {name} not found")
        await self._end_task(name)
        self._store.delete_connector(name)
        del self._connectors[name], self._targets[name]
        log.info("connector deleted", connector=name)

    async def _end_task(self, name: str) -> None:
        """Have a connector's task, if it has one, deliver what is under way and end."""
        supervisor = self._supervisors.pop(name, None)
        if supervisor is not None:
            await supervisor.stop()

    def _apply_target(self, name: str) -> None:
        """Bring a connector whose task has ended to its target state."""
        match self._targets[name]:
            case TargetState.STARTED:
                self._start_task(name)
            case TargetState.PAUSED:
                self._put_status(name, None, State.PAUSED)
                for task in self.tasks(name):
                    self._put_status(name, task, State.PAUSED)
            case TargetState.STOPPED:
                self._put_status(name, None, State.STOPPED)
                self._store.delete_task_statuses(name)

    def _start_task(self, name: str) -> None:
        self._put_status(name, None, State.RUNNING)
        self._put_status(name, TASK, State.UNASSIGNED)
        self._supervisors[name] = Supervisor(
            partial(self._make_spec, name), partial(self._put_status, name, TASK), self._config.graceful_seconds
        )

    def _make_spec(self, name: str) -> TaskSpec:
        return TaskSpec(
            connector=name,
            task=TASK,
            epoch=self._store.begin_epoch(name, TASK),
            state_file=self._config.state_file,
            worker_config=self._config.properties,
            connector_config=self._connectors[name],
        )

    def _put_status(self, name: str, task: int | None, state: State, trace: str | None = None) -> None:
        self._store.put_status(Status(name, task, state, self._config.worker_id, trace))
        if task is not None:
            level = logging.WARNING if state in (State.FAILED, State.RESTARTING) else logging.INFO
            reason = {"reason": trace.partition("\n")[0]} if trace else {}
            log.log(level, "task state", connector=name, task=task, state=state, **reason)


def log_warnings(warnings: Sequence[OptionWarning], **context: str) -> None:
    """Tell about options that may not mean what their author thinks."""
    for warning in warnings:
        log.warning(warning.message, option=warning.option, **context)
